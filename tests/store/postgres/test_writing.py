"""The writer in trouble: connections cut at any moment, a database that is away or silent."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import psycopg
import pytest
from psycopg import AsyncConnection

from protocols.errors import Unavailable
from protocols.event_encoding import envelope
from protocols.events import StreamId, TaskCompleted
from store.postgres.log.append_connection import AppendConnection
from store.postgres.log.appends import OK, Answer, Entry
from store.postgres.log.counters import Counters
from store.postgres.log.epoch import EpochKeeper
from store.postgres.log.event_log import EventLog, WriterLimits
from tests.store.postgres.streams import (
    NOTE,
    START,
    STEP,
    SUBMITTED,
    WORKING,
    Told,
    append,
    assert_dense,
    counted,
    new_stream,
    new_task,
    opened_log,
    together,
    versions,
)

Root = AsyncConnection[Any]


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pygent-writer'
"""


@dataclass
class Crowd:
    """Attempts and people that write until it is over, and know what they were answered."""

    log: EventLog
    is_over: anyio.Event
    versions: dict[StreamId, int] = field(default_factory=dict[StreamId, int])

    async def work(self, stream: StreamId) -> None:
        seq = 0
        while not self.is_over.is_set():
            seq += 1
            done = await self.log.append(append(stream, STEP, NOTE, attempt=1, seq=seq))
            assert done.version == 2 + 2 * seq
            self.versions[stream] = done.version

    async def decide(self, stream: StreamId) -> None:
        version = 1
        while not self.is_over.is_set():
            expected = version if version % 2 else None
            version += 1
            done = await self.log.append(append(stream, expected=expected))
            assert done.version == version
            self.versions[stream] = version

    async def begin(self) -> None:
        while not self.is_over.is_set():
            stream = new_stream()
            self.versions[stream] = (await self.log.append(append(stream, expected=0))).version


async def test_a_connection_cut_at_any_moment_loses_and_doubles_nothing(
    log: EventLog, root: Root, told: Told
) -> None:
    chance, cuts = random.Random(1), 60
    crowd = Crowd(log, anyio.Event())
    attempts = [await new_task(log, attempts=1) for _ in range(12)]
    async with anyio.create_task_group() as tasks:
        for stream in attempts:
            tasks.start_soon(crowd.work, stream)
        for _ in range(6):
            tasks.start_soon(crowd.decide, await new_task(log))
            tasks.start_soon(crowd.begin)
        with anyio.fail_after(60):
            while log.counters.reconnects < cuts:
                done = log.counters.appends
                while log.counters.appends == done:
                    await anyio.sleep(0.001)
                await anyio.sleep(chance.random() * 0.01)
                await root.execute(CUT)
        crowd.is_over.set()

    await assert_dense(root)
    heads = await log.heads([*crowd.versions])
    assert {stream: head.version for stream, head in heads.items()} == crowd.versions
    assert (await counted(root))[:2] == (sum(crowd.versions.values()), len(crowd.versions))
    for stream in attempts:  # those cut after their commit were told to watchers nevertheless
        assert len(told.lines(stream)) == crowd.versions[stream]


async def test_appends_whose_answers_were_lost_are_settled_by_the_repeat(
    log: EventLog, root: Root, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is committed, its answer is lost, and it is sent again."""
    send, lost = AppendConnection.send, 0

    async def send_and_lose(self: AppendConnection, entries: Sequence[Entry]) -> list[Answer]:
        nonlocal lost
        answers = await send(self, entries)
        if all(answer.status == OK for answer in answers):
            lost += 1
            raise psycopg.OperationalError("the connection was cut inside COMMIT")
        return answers

    monkeypatch.setattr(AppendConnection, "send", send_and_lose)
    stream, other = new_stream(), new_stream()
    answers = await together(log, [append(stream, expected=0, to_state=SUBMITTED), append(other)])
    answers += await together(log, [append(stream, NOTE, NOTE, expected=1), append(other)])
    answers += await together(log, [append(stream, START, attempt=1, to_state=WORKING)])
    answers += await together(log, [append(stream, STEP, STEP, attempt=1, seq=1)])
    assert versions(answers) == [1, 1, 3, 2, 4, 6]
    assert lost == 4
    assert (await counted(root))[0] == 8
    assert told.lines(stream) == [envelope(event) for event in await log.read(stream)]


async def test_a_writer_that_is_stuck_with_the_lock_is_ended(
    database: str, log: EventLog, root: Root
) -> None:
    stuck: Root = await AsyncConnection.connect(database, application_name="pygent-writer")
    await stuck.execute(
        "SELECT pg_advisory_xact_lock('pygent.stream_head'::regclass::oid::int, 0::smallint)"
    )
    with anyio.fail_after(8):
        await log.append(append(new_stream(), expected=0))
    with pytest.raises(psycopg.OperationalError):
        await stuck.execute("SELECT 1")
    await stuck.close()
    cursor = await root.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'pygent-writer'"
    )
    assert await cursor.fetchone() == (1,)


async def test_appends_fail_when_the_database_stays_away_longer_than_their_patience(
    database: str, root: Root, postgres_url: str
) -> None:
    name = root.info.dbname
    limits = WriterLimits(patience_seconds=0.3)
    admin = await AsyncConnection.connect(postgres_url, autocommit=True)
    async with opened_log(database, limits=limits) as log, admin:
        stream = await new_task(log, attempts=1)
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        await root.execute(CUT)
        with anyio.fail_after(5), pytest.raises(Unavailable, match="it may have been done"):
            await log.append(append(stream, STEP, attempt=1, seq=1))
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        assert (await log.append(append(stream, STEP, attempt=1, seq=1))).version == 3


async def test_an_error_leaves_the_log_as_it_is(database: str) -> None:
    with pytest.raises(KeyError):
        async with opened_log(database):
            raise KeyError


async def test_a_database_that_accepts_and_says_nothing_is_out_of_reach(
    database: str, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.postgres.log.append_connection.ANSWER_SECONDS", 0.2)
    async with opened_log(database, limits=WriterLimits(patience_seconds=0.5)) as log:
        stream = await new_task(log)

        async def say_nothing(self: AppendConnection) -> None:
            await anyio.sleep_forever()

        with monkeypatch.context() as silent:
            silent.setattr(AppendConnection, "open", say_nothing)
            await root.execute(CUT)
            with anyio.fail_after(10), pytest.raises(Unavailable):
                await log.append(append(stream))
        assert (await log.append(append(stream))).version > 1


async def test_an_append_larger_than_a_socket_takes_at_once_is_written_or_cut_whole(
    log: EventLog, root: Root
) -> None:
    stream = await new_task(log)
    text = TaskCompleted(message="m", text="x" * 8_000_000)
    with anyio.fail_after(30):
        await log.append(append(stream, text, expected=1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log.append, append(stream, text, expected=2))
            while not log._writer._sent:
                await anyio.lowlevel.checkpoint()
            await root.execute(CUT)
    sizes = [len(event.data) for event in await log.read(stream)]
    assert [size > 8_000_000 for size in sizes] == [False, True, True]


async def test_a_writer_that_may_not_end_another_does_not_stay_in_another_role(
    database: str, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.postgres.log.append_connection.END_STUCK", b"SELECT 1 / 0")
    writer = AppendConnection(database, counters=Counters(), opened=EpochKeeper().check)
    await writer.open()
    await writer.end_stuck()
    try:
        entry = Entry(append(await new_task(log), expected=1))
        assert [answer.status for answer in await writer.send([entry])] == [OK]
        assert writer._connection
        found = await writer._connection.execute("SELECT current_user::text")
        assert await found.fetchone() == ("pygent_log",)
    finally:
        await writer.close()
