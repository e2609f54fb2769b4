"""`pygent top`: the command; it opens the client, and shows the screen or one snapshot."""

import sys
from typing import Annotated

import typer

from hub.cli import answers
from hub.cli.client import named, opened
from hub.cli.exits import command
from hub.cli.top.app import TopApp
from hub.cli.top.board import Board
from hub.cli.top.health import read_health
from hub.cli.top.snapshot import LOAD_SECONDS, read_board, show
from protocols.errors import InvalidRequest, Unavailable

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
@command
async def top(
    once: Annotated[bool, typer.Option("--once", help="Print one snapshot and end.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=200, help="With --once: at most so many tasks.")
    ] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one snapshot: the overview, as REST answers it.")
    ] = False,
) -> None:
    """Watch tasks, workers and throughput live.

    Enter opens a task, c cancels it, / filters, o hides what is over, t changes the theme, q ends.
    The light says whether what you see is live; after a cut it goes on where it was.

    Example: `pygent top`, or in a script `pygent top --once`
    """
    if as_json:
        async with opened() as client:
            answers.say(await client.overview.overview("1h"))
    elif once:
        await _print(limit)
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidRequest("this is no terminal; `pygent top --once` prints one snapshot")
    else:
        factory = named()
        async with opened(patience=0.0) as client:  # the screen tells of that itself
            channels = (await client.me()).channels
            await TopApp(client, factory, channels).run_async()


async def _print(limit: int) -> None:
    board = Board()
    async with opened() as client:
        try:
            await read_board(client, board)
        except TimeoutError:
            raise Unavailable(f"the hub needed more than {LOAD_SECONDS:.0f} s to answer") from None
        show(board, await read_health(client), limit=limit)
