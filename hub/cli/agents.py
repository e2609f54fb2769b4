"""`pygent agents`: list, show, create and publish specs from YAML or JSON files."""

import sys
from pathlib import Path
from typing import Annotated

import anyio
import typer
import yaml
from pydantic import ValidationError

from hub.cli import drawing
from hub.cli.client import opened
from hub.cli.exits import broken_rules, command
from protocols.agents import AgentSpec
from protocols.errors import AlreadyExists, InvalidRequest
from protocols.operations.agents import AgentQuery

app = typer.Typer(help="Agents: versioned specs.", no_args_is_help=True)


@app.command("ls")
@command
async def list_agents(
    text: Annotated[str | None, typer.Option(help="Words of the name or description.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
) -> None:
    """List agents by name."""
    async with opened() as client:
        listing = await client.agents.list(AgentQuery(text=text, limit=limit))
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
    name: Annotated[str, typer.Argument(help="Name or id.")],
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
) -> None:
    """Print an agent's spec as YAML, ready to be changed and published again."""
    async with opened() as client:
        agent = await client.agents.get(name, number=number)
    spec = agent.spec.model_dump(mode="json", exclude_defaults=True)
    sys.stdout.write(yaml.safe_dump({"name": agent.name, **spec}, sort_keys=False))


@app.command()
@command
async def create(
    spec: Annotated[Path, typer.Argument(help="A YAML or JSON file; `-` reads standard input.")],
) -> None:
    """Create an agent, or publish a new version when its name exists."""
    wanted = await anyio.to_thread.run_sync(read_spec, spec)
    async with opened() as client:
        try:
            agent = await client.agents.create(wanted)
        except AlreadyExists:
            agent = await client.agents.publish(wanted.name, wanted)
    drawing.out.print(f"{agent.name} version {agent.number}  {agent.id}", markup=False)


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
