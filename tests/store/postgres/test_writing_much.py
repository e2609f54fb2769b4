"""The writer under load: queues that fill, batches that are bounded, a broker that hangs."""

import uuid
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import psycopg
import pytest
from psycopg import AsyncConnection

from protocols.errors import LimitExceeded, Unavailable
from protocols.events import StreamId, TaskCompleted
from store.postgres.log.append_connection import AppendConnection
from store.postgres.log.appends import Answer, Entry
from store.postgres.log.event_log import Append, Appended, EventLog, WriterLimits
from tests.store.postgres.streams import (
    STEP,
    append,
    counted,
    new_stream,
    new_task,
    opened_log,
    together,
    versions,
)

Root = AsyncConnection[Any]
LOCK = "SELECT pg_advisory_lock('pygent.stream_head'::regclass::oid::int, 0)"
UNLOCK = "SELECT pg_advisory_unlock('pygent.stream_head'::regclass::oid::int, 0)"


async def test_a_full_queue_makes_appends_wait_and_then_refuses_them(
    database: str, root: Root
) -> None:
    limits = WriterLimits(waiting_appends=10, room_seconds=0.2)
    async with opened_log(database, limits=limits) as log:
        streams = [new_stream() for _ in range(40)]
        await root.execute(LOCK)
        answers: list[Any] = []

        async def ask(stream: StreamId) -> None:
            answers.extend(await together(log, [append(stream, expected=0)]))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, streams[0])
            await until(root, waits=1)  # one is on its way, ten may wait
            for stream in streams[1:]:
                tasks.start_soon(ask, stream)
            while len(answers) < 29:
                await anyio.sleep(0.01)
            await root.execute(UNLOCK)

        refused = [answer for answer in answers if isinstance(answer, LimitExceeded)]
        assert len(refused) == log.counters.rejected_full == 29
        assert "10 appends" in refused[0].message
        assert [answer for answer in versions(answers) if answer == 1] == [1] * 11
        assert (await counted(root))[0] == 11


async def test_whoever_waits_for_room_gets_it_when_the_log_catches_up(
    database: str, root: Root
) -> None:
    limits = WriterLimits(waiting_appends=10, room_seconds=30)
    async with opened_log(database, limits=limits) as log:
        answers = await together(log, [append(new_stream(), expected=0) for _ in range(200)])
        assert versions(answers) == [1] * 200
        assert log.counters.rejected_full == 0
    limits = WriterLimits(waiting_bytes=2000, room_seconds=30)
    async with opened_log(database, limits=limits) as log:
        answers = await together(log, [append(new_stream(), STEP) for _ in range(200)])
        assert versions(answers) == [1] * 200
    assert (await counted(root))[0] == 400


async def test_a_batch_is_bounded_in_appends_and_in_bytes(log: EventLog) -> None:
    answers = await together(log, [append(new_stream(), expected=0) for _ in range(2500)])
    assert versions(answers) == [1] * 2500
    assert log.counters.batch_sizes.counts[-1] == 0
    assert log.counters.batch_sizes.count == 3

    before = log.counters.batch_sizes.count
    big = TaskCompleted(message="1", text="x" * 300_000)
    answers = await together(log, [append(new_stream(), big) for _ in range(9)])
    assert versions(answers) == [1] * 9
    assert log.counters.batch_sizes.count == before + 3


async def test_what_waits_when_the_log_is_closed_is_finished(database: str, root: Root) -> None:
    async with anyio.create_task_group() as tasks:
        async with opened_log(database) as log:
            for _ in range(2500):
                tasks.start_soon(log.append, append(new_stream(), expected=0))
            await anyio.lowlevel.checkpoint()
        with pytest.raises(Unavailable, match="the log is closed"):
            await log.append(append(new_stream()))
    assert (await counted(root))[0] == 2500


class Hanging:
    """A broker that answers nobody."""

    def __init__(self) -> None:
        self.calls = 0

    async def publish_frames(self, frames: Sequence[tuple[str, bytes]], *, position: int) -> None:
        self.calls += 1
        await anyio.sleep_forever()


async def test_a_broker_that_hangs_slows_nobody_and_its_queue_is_bounded(database: str) -> None:
    hanging = Hanging()
    async with opened_log(database, hanging) as log:
        stream = await new_task(log, attempts=1)
        for seq in range(1, 1200):
            done = await log.append(append(stream, STEP, attempt=1, seq=seq))
            assert isinstance(done, Appended)
        assert hanging.calls == 1
        assert log.counters.unpublished > 100
        assert log.counters.published == 0


async def until(root: Root, *, waits: int) -> None:
    """So many backends wait for the lock of the log."""
    with anyio.fail_after(5):
        while True:
            cursor = await root.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if (await cursor.fetchone() or (0,))[0] >= waits:
                return
            await anyio.sleep(0.005)


async def test_a_thousand_appends_to_one_stream_hold_nobody_up(log: EventLog) -> None:
    stream, other = await new_task(log), new_stream()
    key = uuid.uuid4()
    crowd = [append(stream) for _ in range(600)] + [append(stream, key=key) for _ in range(400)]
    done: list[Appended] = []

    async def write(one: Append) -> None:
        done.append(await log.append(one))

    async with anyio.create_task_group() as tasks:
        for one in crowd:
            tasks.start_soon(write, one)
        await anyio.lowlevel.checkpoint()
        with anyio.fail_after(10):
            await log.append(append(other, expected=0))
    assert sorted({one.version for one in done}) == list(range(2, 603))
    assert sum(one.is_repeat for one in done) == 399


async def test_a_batch_that_takes_too_long_is_sent_in_parts(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sizes = AppendConnection.send, list[int]()

    async def send_few(self: AppendConnection, entries: Sequence[Entry]) -> list[Answer]:
        sizes.append(len(entries))
        if len(entries) > 8:
            raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
        return await send(self, entries)

    monkeypatch.setattr(AppendConnection, "send", send_few)
    streams = [new_stream() for _ in range(32)]
    with anyio.fail_after(10):
        await together(log, [append(stream, expected=0) for stream in streams])
    assert max(sizes) > 8
    assert len(await log.heads(streams)) == 32
