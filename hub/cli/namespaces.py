"""`pygent namespaces`: which channels there can be, and what may be done in them.

Listed over REST; changed beside the database, as keys are: only owners may, and a key is none.
"""

from typing import Annotated

import msgspec
import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.exits import command
from hub.cli.nouns import Noun
from hub.cli.opened_store import opened_store
from hub.settings import HubSettings
from protocols.errors import InvalidRequest, NotFound
from protocols.namespaces import ApplicationNamespace
from protocols.operations.listings import Listing
from protocols.operations.namespaces import UNNAMED, Namespace, NamespaceRules
from protocols.principals import system
from store.connect import Store
from store.operations.namespaces import StoredNamespaces

app = typer.Typer(
    help="Namespaces: which channels of applications there can be.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)

FIELDS = [one.name for one in msgspec.structs.fields(ApplicationNamespace) if one.name != "name"]
DEFAULTS = msgspec.to_builtins(ApplicationNamespace(name=""))

Name = Annotated[
    str, typer.Argument(help="Before the colon of its channels; `-`: channels without a colon.")
]


@app.command("ls")
@command
async def list_namespaces(as_json: AsJson = False) -> None:
    """List namespaces, with the rules that are not as by default.

    Example: `pygent namespaces ls`
    """
    async with opened() as client:
        found = await client.namespaces.list()
    if as_json:
        answers.say(Listing[Namespace](items=found))
        return
    tables.table(
        ["Name", "Changed by", "Rules"],
        [
            [one.name or UNNAMED, one.changed_by or "PYGENT_NAMESPACES", _rules(one)]
            for one in found
        ],
    )


@app.command()
@command
async def show(name: Name, as_json: AsJson = False) -> None:
    """Show all rules of a namespace.

    Example: `pygent namespaces show news`
    """
    async with opened() as client:
        found = _found(await client.namespaces.list(), _named(name))
    if as_json:
        answers.say(found)
        return
    tables.facts({field: _spelled(value) for field, value in found.rules.root.items()})


@app.command("set")
@command
async def set_rules(
    name: Name,
    rules: Annotated[
        list[str] | None, typer.Argument(help=f"`rule=value`, of {', '.join(FIELDS)}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a namespace, or change rules of it; what is not named stays as it is.

    Every hub has it within seconds. Clients in its channels subscribe again by themselves.

    Example: `pygent namespaces set news history_size=100 history_seconds=3600 publish=operators`
    """
    name = _named(name)
    async with opened_store() as (store, _):
        operations = _operations(store)
        known = [one for one in await operations.list() if one.name == name]
        before = known[0].rules.root if known else {}
        changed = {**before, **dict(_rule(one) for one in rules or ())}
        made = await operations.put(name, NamespaceRules(changed))
    if as_json:
        answers.say(made)
    else:
        drawing.err.print(f"{name or UNNAMED}: {_rules(made) or 'as by default'}", markup=False)


@app.command()
@command
async def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a namespace: nobody can subscribe or publish to its channels any more.

    Example: `pygent namespaces delete news --yes`
    """
    if not yes:
        raise InvalidRequest("this ends all subscriptions to its channels; repeat it with --yes")
    async with opened_store() as (store, _):
        gone = await _operations(store).delete(_named(name))
    if as_json:
        answers.say(gone)
    else:
        drawing.err.print(f"{name} is deleted", markup=False)


def _operations(store: Store) -> StoredNamespaces:
    """Beside the hubs, who see by themselves that there was a change."""
    fixed = HubSettings().application_namespaces()
    return StoredNamespaces(store, system(), fixed=fixed, changed=lambda: None)


def _named(name: str) -> str:
    return "" if name == UNNAMED else name


def _found(namespaces: list[Namespace], name: str) -> Namespace:
    for one in namespaces:
        if one.name == name:
            return one
    raise NotFound(f"there is no namespace {name[:80]!r}; `pygent namespaces ls` lists them")


def _rule(text: str) -> tuple[str, object]:
    field, equals, value = text.partition("=")
    if not equals or field not in FIELDS:
        raise InvalidRequest(
            f"a rule is of the form rule=value, not {text[:40]!r}; rules are {', '.join(FIELDS)}"
        )
    try:
        return field, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return field, value


def _rules(namespace: Namespace) -> str:
    rules = namespace.rules.root
    told = {name: value for name, value in rules.items() if value != DEFAULTS.get(name)}
    return ", ".join(f"{name}={_spelled(value)}" for name, value in told.items())


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
