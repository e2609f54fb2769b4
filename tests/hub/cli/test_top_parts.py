"""The parts of `pygent top` alone: what it knows, how it is written, and what a gap does."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from redis.asyncio import Redis

from hub.cli.top import drawn
from hub.cli.top.board import MINUTES, MOST_ROWS, Board, Moment
from hub.cli.top.feeds import Feeds, Link, LinkState
from hub.cli.top.health import Health
from hub.cli.top.style import DARK, LIGHT, PALETTES
from hub.cli.top.table import columns_for
from protocols.operations.overview import Bucket
from protocols.operations.system import WorkerBeat
from protocols.operations.tasks import TaskRow
from protocols.tasks import TaskState
from store.addresses import Addresses
from tests.hub.cli.projecting import projecting
from tests.serving import serving

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


def row(number: int, state: TaskState, *, version: int = 1, title: str = "a title") -> TaskRow:
    at = NOW - timedelta(seconds=1000 - number)
    return TaskRow.model_construct(
        id=f"task-{number}",
        title=title,
        state=state,
        agent="a",
        agent_name="echo",
        agent_version=1,
        model="scripted",
        submitted_by="key:x",
        submitted_at=at,
        started_at=None,
        ended_at=at if state.is_final else None,
        updated_at=at,
        attempt=1,
        steps=1,
        input_tokens=1234,
        output_tokens=5,
        cost=0,
        code=None,
        activity=None,
        activity_kind=None,
        lane=[],
        version=version,
        position=version,
    )


def minute(ago: int, *, completed: int = 0, failed: int = 0) -> Bucket:
    return Bucket(
        start=NOW.replace(second=0) - timedelta(minutes=ago),
        submitted=0,
        completed=completed,
        failed=failed,
        canceled=0,
        cost=1,
        input_tokens=2,
        output_tokens=3,
        events=4,
        seconds=5.0,
    )


def tell(board: Board, bucket: Bucket) -> None:
    board.tell(Moment(bucket=bucket, submitted=1, working=2, waiting=3))


def test_a_row_that_is_older_than_the_known_one_changes_nothing():
    board = Board()
    board.put(row(1, TaskState.COMPLETED, version=9))
    board.put(row(1, TaskState.WORKING, version=5))
    assert board.rows["task-1"].state is TaskState.COMPLETED


def test_who_waits_for_a_person_stands_first_and_what_ended_last():
    board = Board()
    states = [
        TaskState.COMPLETED,
        TaskState.SUBMITTED,
        TaskState.WORKING,
        TaskState.INPUT_REQUIRED,
        TaskState.WORKING,
    ]
    for number, state in enumerate(states):
        board.put(row(number, state))
    shown = [one.id for one in board.shown("", open_only=False)]
    assert shown == ["task-3", "task-4", "task-2", "task-1", "task-0"]
    assert "task-0" not in [one.id for one in board.shown("", open_only=True)]


def test_a_long_day_keeps_the_newest_rows_and_everything_open():
    board = Board()
    board.put(row(0, TaskState.WORKING))
    for number in range(1, MOST_ROWS * 3):
        board.put(row(number, TaskState.COMPLETED))
    assert len(board.rows) <= MOST_ROWS * 2
    assert "task-0" in board.rows
    assert f"task-{MOST_ROWS * 3 - 1}" in board.rows


def test_the_rate_slides_over_the_border_of_minutes():
    board = Board()
    tell(board, minute(1, completed=8, failed=2))
    tell(board, minute(0, completed=3))
    tell(board, minute(MINUTES + 5, completed=100))
    assert board.per_minute(NOW) == 3 + 10 * 0.5
    assert (board.sums(NOW).ended, board.sums(NOW).failed, board.sums(NOW).cost) == (13, 2, 2)
    assert (board.submitted, board.working, board.waiting) == (1, 2, 3)


@pytest.mark.parametrize("width", [1, 7, 30, 59, 60, 61, 200])
def test_the_chart_fills_its_width_and_shows_the_whole_hour(width: int):
    minutes = [(1, 0)] + [(0, 0)] * (MINUTES - 2) + [(4, 0)]
    high, low = drawn.chart(minutes, width=width, palette=PALETTES[DARK])
    assert (len(high), len(low)) == (width, width)
    assert low.plain.count("█") >= 1
    if width > 1:
        assert low.plain[0] != "▁", "the first minute is there"


def test_an_hour_without_tasks_is_a_quiet_line():
    high, low = drawn.chart([(0, 0)] * MINUTES, width=30, palette=PALETTES[LIGHT])
    assert (high.plain.strip(), low.plain) == ("", "▁" * 30)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (34_200, "34k"), (5_600_000, "5.6M")],
)
def test_counts_are_short(number: int, text: str):
    assert drawn.compact(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.042, "42 ms"), (1.24, "1.2 s"), (192, "3m 12s"), (7500, "2h 05m")]
)
def test_durations_are_short(seconds: float, text: str):
    assert drawn.elapsed(seconds) == text


@pytest.mark.parametrize("width", [80, 100, 104, 132, 250])
def test_columns_fill_the_width_and_no_more(width: int):
    used = sum(size + 2 for size in columns_for(width).values())
    assert used <= width - 1
    assert used >= width - 3


def test_a_title_moves_no_cursor():
    hostile = row(1, TaskState.COMPLETED, title="x\x1b[2J\u202ey\nz")
    assert drawn.cut(hostile.title, 40) == "x�[2J�y z"


def test_workers_fit_their_panel_the_busiest_first():
    beats = [WorkerBeat(id=n, beat_seconds=0.1, running=n * 4) for n in range(6)]
    health = Health(is_known=True, workers=beats[::-1], waiting=3, running=60, unwell=("Valkey",))
    lines = drawn.workers(health, width=23, palette=PALETTES[DARK]).plain.splitlines()
    assert lines == [
        "6 alive  60 jobs",
        "! Valkey",
        "worker 5    ▰▰▰▰▰▰▰▰ 20",
        "worker 4    ▰▰▰▰▰▰▰▱ 16",
    ]
    assert max(len(line) for line in lines) <= 23
    unknown = drawn.workers(Health(), width=23, palette=PALETTES[DARK]).plain
    assert unknown == "the hub does not say"


class Watcher:
    """What the feeds tell."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, bytes]] = []
        self.resets = 0
        self.links: list[Link] = []

    def feeds(self, url: str, key: str) -> Feeds:
        return Feeds(
            url,
            key,
            ["tasks:1", "overview:1"],
            on_row=lambda channel, data: self.rows.append((channel, data)),
            on_reset=self.reset,
            on_link=self.links.append,
        )

    async def reset(self) -> None:
        self.resets += 1

    def has(self, task: str) -> bool:
        return any(task.encode() in data for channel, data in self.rows if channel == "tasks:1")

    async def until_live(self, *, after: int = 0) -> None:
        with anyio.fail_after(30):
            while LinkState.LIVE not in {link.state for link in self.links[after:]}:
                await anyio.sleep(0.01)

    async def until_has(self, task: str) -> None:
        with anyio.fail_after(30):
            while not self.has(task):
                await anyio.sleep(0.01)


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["recovered", "begun anew"])
async def test_after_a_cut_it_continues_or_asks_for_everything_anew(
    addresses: Addresses, *, is_forgotten: bool
):
    """Without the feed's history nothing proves that nothing is missing; then REST is asked."""
    watcher = Watcher()
    async with AsyncExitStack() as first, anyio.create_task_group() as group:
        served = await first.enter_async_context(serving(addresses))
        await served.agent()
        key, port = await served.key(), int(served.url.rpartition(":")[2])
        group.start_soon(watcher.feeds(served.url, key).run)
        await watcher.until_live()
        assert watcher.resets == 1
        async with projecting(served):
            await watcher.until_has(await served.task("one"))
        await first.aclose()
        if is_forgotten:
            await forget(addresses)
        seen = len(watcher.links)
        async with serving(addresses, port=port) as again, projecting(again):
            between = await again.task("two")
            await watcher.until_live(after=seen)
            if not is_forgotten:
                await watcher.until_has(between)
            await watcher.until_has(await again.task("three"))
        group.cancel_scope.cancel()
    assert watcher.resets == (2 if is_forgotten else 1)


async def forget(addresses: Addresses) -> None:
    async with Redis.from_url(addresses.redis) as client:
        async for name in client.scan_iter(match=f"{addresses.redis_prefix}*"):
            await client.delete(name)
