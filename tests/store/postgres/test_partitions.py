"""Leaves of the log: cut ahead of the positions, by whoever notices; plans that do not age."""

from typing import Any

import anyio
from psycopg import AsyncConnection

from store.postgres.log.event_log import EventLog
from store.postgres.log.partitions import LEAF_POSITIONS
from tests.store.postgres.streams import STEP, append, new_stream, new_task, together, versions

Root = AsyncConnection[Any]
LEAVES = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'pygent.event_kept'::regclass"


async def leaves(root: Root) -> int:
    return (await (await root.execute(LEAVES)).fetchone() or (0,))[0]


async def test_leaves_are_cut_ahead_once(log: EventLog, root: Root) -> None:
    before = await leaves(root)
    assert await log.cut_partitions() == 0
    await root.execute("SELECT setval('pygent.event_position', %s)", (LEAF_POSITIONS + 5,))
    cut: list[int] = []

    async def one() -> None:
        cut.append(await log.cut_partitions())

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
    assert sorted(cut) == [0, 0, 0, 1]
    assert await leaves(root) == before + 1


async def test_a_stream_may_lie_in_several_leaves(log: EventLog, root: Root) -> None:
    stream = await new_task(log, attempts=1)
    await root.execute("SELECT setval('pygent.event_position', %s)", (LEAF_POSITIONS - 3,))
    for seq in range(1, 6):
        await log.append(append(stream, STEP, attempt=1, seq=seq))
    assert [event.version for event in await log.read(stream)] == list(range(1, 8))
    head = await log.head(stream)
    assert head is not None
    assert head.first_position < LEAF_POSITIONS < head.last_position
    followed = await log.follow(after=0)
    assert [event.version for event in followed] == list(range(1, 8))


async def test_a_log_without_a_scheduler_cuts_its_leaves_itself(log: EventLog, root: Root) -> None:
    await root.execute("SELECT setval('pygent.event_position', %s)", (LEAF_POSITIONS * 5,))
    answers = await together(log, [append(new_stream(), expected=0) for _ in range(3)])
    assert versions(answers) == [1, 1, 1]
    assert log.counters.failed == 0


async def test_reading_goes_on_while_leaves_are_cut(log: EventLog, root: Root) -> None:
    """A long read does not keep leaves from being attached, and is not in the way of appends."""
    stream = await new_task(log, attempts=1)
    await root.execute("SELECT setval('pygent.event_position', %s)", (LEAF_POSITIONS + 5,))
    async with root.transaction():
        await root.execute("SELECT count(*) FROM pygent.event")
        with anyio.fail_after(9):  # a lock is waited for ten
            assert await log.cut_partitions() == 1
            await log.append(append(stream, STEP, attempt=1, seq=1))


async def test_an_append_scans_nothing_after_tables_have_grown(log: EventLog, root: Root) -> None:
    """Plans made on empty, analysed tables stay for the session: they must not scan."""
    await root.execute("ANALYZE pygent.stream_head, pygent.append_key, pygent.event")

    for _ in range(120):
        answers = await together(log, [append(new_stream(), expected=0) for _ in range(100)])
        assert versions(answers) == [1] * 100
    cursor = await root.execute(
        "SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
        " WHERE relname IN ('stream_head', 'append_key')"
    )
    assert (await cursor.fetchone() or (0,))[0] < 1000
