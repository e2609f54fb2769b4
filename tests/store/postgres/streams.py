"""Streams to append to, several appends at once, and what the database holds in the end."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from psycopg import AsyncConnection

from protocols.errors import FactoryError
from protocols.events import (
    AnyData,
    AttemptStarted,
    MessageDelta,
    StepFinished,
    StreamId,
    TaskCancelRequested,
    TaskCompleted,
)
from protocols.principals import Actor, TeamId
from protocols.tasks import STATE_CODES, TaskState
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
OTHER_TEAM = TeamId(2)
ACTOR = Actor("agent:guide")
SUBMITTED = STATE_CODES[TaskState.SUBMITTED]
WORKING = STATE_CODES[TaskState.WORKING]
COMPLETED = STATE_CODES[TaskState.COMPLETED]
CANCELED = STATE_CODES[TaskState.CANCELED]

NOTE = TaskCancelRequested()
START = AttemptStarted(worker="w")
STEP = StepFinished(step="1.1")
DELTA = MessageDelta(message="1.2", text="word ")
END = TaskCompleted(message="1.2", text="done")


class Told:
    """A publisher that remembers."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes]] = []
        self.position = 0

    async def publish_frames(self, frames: Sequence[tuple[str, bytes]], *, position: int) -> None:
        self.frames += frames
        self.position = position

    def lines(self, stream: StreamId) -> list[bytes]:
        """What watchers of the task saw, in order; offsets are checked to be dense."""
        seen: list[bytes] = []
        for channel, frame in self.frames:
            if channel == f"task:{stream}":
                head, *lines = frame.split(b"\n")
                assert int(head.split()[1]) == len(seen) + 1
                seen += lines
        return seen


@asynccontextmanager
async def opened_log(
    url: str, publisher: Any = None, *, limits: WriterLimits | None = None
) -> AsyncGenerator[EventLog]:
    epoch = EpochKeeper()
    async with (
        open_log_pool(url, size=4, opened=epoch.check) as pool,
        open_event_log(url, pool, publisher or Told(), epoch=epoch, limits=limits) as log,
    ):
        yield log


def new_stream() -> StreamId:
    return StreamId(str(uuid.uuid4()))


def append(stream: StreamId, *data: AnyData, **rest: Any) -> Append:
    values = {"team": TEAM, "kind": TASK, "actor": ACTOR, **rest}
    return Append(stream=stream, data=data or (NOTE,), **values)


def job(stream: StreamId) -> Job:
    return Job(queue="tasks", task="attempt", lock=f"task:{stream}", args=b'{"team": 1}')


async def new_task(log: EventLog, *, attempts: int = 0, team: TeamId = TEAM) -> StreamId:
    """A submitted task, or one at work on its n-th attempt."""
    stream = new_stream()
    await log.append(append(stream, expected=0, to_state=SUBMITTED, team=team))
    for number in range(1, attempts + 1):
        state = WORKING if number == 1 else None
        await log.append(append(stream, START, attempt=number, to_state=state, team=team))
    return stream


async def together(log: EventLog, appends: Sequence[Append]) -> list[Appended | FactoryError]:
    """The answers of appends that were asked for at once, and so lie in one batch."""
    answers: list[Appended | FactoryError | None] = [None] * len(appends)

    async def ask(number: int) -> None:
        try:
            answers[number] = await log.append(appends[number])
        except FactoryError as error:
            answers[number] = error

    async with anyio.create_task_group() as tasks:
        for number in range(len(appends)):
            tasks.start_soon(ask, number)
    return [answer for answer in answers if answer is not None]


def versions(answers: Sequence[Appended | FactoryError]) -> list[int | type[FactoryError]]:
    """Versions where it was done, kinds of error where not."""
    return [a.version if isinstance(a, Appended) else type(a) for a in answers]


async def counted(connection: AsyncConnection[Any]) -> tuple[int, int, int, int]:
    """Rows of events, heads, keys and jobs."""
    cursor = await connection.execute(
        "SELECT (SELECT count(*) FROM pygent.event), (SELECT count(*) FROM pygent.stream_head),"
        " (SELECT count(*) FROM pygent.append_key),"
        " (SELECT count(*) FROM pygent.procrastinate_jobs)"
    )
    row = await cursor.fetchone()
    assert row
    return row


async def assert_dense(connection: AsyncConnection[Any]) -> None:
    """Each stream's versions are 1 to its head's, in the order of positions."""
    cursor = await connection.execute(
        """
        SELECT count(*) FROM pygent.stream_head h
        FULL JOIN (
          SELECT stream_id, count(*) n, count(DISTINCT version) d, max(version) top,
                 min(version) low, max(position) last
          FROM pygent.event GROUP BY 1
        ) e USING (stream_id)
        WHERE (n = h.version AND d = n AND top = n AND low = 1 AND last = h.last_position)
              IS NOT true
        """
    )
    assert await cursor.fetchone() == (0,)
    cursor = await connection.execute(
        """
        SELECT count(*) FROM (
          SELECT version, lag(version) OVER (PARTITION BY stream_id ORDER BY position) before
          FROM pygent.event) x
        WHERE version <> coalesce(before, 0) + 1
        """
    )
    assert await cursor.fetchone() == (0,)
