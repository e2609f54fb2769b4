"""Every kind of event there is today: what it means and what it carries."""

import inspect
from typing import Any, get_args, get_origin

import msgspec

from deploy.reference.tables import table
from protocols.events import KINDS, Data


def events() -> str:
    """A section for each kind, in the order of the stream."""
    return "\n\n".join(_section(name, kind) for name, kind in KINDS.items())


def _section(name: str, kind: type[Data]) -> str:
    fields = msgspec.structs.fields(kind)
    told = [f"## `{name}`", " ".join((inspect.getdoc(kind) or "").split())]
    if fields:
        rows = [(f"`{field.name}`", _type(field.type), _needed(field)) for field in fields]
        told.append(table(("field", "type", "always there"), rows))
    return "\n\n".join(told)


def _needed(field: msgspec.structs.FieldInfo) -> str:
    return "yes" if field.required else "no"


def _type(kind: Any) -> str:
    """As JSON has it."""
    if kind is msgspec.Raw:
        return "any JSON"
    if get_origin(kind) is tuple:
        return f"list of {_type(get_args(kind)[0])}"
    if others := [one for one in get_args(kind) if one is not type(None)]:
        return " or ".join(_type(one) for one in others)
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    return names.get(kind.__name__, str(kind.__name__))
