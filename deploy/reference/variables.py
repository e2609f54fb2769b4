"""Environment variables, by who reads them: from the settings classes and the providers' table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from agents.models.providers import PROVIDERS, Provider
from agents.settings import AgentSettings
from deploy.reference.tables import NONE, cell, table
from hub.cli.settings import ClientSettings, UpSettings
from hub.settings import HubSettings
from store.settings import PREFIX, StoreSettings

HEADER = ("variable", "meaning", "default")


def hub() -> str:
    """What a hub and `pygent up` read."""
    return _table(HubSettings, UpSettings, without=(StoreSettings,))


def store() -> str:
    """What every part reads."""
    return _table(StoreSettings)


def workers() -> str:
    """What workers and the scheduler read beside that."""
    return _table(AgentSettings, without=(StoreSettings, HubSettings))


def clients() -> str:
    """What the client commands and the libraries read."""
    return _table(ClientSettings)


def providers() -> str:
    """Where the keys and addresses of models are looked for."""
    rows = [
        (f"`{one.name}:…`", _or(one.keys, is_needed=not one.needs_url), _urls(one))
        for one in PROVIDERS.values()
    ]
    return table(("model", "API key", "address"), rows)


def _urls(provider: Provider) -> str:
    return _or(provider.urls, is_needed=provider.needs_url) if provider.urls else "fixed"


def _or(variables: tuple[str, ...], *, is_needed: bool) -> str:
    named = " or ".join(f"`{variable}`" for variable in variables)
    return named if is_needed else f"{named}, if needed"


def _table(*kinds: type[BaseSettings], without: tuple[type[BaseSettings], ...] = ()) -> str:
    known = {name for kind in without for name in kind.model_fields}
    fields = {
        name: field
        for kind in kinds
        for name, field in kind.model_fields.items()
        if name not in known
    }
    return table(HEADER, _rows(fields))


def _rows(fields: dict[str, FieldInfo]) -> Iterator[tuple[str, str, str]]:
    for name, field in fields.items():
        if not field.description:
            raise ValueError(f"the setting {name} has no description")
        meaning = cell(field.description).rstrip(".")
        yield f"`{PREFIX}{name.upper()}`", f"{_begun(meaning)}{_choices(field)}", _default(field)


def _begun(sentence: str) -> str:
    """As a cell begins: small, but for names."""
    first = sentence.partition(" ")[0]
    return f"{sentence[0].lower()}{sentence[1:]}" if first[1:].islower() else sentence


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    *others, last = (f"`{one}`" for one in get_args(field.annotation))
    return f": {', '.join(others)} or {last}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value == "" or field.default_factory is not None:
        return NONE
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value.as_posix() if isinstance(value, Path) else value}`"
