"""A process of the bench `event_log`: one writer, and appenders that each wait for their answer.

Its CPU is all that a process of the product spends on an event: the data made, split and encoded,
packed, sent, acknowledged, and its publication encoded. Only the broker is left out: frames are
made and thrown away.
"""

import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

import anyio
import msgspec
import uuid_utils

from protocols.events import AttemptStarted, StepFinished, StreamId, TaskSubmitted
from protocols.messages import user_message
from protocols.principals import Actor, TeamId
from protocols.steps import Usage
from store.postgres.log.append_connection import AppendConnection
from store.postgres.log.appends import Entry, appended
from store.postgres.log.counters import Counters
from store.postgres.log.epoch import EpochKeeper
from store.postgres.log.event_log import (
    TASK,
    Append,
    Appended,
    EventLog,
    Job,
    WriterLimits,
    open_event_log,
)
from store.postgres.pool import open_log_pool

TEAM = TeamId(1)
AGENT = Actor("agent:0199f0c2-7d1e-7a3b-8a55-0d5f5c1f6a11")
PERSON = Actor("user:0199f0c2-7d1e-7a3b-8a55-0d5f5c1f6a11")
RESULT = msgspec.Raw(
    b'{"tool":"search_documents","arguments":{"query":"retry budget of the ingest worker",'
    b'"limit":8},"ok":true,"text":"' + b"x" * 60 + b'"}'
)
NEW_TASK_EVERY = 10  # appends, in the mix with jobs
SINGLE_CONNECTIONS = 8

Appending = Callable[[Append], Awaitable[Appended]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one process does.

    Attributes:
        appenders: Each with a stream of its own, and one append on its way at a time.
        seconds: How long they go on.
        jobs: Every tenth append is a new task with a key and a job.
        single: Each append is a call of its own, on a pool of connections.
    """

    url: str
    appenders: int
    seconds: float
    jobs: bool = False
    single: bool = False


@dataclass(slots=True)
class Done:
    """What it came to.

    Attributes:
        cpu: Seconds of this process, from the first append to the last.
        waits: Seconds until each acknowledgement.
        batches: Calls of the database.
    """

    events: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    batches: int = 0
    waits: list[float] = field(default_factory=list[float])


class Nobody:
    """A publisher without a broker."""

    async def publish_frames(self, frames: Sequence[tuple[str, bytes]], *, position: int) -> None:
        """Frames were made; they go nowhere."""


def work(plan: Plan, gate: Barrier, answers: "Queue[Done]") -> None:
    """One process: prepares, waits for the others at the gate, works, and answers."""

    async def run() -> Done:
        async with _appending(plan) as (append, counters):
            crowd = _Crowd(plan, append)
            await crowd.begin()
            batches = counters.batch_sizes.count
            await anyio.to_thread.run_sync(gate.wait)
            done = await crowd.run()
            done.batches = counters.batch_sizes.count - batches
            return done

    answers.put(anyio.run(run, backend_options={"use_uvloop": True}))


def work_alone(plan: Plan) -> None:
    """One process that waits for nobody and answers nothing."""

    async def run() -> None:
        async with _appending(plan) as (append, _):
            crowd = _Crowd(plan, append)
            await crowd.begin()
            await crowd.run()

    anyio.run(run, backend_options={"use_uvloop": True})


class _Crowd:
    def __init__(self, plan: Plan, append: Appending) -> None:
        self._plan = plan
        self._append = append
        self._streams: list[StreamId] = []
        self._done = Done()
        self._until = 0.0

    async def begin(self) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(self._plan.appenders):
                self._streams.append(stream := _new_stream())
                tasks.start_soon(self._begin, stream)

    async def run(self) -> Done:
        started, cpu = time.perf_counter(), time.process_time()
        self._until = started + self._plan.seconds
        async with anyio.create_task_group() as tasks:
            for number, stream in enumerate(self._streams):
                tasks.start_soon(self._go_on, stream, number)
        self._done.seconds = time.perf_counter() - started
        self._done.cpu = time.process_time() - cpu
        self._done.events = len(self._done.waits)
        return self._done

    async def _begin(self, stream: StreamId) -> None:
        await self._append(_submission(stream))
        start = (AttemptStarted(worker="bench"),)
        await self._append(_append(stream, start, attempt=1, to_state=2, key=uuid.uuid4()))

    async def _go_on(self, stream: StreamId, turn: int) -> None:
        seq, waits, has_jobs = 0, self._done.waits, self._plan.jobs
        while (called := time.perf_counter()) < self._until:
            turn += 1
            if has_jobs and turn % NEW_TASK_EVERY == 0:
                await self._append(_submission(_new_stream(), with_job=True))
            else:
                seq += 1
                await self._append(_append(stream, (_step(seq),), attempt=1, seq=seq))
            waits.append(time.perf_counter() - called)


@asynccontextmanager
async def _appending(plan: Plan) -> AsyncGenerator[tuple[Appending, Counters]]:
    opened = _single(plan.url) if plan.single else bench_log(plan.url)
    async with opened as log:
        yield log.append, log.counters


@asynccontextmanager
async def bench_log(url: str) -> AsyncGenerator[EventLog]:
    """The product's log, whose publications go nowhere."""
    epoch = EpochKeeper()
    async with (
        open_log_pool(url, size=2, opened=epoch.check) as pool,
        open_event_log(url, pool, Nobody(), epoch=epoch, limits=WriterLimits()) as log,
    ):
        yield log


class _Single:
    """The same append without the writer: one event a call, on a pool."""

    def __init__(self, connections: Sequence[AppendConnection], counters: Counters) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[AppendConnection](
            SINGLE_CONNECTIONS
        )
        for connection in connections:
            self._send.send_nowait(connection)
        self.counters = counters

    async def append(self, append: Append) -> Appended:
        connection = await self._receive.receive()
        try:
            return appended(append, (await connection.send([Entry(append)]))[0])
        finally:
            self._send.send_nowait(connection)


@asynccontextmanager
async def _single(url: str) -> AsyncGenerator[_Single]:
    counters, epoch = Counters(), EpochKeeper()
    connections = [
        AppendConnection(url, counters=counters, opened=epoch.check)
        for _ in range(SINGLE_CONNECTIONS)
    ]
    for connection in connections:
        await connection.open()
    single = _Single(connections, counters)
    with single._send, single._receive:  # noqa: SLF001  opened and closed in one place
        yield single
    for connection in connections:
        await connection.close()


async def long_stream(log: EventLog, stream: str, *, events: int) -> StreamId:
    """A task at work, with so many events."""
    one = StreamId(stream)
    await log.append(_submission(one))
    await log.append(_append(one, (AttemptStarted(worker="bench"),), attempt=1, to_state=2))
    for seq in range(1, events - 1):
        await log.append(_append(one, (_step(seq),), attempt=1, seq=seq))
    return one


def _new_stream() -> StreamId:
    return StreamId(str(uuid_utils.uuid7()))


def _step(number: int) -> StepFinished:
    return StepFinished(
        step=f"1.{number}",
        usage=Usage(input=542, output=64),
        cost=1200,
        model="openai:gpt-x",
        finish_reason="stop",
        result=RESULT,
    )


def _append(
    stream: StreamId,
    data: tuple[StepFinished | AttemptStarted],
    *,
    attempt: int,
    seq: int = 0,
    to_state: int | None = None,
    key: uuid.UUID | None = None,
) -> Append:
    return Append(
        stream=stream,
        team=TEAM,
        kind=TASK,
        actor=AGENT,
        data=data,
        attempt=attempt,
        seq=seq,
        to_state=to_state,
        key=key,
    )


def _submission(stream: StreamId, *, with_job: bool = False) -> Append:
    submitted = TaskSubmitted(
        agent=stream,
        agent_name="guide",
        agent_version=1,
        model="extractive",
        title="What does the retry budget of the ingest worker limit?",
        input=(user_message("What does the retry budget of the ingest worker limit?"),),
    )
    arguments = b'{"task":"%b","team":1}' % stream.encode()
    job = Job(queue="tasks", task="attempt", lock=f"task:{stream}", args=arguments)
    return Append(
        stream=stream,
        team=TEAM,
        kind=TASK,
        actor=PERSON,
        data=(submitted,),
        expected=0,
        key=uuid.uuid4(),
        request_hash=b"x" * 32,
        to_state=1,
        jobs=(job,) if with_job else (),
    )
