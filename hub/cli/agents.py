"""`pygent agents`: list, show and compare specs; check, create and publish them from files."""

import difflib
import sys
from pathlib import Path
from typing import Annotated, cast

import anyio
import typer
import yaml
from pydantic import ValidationError
from rich.text import Text

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson, Cursor
from hub.cli.client import opened
from hub.cli.completing import agent_names
from hub.cli.exits import EXITS, broken_rules, command
from hub.cli.nouns import Noun
from protocols.agents import AgentSpec, AgentState
from protocols.errors import AlreadyExists, InvalidRequest, NotFound
from protocols.operations.agents import Agent, AgentQuery, AgentVersion, SpecCheck, ValidateSpec
from protocols.operations.listings import Listing
from protocols.rest.client import RestClient

app = typer.Typer(
    help="Agents: versioned specs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(help="Name or id.", autocompletion=agent_names)]
File = Annotated[Path, typer.Argument(help="A YAML or JSON file; `-` reads standard input.")]

HOW = "a spec begins with a line such as `name: guide`"
LINE = 100  # characters
DIFF_STYLE = {"---": "bold", "+++": "bold", "@@": "cyan", "-": "red", "+": "green"}


@app.command("ls")
@command
async def list_agents(
    text: Annotated[str | None, typer.Option(help="Words of the name or description.")] = None,
    state: Annotated[
        list[AgentState] | None, typer.Option(help="Only these states; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List agents by name.

    Example: `pygent agents ls --text support`
    """
    async with opened() as client:
        query = AgentQuery(text=text, state=tuple(state or ()), limit=limit, cursor=cursor)
        listing = await client.agents.list(query)
    if as_json:
        answers.say(listing)
        return
    tables.table(
        ["Name", "Version", "State", "Model", "Strategy", "Description"],
        [
            [row.name, str(row.number), row.state.value, row.model, row.strategy, row.description]
            for row in listing.items
        ],
        more=listing.next,
    )


@app.command()
@command
async def show(
    name: Name,
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print an agent's spec as YAML, ready to be changed and published again.

    Example: `pygent agents show guide > guide.yaml`
    """
    async with opened() as client:
        agent = await client.agents.get(name, number=number)
    if as_json:
        answers.say(agent)
        return
    sys.stdout.write(as_yaml(agent))


@app.command()
@command
async def create(
    spec: File,
    expected: Annotated[
        int | None,
        typer.Option(help="Number of the version it was made from; refused if there is a newer."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an agent, or publish a new version when its name exists.

    Example: `pygent agents create guide.yaml`
    """
    wanted = await anyio.to_thread.run_sync(read_spec, spec)
    async with opened() as client:
        try:
            agent = await client.agents.create(wanted)
        except AlreadyExists:
            agent = await client.agents.publish(wanted.name, wanted, expected=expected)
    if as_json:
        answers.say(agent)
    else:
        drawing.out.print(f"{agent.name} version {agent.number}  {agent.id}", markup=False)


@app.command()
@command
async def check(spec: File, as_json: AsJson = False) -> None:
    """Say what creating or publishing a spec would say, all of it at once; nothing is changed.

    Exit code 2 when something is wrong with it. Example: `pygent agents check guide.yaml`
    """
    fields = await anyio.to_thread.run_sync(read_fields, spec)
    name = fields.get("name")
    async with opened() as client:
        found = await _checked(client, fields, name if isinstance(name, str) and name else None)
    if as_json:
        answers.say(found)
    for problem in found.problems if not as_json else ():
        value = "" if problem.value is None else f" (got {problem.value})"
        drawing.err.print(f"{spec}: {problem.field}: {problem.rule}{value}", markup=False)
    if found.problems:
        raise typer.Exit(EXITS[InvalidRequest])
    if not as_json:
        what = "is published as" if found.is_unchanged else "would become"
        drawing.out.print(f"{name} {what} version {found.number}", markup=False)


@app.command()
@command
async def diff(
    name: Name,
    old: Annotated[int | None, typer.Argument(help="Version; default: the one before.")] = None,
    new: Annotated[int | None, typer.Argument(help="Version; default: the latest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two versions of an agent's spec, as `diff -u` does; nothing where they are the same.

    Example: `pygent agents diff guide 1 3`
    """
    async with opened() as client:
        after = await client.agents.get(name, number=new)
        before = await client.agents.get(name, number=old or max(1, after.number - 1))
    if as_json:
        answers.say({"name": after.name, **_changes(before, after)})
        return
    lines = difflib.unified_diff(
        as_yaml(before).splitlines(),
        as_yaml(after).splitlines(),
        f"{before.name} version {before.number}",
        f"{after.name} version {after.number}",
        lineterm="",
    )
    for line in lines:
        style = next((style for sign, style in DIFF_STYLE.items() if line.startswith(sign)), None)
        drawing.out.print(Text(drawing.plain(line), style=style or ""))


@app.command()
@command
async def duplicate(
    name: Name,
    copy: Annotated[str, typer.Argument(help="Name of the new agent.")],
    as_json: AsJson = False,
) -> None:
    """Create an agent with the latest spec of another one.

    Example: `pygent agents duplicate guide my-guide`
    """
    async with opened() as client:
        original = await client.agents.get(name)
        spec = AgentSpec.model_validate({**original.spec.model_dump(), "name": copy})
        agent = await client.agents.create(spec)
    if as_json:
        answers.say(agent)
    else:
        drawing.out.print(f"{agent.name} version {agent.number}  {agent.id}", markup=False)


@app.command()
@command
async def versions(name: Name, as_json: AsJson = False) -> None:
    """List an agent's published versions, newest first.

    Example: `pygent agents versions guide`
    """
    async with opened() as client:
        found = await client.agents.versions(name)
    if as_json:
        answers.say(Listing[AgentVersion](items=found))
        return
    tables.table(
        ["Version", "Published", "By", "Hash of its spec"],
        [
            [
                str(version.number),
                drawing.moment(version.published_at),
                version.published_by,
                version.spec_hash[:12],
            ]
            for version in found
        ],
    )


@app.command()
@command
async def retire(name: Name, as_json: AsJson = False) -> None:
    """Let an agent take no more tasks; publishing a version wakes it.

    Example: `pygent agents retire guide`
    """
    async with opened() as client:
        agent = await client.agents.retire(name)
    if as_json:
        answers.say(agent)
    else:
        drawing.err.print(f"{agent.name} is {agent.state.value}", markup=False)


def read_spec(path: Path) -> AgentSpec:
    """The spec in a file.

    Raises:
        InvalidRequest: It cannot be read, is no YAML, or breaks a rule; the field is named.
    """
    fields = _loaded(path)
    try:
        return AgentSpec.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {broken_rules(error)}") from None


def read_fields(path: Path) -> dict[str, object]:
    """What stands in a file of a spec, whatever rules it breaks.

    Raises:
        InvalidRequest: It cannot be read, or is no YAML of fields.
    """
    fields = _loaded(path)
    if not isinstance(fields, dict):
        raise InvalidRequest(f"{path} holds no fields: {HOW}")
    return {str(name): value for name, value in cast("dict[object, object]", fields).items()}


def as_yaml(agent: Agent) -> str:
    """A spec as a file of it would be written, without what is as it is by itself."""
    spec = agent.spec.model_dump(mode="json", exclude_defaults=True)
    text: str = yaml.safe_dump(
        {"name": agent.name, **spec}, sort_keys=False, allow_unicode=True, width=LINE
    )
    return text


def _loaded(path: Path) -> object:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} cannot be read: {_why(error)}") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path} is neither YAML nor JSON: {_one_line(error)}") from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is no UTF-8"


def _one_line(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    place = f", line {mark.line + 1}" if mark else ""
    what = error.problem if isinstance(error, yaml.MarkedYAMLError) else None
    return f"{what or ' '.join(str(error).split())}{place}"


async def _checked(client: RestClient, fields: dict[str, object], name: str | None) -> SpecCheck:
    """As the next version of the agent of its name, or as a new one where there is none."""
    try:
        return await client.agents.validate(ValidateSpec(spec=fields, agent=name))
    except (NotFound, ValidationError):
        return await client.agents.validate(ValidateSpec(spec=fields))


def _changes(before: Agent, after: Agent) -> dict[str, object]:
    """The fields that differ, each as it was and as it is."""
    was, is_now = before.spec.model_dump(mode="json"), after.spec.model_dump(mode="json")
    changed = {name: [was[name], is_now[name]] for name in is_now if was[name] != is_now[name]}
    return {"from": before.number, "to": after.number, "changes": changed}
