"""`pygent tasks`: list, show, submit and cancel."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from hub.cli import drawing
from hub.cli.client import opened
from hub.cli.exits import command
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.tasks import Task, TaskState

app = typer.Typer(help="Tasks: requests to agents.", no_args_is_help=True)


@app.command("ls")
@command
async def list_tasks(
    state: Annotated[
        list[TaskState] | None, typer.Option(help="Only these states; may be repeated.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Only of this agent.")] = None,
    text: Annotated[str | None, typer.Option(help="Words of the title.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
) -> None:
    """List tasks, newest first."""
    query = TaskQuery(state=tuple(state or ()), agent=agent, text=text, limit=limit)
    async with opened() as client:
        listing = await client.tasks.list(query)
    drawing.table(
        ["Id", "State", "Agent", "Took", "Cost", "Title"],
        [
            [
                row.id,
                drawing.state(row.state),
                row.agent_name,
                drawing.seconds(
                    ((row.ended_at or datetime.now(UTC)) - row.submitted_at).total_seconds()
                ),
                drawing.dollars(row.cost),
                row.title,
            ]
            for row in listing.items
        ],
    )


@app.command()
@command
async def show(
    task: Annotated[str, typer.Argument(help="Id of the task.")],
    as_json: Annotated[bool, typer.Option("--json", help="The folded task as JSON.")] = False,
) -> None:
    """Show a task as it stands now."""
    async with opened() as client:
        found, _ = await client.tasks.get(task)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    _draw(found)


@app.command()
@command
async def create(
    agent: Annotated[str, typer.Argument(help="Name or id of the agent.")],
    text: Annotated[str, typer.Argument(help="What to ask.")],
    key: Annotated[str | None, typer.Option("--key", help="Idempotency key.")] = None,
) -> None:
    """Submit a task and print its id; `pygent tail` watches it."""
    async with opened() as client:
        receipt = await client.tasks.submit(SubmitTask(agent=agent, input=text), key=key)
    sys.stdout.write(f"{receipt.id}\n")


@app.command()
@command
async def cancel(task: Annotated[str, typer.Argument(help="Id of the task.")]) -> None:
    """Stop a task."""
    async with opened() as client:
        receipt = await client.tasks.cancel(task)
    drawing.err.print(drawing.state(receipt.state))


def _draw(task: Task) -> None:
    drawing.err.print(drawing.state(task.state), drawing.plain(task.title))
    drawing.err.print(
        f"[dim]{task.agent_name} v{task.agent_version} · {task.model} · version {task.version} · "
        f"{drawing.dollars(task.cost)} · ↑{task.usage.input} ↓{task.usage.output}[/dim]"
    )
    for step in task.steps:
        took = ""
        if step.ended_at is not None:
            took = drawing.seconds((step.ended_at - step.started_at).total_seconds())
        note = step.reason or step.summary or ""
        drawing.err.print(
            f"  {step.state.value:9} {step.kind.value:9} {step.name}  {took}  {note}",
            markup=False,
        )
    if task.reason:
        drawing.err.print(drawing.plain(task.reason), style="red", markup=False)
    if task.answer is not None:
        sys.stdout.write(drawing.plain(task.answer) + "\n")
