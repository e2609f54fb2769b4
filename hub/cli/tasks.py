"""`pygent tasks`: list, show with all its steps, submit and cancel."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from hub.cli import answers, drawing, task_tree
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.completing import agent_names, open_task_ids, task_ids
from hub.cli.exits import command
from hub.cli.task_story import read_story
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.tasks import TaskState

app = typer.Typer(
    help="Tasks: requests to agents.", no_args_is_help=True, rich_markup_mode="markdown"
)


@app.command("ls")
@command
async def list_tasks(
    state: Annotated[
        list[TaskState] | None, typer.Option(help="Only these states; may be repeated.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="Only of this agent.", autocompletion=agent_names)
    ] = None,
    text: Annotated[str | None, typer.Option(help="Words of the title.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first.

    Example: `pygent tasks ls --state failed --agent guide`
    """
    query = TaskQuery(state=tuple(state or ()), agent=agent, text=text, limit=limit)
    async with opened() as client:
        listing = await client.tasks.list(query)
    if as_json:
        answers.say(listing)
        return
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
    task: Annotated[str, typer.Argument(help="Id of the task.", autocompletion=task_ids)],
    as_json: AsJson = False,
) -> None:
    """Show a task as it stands now: its answer, and each step of each attempt.

    What a dead attempt left unfinished is shown struck through: it is void.

    Example: `pygent tasks show 0199aaaa-0000-7000-8000-000000000000`
    """
    async with opened() as client:
        if as_json:
            found, epoch = await client.tasks.get(task)
            answers.say({**msgspec.structs.asdict(found), "epoch": epoch})
            return
        story = await read_story(client, task)
    answer = task_tree.answer(story.task, is_drawn=drawing.out.is_terminal)
    shown = (task_tree.head(story.task), answer, task_tree.tree(story))
    drawing.page([part for part in shown if part is not None])


@app.command()
@command
async def create(
    agent: Annotated[
        str, typer.Argument(help="Name or id of the agent.", autocompletion=agent_names)
    ],
    text: Annotated[str, typer.Argument(help="What to ask.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Idempotency key: repeat without asking twice.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a task and print its id; `pygent tail` watches it.

    Example: `pygent tasks create guide "What is a stream?" --key question-1`
    """
    async with opened() as client:
        receipt = await client.tasks.submit(SubmitTask(agent=agent, input=text), key=key)
    if as_json:
        answers.say(receipt)
    else:
        sys.stdout.write(f"{receipt.id}\n")


@app.command()
@command
async def cancel(
    task: Annotated[str, typer.Argument(help="Id of the task.", autocompletion=open_task_ids)],
    as_json: AsJson = False,
) -> None:
    """Stop a task: one that waits at once, one at work within a second.

    Example: `pygent tasks cancel 0199aaaa-0000-7000-8000-000000000000`
    """
    async with opened() as client:
        receipt = await client.tasks.cancel(task)
    if as_json:
        answers.say(receipt)
    else:
        drawing.err.print(drawing.state(receipt.state))
