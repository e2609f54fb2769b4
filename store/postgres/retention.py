"""Forgets what nobody needs any more: deltas of finished messages, old keys, finished jobs.

Each call is one bounded step, so that the log is locked for milliseconds; the scheduler calls again
while there is more. Kept events are never touched: no role of ours may delete them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from store.postgres.pool import Connection

STEP_ROWS = 1000
SHARD = 0


class _Named(msgspec.Struct):
    message: str


_named = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class _Delta:
    position: int
    stream: str
    version: int
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; `is_last` when there was nothing more to look at."""

    removed: int
    is_last: bool


async def compact_deltas(
    connection: Connection, *, older_than: timedelta, rows: int = STEP_ROWS
) -> Step:
    """The next deltas of the log that are old and whose message is finished are gone.

    Their versions stay taken; `compacted_through` of the stream's head says where some may be
    missing. Deltas of a message that was never finished stay: nothing else holds their text. A
    place is remembered, so that the log is walked once.
    """
    async with connection.transaction():
        seen = await _rows(connection, _NEXT_DELTAS, {"rows": rows, "age": older_than})
        if not seen:
            return Step(0, is_last=True)
        finished = await _finished(connection, {stream for _, stream, _, _, _ in seen})
        gone = [delta for delta in _readable(seen) if (delta.stream, delta.message) in finished]
        await _lock(connection)
        await connection.execute(_DROP_DELTAS, {"positions": [delta.position for delta in gone]})
        await connection.execute(
            _MARK_HEADS,
            {
                "streams": [delta.stream for delta in gone],
                "versions": [delta.version for delta in gone],
            },
        )
        await connection.execute(_REMEMBER, {"position": seen[-1][0]})
    return Step(len(gone), is_last=len(seen) < rows)


async def forget_keys(
    connection: Connection, *, older_than: timedelta, rows: int = STEP_ROWS
) -> Step:
    """The keys of some old appends are gone: repeating those appends would do them again."""
    async with connection.transaction():
        await _lock(connection)
        cursor = await connection.execute(_FORGET_KEYS, {"rows": rows, "age": older_than})
    return Step(cursor.rowcount, is_last=cursor.rowcount < rows)


async def delete_finished_jobs(
    connection: Connection, *, older_than: timedelta, rows: int = STEP_ROWS
) -> Step:
    """Some of the queue's oldest jobs, if they ended so long ago, are gone; the log remembers."""
    cursor = await connection.execute(_DELETE_JOBS, {"rows": rows, "age": older_than})
    return Step(cursor.rowcount, is_last=cursor.rowcount < rows)


async def _lock(connection: Connection) -> None:
    """All that writes the log's tables takes the shard's lock first, as the append does."""
    await connection.execute(_LOCK, {"shard": SHARD})


async def _finished(connection: Connection, streams: set[str]) -> set[tuple[str, str]]:
    rows = await _rows(connection, _FINISHED, {"streams": list(streams)})
    return {(stream, message) for stream, message in rows}


async def _rows(
    connection: Connection, statement: str, parameters: dict[str, object]
) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement.encode(), parameters, prepare=True)
    return await cursor.fetchall()


def _readable(rows: Sequence[tuple[Any, ...]]) -> list[_Delta]:
    """Those whose body is clear and names its message; what cannot be read is kept."""
    found: list[_Delta] = []
    for position, stream, version, key_id, body in rows:
        if key_id == 0 and body is not None:
            try:
                message = _named.decode(body).message
            except msgspec.MsgspecError:
                continue
            found.append(_Delta(position, stream, version, message))
    return found


_LOCK = """
    SELECT pg_advisory_xact_lock('stream_head'::regclass::oid::int, %(shard)s::int)
"""

# The time is compared outside: inside, all that is too new would be read to find what is not.
_NEXT_DELTAS = """
    SELECT position, stream_id::text, version, key_id, body
    FROM (
      SELECT d.position, d.stream_id, d.version, d.key_id, d.body, d.time
      FROM event_delta AS d
      WHERE d.position > (
        SELECT position
        FROM projection_position
        WHERE name = 'delta_retention' AND shard = 0)
      ORDER BY d.position
      LIMIT %(rows)s
    ) AS d
    WHERE d.time < clock_timestamp() - %(age)s
    ORDER BY position
"""

_FINISHED = """
    SELECT e.stream_id::text, e.head->>'message'
    FROM stream_head AS h
    JOIN event_kept AS e ON e.stream_id = h.stream_id
      AND e.position BETWEEN h.first_position AND h.last_position
    WHERE h.stream_id = ANY (%(streams)s::uuid[])
      AND e.type IN ('message.finished', 'reasoning.finished')
"""

_DROP_DELTAS = """
    DELETE FROM event_delta
    WHERE position = ANY (%(positions)s::bigint[])
"""

_MARK_HEADS = """
    UPDATE stream_head AS h
    SET compacted_through = greatest(h.compacted_through, g.version)
    FROM (
      SELECT stream_id, max(version) AS version
      FROM unnest(%(streams)s::uuid[], %(versions)s::int[]) AS g (stream_id, version)
      GROUP BY stream_id
    ) AS g
    WHERE h.stream_id = g.stream_id
"""

_REMEMBER = """
    UPDATE projection_position
    SET position = greatest(position, %(position)s)
    WHERE name = 'delta_retention' AND shard = 0
"""

_FORGET_KEYS = """
    DELETE FROM append_key
    WHERE (team_id, key) IN (
      SELECT team_id, key
      FROM append_key
      WHERE created_at < clock_timestamp() - %(age)s
      LIMIT %(rows)s)
"""

# Only the oldest are looked at: jobs are numbered by time, and what still runs is among the newest.
_DELETE_JOBS = """
    DELETE FROM procrastinate_jobs
    WHERE id IN (
      SELECT j.id
      FROM (
        SELECT id, status
        FROM procrastinate_jobs
        ORDER BY id
        LIMIT %(rows)s * 5
      ) AS j
      WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
        AND NOT EXISTS (
          SELECT
          FROM procrastinate_events AS e
          WHERE e.job_id = j.id AND e.at > clock_timestamp() - %(age)s)
      LIMIT %(rows)s)
"""
