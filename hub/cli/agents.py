"""`pygent agents`: list, show, create and publish specs from YAML or JSON files."""

import sys
from pathlib import Path
from typing import Annotated

import anyio
import typer
import yaml
from pydantic import ValidationError

from hub.cli import answers, drawing
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.completing import agent_names
from hub.cli.exits import broken_rules, command
from protocols.agents import AgentSpec
from protocols.errors import AlreadyExists, InvalidRequest
from protocols.operations.agents import AgentQuery, AgentVersion
from protocols.operations.listings import Listing

app = typer.Typer(
    help="Agents: versioned specs.", no_args_is_help=True, rich_markup_mode="markdown"
)

Name = Annotated[str, typer.Argument(help="Name or id.", autocompletion=agent_names)]


@app.command("ls")
@command
async def list_agents(
    text: Annotated[str | None, typer.Option(help="Words of the name or description.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List agents by name.

    Example: `pygent agents ls --text support`
    """
    async with opened() as client:
        listing = await client.agents.list(AgentQuery(text=text, limit=limit))
    if as_json:
        answers.say(listing)
        return
    drawing.table(
        ["Name", "Version", "State", "Model", "Strategy", "Description"],
        [
            [row.name, str(row.number), row.state.value, row.model, row.strategy, row.description]
            for row in listing.items
        ],
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
    spec = agent.spec.model_dump(mode="json", exclude_defaults=True)
    sys.stdout.write(yaml.safe_dump({"name": agent.name, **spec}, sort_keys=False))


@app.command()
@command
async def create(
    spec: Annotated[Path, typer.Argument(help="A YAML or JSON file; `-` reads standard input.")],
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
            agent = await client.agents.publish(wanted.name, wanted)
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
    drawing.table(
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
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return AgentSpec.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{path} is neither YAML nor JSON: {error}") from None
    except ValidationError as error:
        raise InvalidRequest(f"{path}: {broken_rules(error)}") from None
