"""The queue as workers see it: claim, finish, give back; and leases by heartbeat.

The tables and the way jobs come in are procrastinate's. Its worker is not used: it claims one job a
round trip, finishes a job whoever holds it by now, and stops when the database restarts. Here a
claim takes as many jobs as there is room for, and every change names the worker that must still
hold the job, so that a worker thought dead changes nothing. All times are the database's.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from protocols.errors import NotFound, Unavailable
from protocols.tasks import STATE_CODES, TaskState
from store.postgres.failures import translated
from store.postgres.log.appends import TASK
from store.postgres.pool import LogPool

CLAIM_TRIES = 3
_OPEN = [STATE_CODES[TaskState.SUBMITTED], STATE_CODES[TaskState.WORKING]]

REGISTER = b"SELECT worker_id FROM procrastinate_register_worker_v1()"

BEAT = b"""
UPDATE procrastinate_workers
SET last_heartbeat = clock_timestamp()
WHERE id = %(worker)s
RETURNING id
"""

UNREGISTER = b"SELECT procrastinate_unregister_worker_v1(%(worker)s)"

CLAIM = b"""
SELECT id, task, arguments, deaths
FROM claim_jobs(%(queue)s, %(worker)s, %(limit)s)
"""

FINISH = b"""
DELETE FROM procrastinate_jobs
WHERE id = ANY(%(jobs)s) AND worker_id = %(worker)s AND status = 'doing'
"""

# Kept for whoever looks why, until retention takes it.
FAIL = b"""
UPDATE procrastinate_jobs
SET status = 'failed', worker_id = NULL
WHERE id = ANY(%(jobs)s) AND worker_id = %(worker)s AND status = 'doing'
"""

# The update fires no notification of the queue's own.
GIVE_BACK = b"""
WITH given AS (
  UPDATE procrastinate_jobs
  SET status = 'todo', worker_id = NULL, attempts = attempts + %(deaths)s,
      scheduled_at = clock_timestamp() + make_interval(secs => %(seconds)s)
  WHERE id = ANY(%(jobs)s) AND worker_id = %(worker)s AND status = 'doing'
  RETURNING queue_name
)
SELECT pg_notify('procrastinate_queue_v1#' || queue_name, '')
FROM (SELECT DISTINCT queue_name FROM given) AS queues
"""

NOTIFY = b"SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s, '')"

# The table's own trigger wakes the workers.
PUT = b"""
INSERT INTO procrastinate_jobs (queue_name, task_name, args)
VALUES (%(queue)s, %(task)s, %(arguments)s::jsonb)
RETURNING id
"""

WITHDRAW = b"DELETE FROM procrastinate_jobs WHERE id = %(job)s AND status = 'todo'"

RESCUE = b"SELECT rescue_jobs(%(seconds)s)"

# One statement, one snapshot: whoever ends a task does so before its job is gone, and whoever gives
# it back enqueues it in the same commit, so that an open task without a job has none for good.
# EXCEPT and not NOT EXISTS: that one is planned as a loop in a loop while statistics are old, which
# took half a minute with 50,000 tasks; this takes a twentieth of a second.
ENQUEUE_LOST = b"""
WITH lost AS MATERIALIZED (
  SELECT 'task:' || id AS lock FROM overview_task
  EXCEPT
  SELECT lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
)
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
SELECT 'tasks', 'attempt', lost.lock,
       jsonb_build_object('task', head.stream_id, 'team', head.team_id)
FROM lost
CROSS JOIN LATERAL (
  SELECT * FROM stream_head WHERE stream_id = substr(lost.lock, 6)::uuid LIMIT 1) AS head
WHERE head.kind = %(kind)s AND head.state = ANY(%(states)s)
  AND head.updated_at < clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY lost.lock
LIMIT %(limit)s
RETURNING args->>'task'
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in a worker's hands; `deaths`: how often a worker died with it, or broke on it."""

    id: int
    task: str
    arguments: Mapping[str, Any]
    deaths: int


class Queue:
    """The jobs of this database, for one worker process at a time."""

    def __init__(self, pool: LogPool) -> None:
        self._pool = pool

    async def register(self) -> int:
        """A new worker's number; its lease begins now."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(REGISTER)
            row = await cursor.fetchone()
        if row is None:
            raise Unavailable("the queue gave no worker's number")
        return row[0]

    async def beat(self, worker: int) -> None:
        """The lease is renewed.

        Raises:
            NotFound: It has run out, and the jobs were given to others.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(BEAT, {"worker": worker})
            if await cursor.fetchone() is None:
                raise NotFound(f"worker {worker} has lost its lease")

    async def unregister(self, worker: int) -> None:
        """The lease ends; jobs still in its hands are rescued at once."""
        async with self._pool.connection() as connection:
            await connection.execute(UNREGISTER, {"worker": worker})

    async def claim(self, queue: str, *, worker: int, limit: int) -> list[Claimed]:
        """The next jobs, at most `limit`; none whose lock another job holds.

        Raises:
            NotFound: The worker has lost its lease.
        """
        arguments = {"queue": queue, "worker": worker, "limit": limit}
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Claimed))
            for _ in range(CLAIM_TRIES):
                try:
                    await cursor.execute(CLAIM, arguments, prepare=True)
                    return await cursor.fetchall()
                except psycopg.errors.UniqueViolation:
                    continue  # another worker took a job of the same lock in the same moment
                except psycopg.errors.ForeignKeyViolation:
                    raise NotFound(f"worker {worker} has lost its lease") from None
        return []

    async def finish(self, jobs: Sequence[int], *, worker: int, notify: str | None = None) -> None:
        """These jobs are gone, if the worker still holds them.

        Args:
            jobs: Their numbers.
            worker: Who holds them.
            notify: Wakes this queue's workers, when jobs waited for the locks of these.
        """
        async with self._pool.connection() as connection:
            await connection.execute(FINISH, {"jobs": list(jobs), "worker": worker}, prepare=True)
            if notify is not None:
                await connection.execute(NOTIFY, {"queue": notify})

    async def fail(self, jobs: Sequence[int], *, worker: int) -> None:
        """These jobs are never claimed again, if the worker still holds them."""
        async with self._pool.connection() as connection:
            await connection.execute(FAIL, {"jobs": list(jobs), "worker": worker})

    async def give_back(
        self, jobs: Sequence[int], *, worker: int, seconds: float = 0.0, is_broken: bool = False
    ) -> None:
        """These jobs wait again, for so many seconds at least; `is_broken` counts as a death."""
        arguments = {
            "jobs": list(jobs),
            "worker": worker,
            "seconds": seconds,
            "deaths": int(is_broken),
        }
        async with self._pool.connection() as connection:
            await connection.execute(GIVE_BACK, arguments)

    async def put(self, queue: str, task: str, *, arguments: str) -> int:
        """A job that stands for nothing in the log, with JSON for its arguments; its number."""
        values = {"queue": queue, "task": task, "arguments": arguments}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(PUT, values)
            row = await cursor.fetchone()
        if row is None:
            raise Unavailable("the queue gave no job's number")
        return row[0]

    async def withdraw(self, job: int) -> None:
        """The job is gone, unless somebody has begun it."""
        async with self._pool.connection() as connection:
            await connection.execute(WITHDRAW, {"job": job})

    async def rescue(self, *, lease_seconds: float) -> int:
        """Jobs of workers without a beat for so long wait again; how many."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(RESCUE, {"seconds": lease_seconds}, prepare=True)
            row = await cursor.fetchone()
        return row[0] if row else 0

    async def enqueue_lost(self, *, older_than: float, limit: int) -> list[str]:
        """Open tasks of which nothing was heard for so many seconds, and that no job is for, wait.

        A safety net: tasks come with their jobs. Found among the tasks that the projection
        `overview` knows to be open; what they are now, their heads say.

        Args:
            older_than: Seconds since the last event.
            limit: At most so many, the oldest first; the rest the next time.
        """
        arguments = {"kind": TASK, "states": _OPEN, "seconds": older_than, "limit": limit}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(ENQUEUE_LOST, arguments)
            return [task for (task,) in await cursor.fetchall()]

    @asynccontextmanager
    async def listen(self, *queues: str) -> AsyncGenerator[AsyncGenerator[None]]:
        """Wakes up when a job comes in; takes a connection of the pool for as long.

        Raises:
            Unavailable: The connection broke; while it is opened or read.
        """
        async with self._pool.connection() as connection:
            try:
                for queue in queues:
                    channel = sql.Identifier(f"procrastinate_queue_v1#{queue}")
                    await connection.execute(sql.SQL("LISTEN {}").format(channel))
                async with aclosing(_wakes(connection)) as wakes:
                    yield wakes
            finally:
                with anyio.CancelScope(shield=True):
                    await connection.close()  # it listens; nobody else may get it


async def _wakes(connection: psycopg.AsyncConnection[Any]) -> AsyncGenerator[None]:
    with translated():
        async for _ in connection.notifies():
            yield
