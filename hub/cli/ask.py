"""`pygent run` and `pygent tail`: a task in the terminal, live, resumed through restarts."""

import sys
from typing import Annotated

import anyio
import typer

from hub.cli import answers, drawing
from hub.cli.answers import AsJsonLines
from hub.cli.client import opened
from hub.cli.completing import agent_names, task_ids
from hub.cli.exits import EXIT_CANCELED, EXIT_FAILED, command
from protocols.event_encoding import envelope
from protocols.operations.tasks import SubmitTask
from protocols.rest.client import RestClient
from protocols.tasks import TaskState

app = typer.Typer(rich_markup_mode="markdown")

ENDS = {TaskState.FAILED: EXIT_FAILED, TaskState.CANCELED: EXIT_CANCELED}

Context = Annotated[
    str | None,
    typer.Option("--context", help="Conversation to go on with: its name, or its first task's id."),
]


@app.command("run")
@command
async def run_agent(
    agent: Annotated[
        str, typer.Argument(help="Name or id of the agent.", autocompletion=agent_names)
    ],
    text: Annotated[str, typer.Argument(help="What to ask; `-` reads standard input.")],
    as_json: AsJsonLines = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the answer.")] = False,
    key: Annotated[
        str | None, typer.Option("--key", help="Idempotency key: repeat without asking twice.")
    ] = None,
    context: Context = None,
) -> None:
    """Ask an agent and watch it answer.

    Exit code 0 when the task completed, 1 when it failed, 5 when it was canceled. Ctrl-C stops
    watching, not the task; `pygent tail TASK` watches it again. What is printed at the end goes on
    with the conversation: the agent is given what was asked and answered in it before.

    Example: `pygent run guide "What is an attempt?"`
    """
    question = await anyio.to_thread.run_sync(sys.stdin.read) if text == "-" else text
    async with opened() as client:
        asked = SubmitTask(agent=agent, input=question, context_id=context)
        receipt = await client.tasks.submit(asked, key=key)
        is_told = not quiet and not as_json
        if is_told:
            drawing.err.print(f"task {receipt.id}", style="dim", markup=False)
        code = await _watch(client, receipt.id, after=0, as_json=as_json, steps=not quiet)
    if is_told and code == 0:
        goes_on = f'pygent run {agent} --context {context or receipt.id} "…"'
        drawing.err.print(f"go on with {goes_on}", style="dim", markup=False)
    if code:
        raise typer.Exit(code)


@app.command()
@command
async def tail(
    task: Annotated[str, typer.Argument(help="Id of the task.", autocompletion=task_ids)],
    after: Annotated[int, typer.Option(help="Resume after this version.", min=0)] = 0,
    as_json: AsJsonLines = False,
) -> None:
    """Follow a task to its end; misses nothing, whatever restarts meanwhile.

    Example: `pygent tail 0199aaaa-0000-7000-8000-000000000000 --after 10 --json`
    """
    async with opened() as client:
        code = await _watch(client, task, after=after, as_json=as_json, steps=True)
    if code:
        raise typer.Exit(code)


async def _watch(client: RestClient, task: str, *, after: int, as_json: bool, steps: bool) -> int:
    """Until the task is over; the exit code of how it ended."""
    live = drawing.LiveTask(steps=steps)
    async with client.stream(task, after=after) as stream:
        async for event in stream:
            if as_json:
                answers.say_line(envelope(event))
                live.note(event)
            else:
                live.draw(event)
    return ENDS.get(live.state, 0)
