"""The team's counters, read from their projections: over time, by model, and what is open now.

Used by the overview's operation and by its feed. Nothing is counted here that the projector has not
counted already, but percentiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from protocols.operations.overview import Bucket, ModelCost
from protocols.principals import TeamId
from store.postgres.pool import Connection

HOUR = 3600
MEASURED_TASKS = 10_000  # at most so many of the window's newest tasks stand behind its percentiles


class OpenCounts(msgspec.Struct):
    """How many tasks of the team are open now."""

    submitted: int = 0
    working: int = 0
    waiting: int = 0


class Moment(BaseModel):
    """What the feed `overview:<team>` publishes: a minute as it is now, and what is open."""

    model_config = ConfigDict(frozen=True)

    bucket: Bucket
    submitted: int
    working: int
    waiting: int


async def moments(connection: Connection, team: TeamId, minutes: Sequence[str]) -> list[Moment]:
    """These minutes of the team, oldest first."""
    async with connection.cursor(row_factory=class_row(Bucket)) as cursor:
        await cursor.execute(_MINUTES, {"team": team, "minutes": list(minutes)})
        found = await cursor.fetchall()
    counts = await open_counts(connection, team)
    return [
        Moment(
            bucket=bucket,
            submitted=counts.submitted,
            working=counts.working,
            waiting=counts.waiting,
        )
        for bucket in found
    ]


async def open_counts(connection: Connection, team: TeamId) -> OpenCounts:
    """How many tasks of the team wait for a worker, work, and wait for a person."""
    async with connection.cursor(row_factory=class_row(OpenCounts)) as cursor:
        await cursor.execute(_COUNTS, {"team": team})
        return await cursor.fetchone() or OpenCounts()


async def buckets(
    connection: Connection, team: TeamId, *, until: datetime, count: int, seconds: int
) -> list[Bucket]:
    """So many buckets, oldest first, empty ones too; `until` lies in the last."""
    last = datetime.fromtimestamp(until.timestamp() // seconds * seconds, UTC)
    starts = [last - timedelta(seconds=seconds * n) for n in reversed(range(count))]
    statement = _BUCKETS if seconds % HOUR else _BUCKETS_OF_HOURS
    async with connection.cursor(row_factory=class_row(Bucket)) as cursor:
        await cursor.execute(statement, {"team": team, "since": starts[0], "seconds": seconds})
        found = {bucket.start: bucket for bucket in await cursor.fetchall()}
    return [found.get(start) or _empty(start) for start in starts]


async def model_costs(connection: Connection, team: TeamId, *, since: datetime) -> list[ModelCost]:
    """What each model used since then, the dearest first."""
    statement = _MODELS if since.timestamp() % HOUR else _MODELS_OF_HOURS
    async with connection.cursor(row_factory=class_row(ModelCost)) as cursor:
        await cursor.execute(statement, {"team": team, "since": since})
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Durations:
    """Of the tasks that ended, from submission to end; None where none ended."""

    p50: float | None
    p95: float | None


async def durations(connection: Connection, team: TeamId, *, since: datetime) -> Durations:
    """Median and 95th percentile, of the newest MEASURED_TASKS tasks that ended since then."""
    async with connection.cursor(row_factory=class_row(Durations)) as cursor:
        await cursor.execute(
            _DURATIONS, {"team": team, "since": since, "limit": MEASURED_TASKS}, prepare=False
        )
        return await cursor.fetchone() or Durations(None, None)


def _empty(start: datetime) -> Bucket:
    return Bucket(
        start=start,
        submitted=0,
        completed=0,
        failed=0,
        canceled=0,
        cost=0,
        input_tokens=0,
        output_tokens=0,
        events=0,
        seconds=0.0,
    )


# 1 submitted, 2 working, 3 and 4 wait for a person.
_COUNTS = """
    SELECT coalesce(sum(tasks) FILTER (WHERE state = 1), 0)::bigint AS submitted,
           coalesce(sum(tasks) FILTER (WHERE state = 2), 0)::bigint AS working,
           coalesce(sum(tasks) FILTER (WHERE state IN (3, 4)), 0)::bigint AS waiting
    FROM task_total
    WHERE team_id = %(team)s AND state < 100
"""

_MINUTES = """
    SELECT minute AS start, submitted, completed, failed, canceled, cost, input_tokens,
           output_tokens, events, seconds
    FROM overview_minute
    WHERE team_id = %(team)s AND minute = ANY (%(minutes)s::timestamptz[])
    ORDER BY minute
"""

_BUCKETS = """
    SELECT to_timestamp(floor(extract(epoch FROM minute) / %(seconds)s) * %(seconds)s) AS start,
           sum(submitted) AS submitted, sum(completed) AS completed, sum(failed) AS failed,
           sum(canceled) AS canceled, sum(cost)::bigint AS cost,
           sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
           sum(events)::bigint AS events, sum(seconds) AS seconds
    FROM overview_minute
    WHERE team_id = %(team)s AND minute >= %(since)s
    GROUP BY 1
"""

_BUCKETS_OF_HOURS = _BUCKETS.replace("minute", "hour")

_MODELS = """
    SELECT model, sum(cost)::bigint AS cost, sum(input_tokens)::bigint AS input_tokens,
           sum(output_tokens)::bigint AS output_tokens, sum(tasks) AS tasks
    FROM model_minute
    WHERE team_id = %(team)s AND minute >= %(since)s
    GROUP BY model
    ORDER BY 2 DESC, 1
    LIMIT 100
"""

_MODELS_OF_HOURS = _MODELS.replace("minute", "hour")

_DURATIONS = """
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
    FROM (
      SELECT extract(epoch FROM ended_at - submitted_at)::float8 AS seconds
      FROM task_row
      WHERE team_id = %(team)s AND ended_at >= %(since)s
      ORDER BY ended_at DESC
      LIMIT %(limit)s
    ) AS ended
"""
