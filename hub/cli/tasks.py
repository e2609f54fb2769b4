"""`pygent tasks`: list, show with all its steps, read the events, submit and cancel."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import anyio
import msgspec
import typer

from hub.cli import answers, drawing, tables, task_tree
from hub.cli.answers import AsJson, Cursor
from hub.cli.ask import Context
from hub.cli.client import opened
from hub.cli.completing import agent_names, open_task_ids, task_ids
from hub.cli.exits import command
from hub.cli.nouns import Noun
from hub.cli.task_story import read_story
from protocols.event_encoding import envelope
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.tasks import TaskState

app = typer.Typer(
    help="Tasks: requests to agents.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)


@app.command("ls")
@command
async def list_tasks(  # noqa: PLR0913  one option for each thing a list can be asked for
    state: Annotated[
        list[TaskState] | None, typer.Option(help="Only these states; may be repeated.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="Only of this agent.", autocompletion=agent_names)
    ] = None,
    text: Annotated[str | None, typer.Option(help="Words of the title.")] = None,
    context: Annotated[str | None, typer.Option(help="Only of this conversation.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Only those an actor submitted, such as `user:owner`.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Submitted then or later, by this machine's clock.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Submitted before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first.

    Example: `pygent tasks ls --state failed --agent guide`
    """
    query = TaskQuery(
        state=tuple(state or ()),
        agent=agent,
        text=text,
        context_id=context,
        submitted_by=by,
        since=since.astimezone() if since else None,
        until=until.astimezone() if until else None,
        limit=limit,
        cursor=cursor,
    )
    async with opened() as client:
        listing = await client.tasks.list(query)
    if as_json:
        answers.say(listing)
        return
    tables.table(
        ["Id", "State", "Agent", "Took", "Cost", "Title"],
        [
            [
                row.id,
                drawing.state(row.state),
                row.agent_name,
                drawing.seconds(
                    ((row.ended_at or datetime.now(UTC)) - row.submitted_at).total_seconds()
                ),
                drawing.dollars(row.cost) if row.cost else "-",
                row.title,
            ]
            for row in listing.items
        ],
        more=listing.next,
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


@app.command("events")
@command
async def list_events(
    task: Annotated[str, typer.Argument(help="Id of the task.", autocompletion=task_ids)],
    after: Annotated[int, typer.Option(help="Only those after this version.", min=0)] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Print a task's events as far as it has come; `pygent tail` waits for more.

    Example: `pygent tasks events 0199aaaa-0000-7000-8000-000000000000 --after 10`
    """
    async with opened() as client:
        found = await client.tasks.events(task, after=after, limit=limit)
    if as_json:
        events = [msgspec.Raw(envelope(one)) for one in found.events]
        answers.say({"events": events, "version": found.version, "epoch": found.epoch})
        return
    tables.table(
        ["Version", "Time", "Type", "By"],
        [
            [str(one.version), f"{one.time.astimezone():%H:%M:%S.%f}"[:-3], one.type, one.actor]
            for one in found.events
        ],
    )


@app.command()
@command
async def create(
    agent: Annotated[
        str, typer.Argument(help="Name or id of the agent.", autocompletion=agent_names)
    ],
    text: Annotated[str, typer.Argument(help="What to ask; `-` reads standard input.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Idempotency key: repeat without asking twice.")
    ] = None,
    context: Context = None,
    as_json: AsJson = False,
) -> None:
    """Submit a task and print its id; `pygent tail` watches it.

    Example: `pygent tasks create guide "What is a stream?" --key question-1`
    """
    question = await anyio.to_thread.run_sync(sys.stdin.read) if text == "-" else text
    async with opened() as client:
        asked = SubmitTask(agent=agent, input=question, context_id=context)
        receipt = await client.tasks.submit(asked, key=key)
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
