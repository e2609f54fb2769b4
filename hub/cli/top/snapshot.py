"""The state as REST tells it: where `top` begins, also after a gap, and what `--once` prints."""

from datetime import UTC, datetime

import anyio

from hub.cli import drawing, tables
from hub.cli.top import drawn
from hub.cli.top.board import Board
from hub.cli.top.health import Health
from protocols.operations.tasks import TaskQuery
from protocols.rest.client import RestClient
from protocols.tasks import TaskState

LISTED = 200
OPEN = tuple(state for state in TaskState if not state.is_final)
LOAD_SECONDS = 20.0


async def read_board(client: RestClient, board: Board) -> None:
    """The board holds what is open, the newest tasks and the last hour.

    Raises:
        Unavailable: The hub is away; a wait that is too long ends as TimeoutError.
    """
    with anyio.fail_after(LOAD_SECONDS):
        overview = await client.overview.overview("1h")
        newest = await client.tasks.list(TaskQuery(limit=LISTED))
        open_ones = await client.tasks.list(TaskQuery(state=OPEN, limit=LISTED))
    board.load(overview, [newest, open_ones])


def show(board: Board, health: Health, *, limit: int) -> None:
    """The board on standard output, once."""
    now = datetime.now(UTC)
    sums = board.sums(now)
    counts = f"{board.working} working · {board.submitted} waiting · {board.waiting} need a person"
    hour = (
        f"last hour: {sums.ended} ended, {sums.failed} failed · {board.per_minute(now):.0f}/min"
        f" · ↑{drawn.compact(sums.input_tokens)} ↓{drawn.compact(sums.output_tokens)}"
        f" · {drawing.dollars(sums.cost)}"
    )
    workers = "workers: the hub does not say"
    if health.is_known:
        alive = len(health.workers)
        workers = f"workers: {alive} alive · {health.running} jobs · {health.waiting} queued"
    for line in (counts, hour, workers):
        drawing.err.print(line, markup=False)
    tables.table(
        ["Id", "State", "Agent", "Elapsed", "Tokens", "Cost", "Now", "Task"],
        [
            [
                row.id,
                drawing.state(row.state),
                row.agent_name,
                drawn.elapsed(((row.ended_at or now) - row.submitted_at).total_seconds()),
                f"↑{row.input_tokens} ↓{row.output_tokens}",
                drawing.dollars(row.cost) if row.cost else "-",
                row.activity or row.code or "",
                row.title,
            ]
            for row in board.shown("", open_only=False)[:limit]
        ],
    )
