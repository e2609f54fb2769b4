"""Cheap numbers about the whole factory, for metrics and health: counted where they are kept.

Across all teams, so as `pygent_log`. Nothing here names a person, a task or a text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import msgspec

from store.postgres.pool import LogPool

TASKS = """
SELECT state, sum(tasks)::bigint
FROM task_total
GROUP BY state
"""

QUEUE = """
SELECT queue_name, status::text, count(*)
FROM procrastinate_jobs
WHERE status IN ('todo', 'doing', 'failed')
GROUP BY queue_name, status
"""

WORKERS = """
SELECT count(*)
FROM procrastinate_workers
WHERE last_heartbeat > now() - interval '30 seconds'
"""

LAST_HOUR = """
SELECT model, sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost)::bigint
FROM model_minute
WHERE team_id IN (SELECT id FROM team) AND minute > now() - interval '1 hour'
GROUP BY model
ORDER BY sum(cost) DESC
LIMIT 50
"""

STEPS = """
SELECT step ->> 0,
       percentile_cont(ARRAY[0.5, 0.95])
         WITHIN GROUP (ORDER BY ((step ->> 2)::float8 - (step ->> 1)::float8) / 1000)
FROM (
  SELECT lane
  FROM task_row
  WHERE team_id IN (SELECT id FROM team) AND ended_at > now() - interval '1 hour'
  ORDER BY ended_at DESC
  LIMIT 200
) AS latest, jsonb_array_elements(lane) AS step
WHERE step ->> 2 IS NOT NULL
GROUP BY 1
"""


class ModelUse(msgspec.Struct, frozen=True):
    """What a model used within the last hour."""

    model: str
    input_tokens: int
    output_tokens: int
    cost: int  # micro-dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The factory in numbers.

    Attributes:
        tasks: By state's code.
        queue: Jobs by queue and status.
        workers: That have given a sign of life within 30 seconds.
        models: Used within the last hour.
        step_seconds: Median and 95th percentile by kind, over the latest 200 ended tasks.
    """

    tasks: Mapping[int, int]
    queue: Mapping[tuple[str, str], int]
    workers: int
    models: tuple[ModelUse, ...]
    step_seconds: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The queue and who works on it."""

    todo: int
    doing: int
    workers: int


async def measure(pool: LogPool) -> Measures:
    """All of them.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    tasks, queue, workers, models, steps = await _ask(pool, TASKS, QUEUE, WORKERS, LAST_HOUR, STEPS)
    return Measures(
        tasks=dict(tasks),
        queue={(name, status): count for name, status, count in queue},
        workers=workers[0][0],
        models=tuple(ModelUse(*row) for row in models),
        step_seconds={kind: (middle, high) for kind, (middle, high) in steps},
    )


async def waiting(pool: LogPool) -> Waiting:
    """The queue and who works on it.

    Raises:
        Unavailable: Postgres is out of reach.
    """
    queue, workers = await _ask(pool, QUEUE, WORKERS)
    counts = {"todo": 0, "doing": 0, "failed": 0}
    for _, status, count in queue:
        counts[status] += count
    return Waiting(todo=counts["todo"], doing=counts["doing"], workers=workers[0][0])


async def ping(pool: LogPool) -> float:
    """Seconds until Postgres answered.

    Raises:
        Unavailable: It did not.
    """
    began = monotonic()
    await _ask(pool, "SELECT 1")
    return monotonic() - began


async def _ask(pool: LogPool, *statements: Any) -> list[list[Any]]:  # constants above, literal
    async with pool.connection() as connection, connection.pipeline():
        cursors = [await connection.execute(statement) for statement in statements]
        return [await cursor.fetchall() for cursor in cursors]
