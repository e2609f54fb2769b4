"""What the page of the factory's own state asks Postgres: each a statement that costs nothing.

As `pygent_log`, across all teams. Nothing here names a person, a task or a text; sums for metrics
stand in measures.py.
"""

from dataclasses import dataclass
from time import time
from typing import Any

from store.postgres.pool import LogPool

VERSIONS = b"""
SELECT current_setting('server_version'),
       (SELECT extversion FROM pg_extension WHERE extname = 'vector')
"""

POSITION = b"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_position"

QUEUES = b"""
SELECT queue_name,
       count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')
FROM procrastinate_jobs
WHERE status IN ('todo', 'doing')
GROUP BY queue_name
ORDER BY queue_name
"""

WORKERS = b"""
SELECT worker.id, extract(epoch FROM clock_timestamp() - worker.last_heartbeat)::float8,
       (SELECT count(*) FROM procrastinate_jobs AS job
        WHERE job.worker_id = worker.id AND job.status = 'doing')
FROM procrastinate_workers AS worker
ORDER BY worker.id
LIMIT 200
"""

# The lock a leading scheduler holds: in the space of a table of ours, see agents/leader.py.
LEADS = b"""
SELECT EXISTS (
  SELECT FROM pg_locks
  WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = 'projection_position'::regclass::oid AND objid = 1 AND objsubid = 2)
"""

CLOCK = b"SELECT extract(epoch FROM clock_timestamp())::float8"


@dataclass(frozen=True, slots=True)
class Queued:
    """The jobs of one queue."""

    name: str
    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class Beat:
    """A worker's number, seconds since its sign of life, and the jobs in its hands."""

    id: int
    seconds: float
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything that is asked at once.

    Attributes:
        vector: Version of pgvector; None where it is not installed.
        position: The last one given out.
        leads: Whether some scheduler does.
    """

    version: str
    vector: str | None
    position: int
    queues: tuple[Queued, ...]
    workers: tuple[Beat, ...]
    leads: bool


async def look(pool: LogPool) -> Now:
    """The database's part of the factory's state.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    statements = (VERSIONS, POSITION, QUEUES, WORKERS, LEADS)
    versions, position, queues, workers, leads = await _ask(pool, *statements)
    version, vector = versions[0]
    return Now(
        version=version.partition(" ")[0],
        vector=vector,
        position=position[0][0],
        queues=tuple(Queued(*row) for row in queues),
        workers=tuple(Beat(*row) for row in workers),
        leads=leads[0][0],
    )


async def jobs(pool: LogPool) -> tuple[int, int]:
    """How many jobs wait, and how many are being done.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    (queues,) = await _ask(pool, QUEUES)
    return sum(row[1] for row in queues), sum(row[2] for row in queues)


async def clock_ahead(pool: LogPool) -> float:
    """Seconds by which the database's clock is ahead of ours; 0 within the round trip.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    async with pool.connection() as connection:
        before = time()
        cursor = await connection.execute(CLOCK)
        row = await cursor.fetchone()
        after = time()
    there: float = row[0] if row else after
    return min(there - before, 0.0) or max(there - after, 0.0)


async def _ask(pool: LogPool, *statements: bytes) -> list[list[Any]]:
    async with pool.connection() as connection, connection.pipeline():
        cursors = [await connection.execute(statement) for statement in statements]
        return [await cursor.fetchall() for cursor in cursors]
