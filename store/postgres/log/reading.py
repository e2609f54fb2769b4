"""Reading the log: a stream by its versions, heads, and the whole log by position.

Streams are read by a range of versions, never by `ORDER BY version LIMIT n` alone, for which a
prepared statement takes the index on positions and reads a hundred times as much. A range may hold
fewer events than versions, because deltas of finished messages are dropped in time; then the next
range is wider.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from protocols.errors import InvalidRequest
from protocols.event_encoding import join
from protocols.events import Event, StreamId
from protocols.principals import TeamId
from store.postgres.log.appends import stream_bytes
from store.postgres.pool import Connection

MAX_LIMIT = 5000
WIDER = 4  # times

HEADS = b"""
SELECT stream_id::text, team_id, kind, state, version, attempt, seq, compacted_through,
       first_position, last_position, created_at, updated_at
FROM stream_head
WHERE stream_id = ANY(%b::uuid[])
"""
HEAD = HEADS.replace(b"= ANY(%b::uuid[])", b"= %b")

_EVENTS = b"""
SELECT type, version, time, actor, attempt, convert_to(head::text, 'UTF8'), body
FROM event
WHERE stream_id = %b AND version > %b AND version <= %b AND position BETWEEN %b AND %b
ORDER BY version
"""
EVENTS = {True: _EVENTS, False: _EVENTS.replace(b"FROM event\n", b"FROM event_kept\n")}
# Sizes of bodies are known without reading them. Without heads: `join` makes nothing shorter than
# the body, so that whoever adds up what came knows whether something was left out.
BOUNDED = b"""
SELECT type, version, time, actor, attempt, convert_to(head::text, 'UTF8'), body
FROM (
  SELECT type, version, time, actor, attempt, head, body,
         sum(coalesce(octet_length(body), 0)) OVER (ORDER BY version)
           - coalesce(octet_length(body), 0) AS bytes_before
  FROM event
  WHERE stream_id = %b AND version > %b AND version <= %b AND position BETWEEN %b AND %b
) AS sized
WHERE bytes_before < %b::bigint
ORDER BY version
"""
DELTAS = _EVENTS.replace(b"FROM event\n", b"FROM event_delta\n")
ENDED = b"""
SELECT head->>'message', max(version)
FROM event_kept
WHERE stream_id = %b AND version > %b AND version <= %b AND position BETWEEN %b AND %b
  AND type IN ('message.finished', 'reasoning.finished')
GROUP BY 1
"""

FOLLOW = b"""
SELECT position, stream_id, team_id, version, type, time, actor, attempt, head
FROM follow(%b::smallint, %b::bigint, %b::int)
"""


Needs = Callable[[Mapping[str, int]], Set[str]]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream stands.

    Attributes:
        state: Its kind's code; 0: it has none; 100 and above are final.
        version: Of its last event.
        attempt: The one that may write.
        seq: The last append accepted from that attempt.
        compacted_through: Deltas up to this version may be missing.
    """

    stream: StreamId
    team: TeamId
    kind: int
    state: int
    version: int
    attempt: int
    seq: int
    compacted_through: int
    first_position: int
    last_position: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Followed:
    """A kept event as followers of the whole log see it: its head, without its body."""

    position: int
    stream: StreamId
    team: TeamId
    version: int
    type: str
    time: datetime
    actor: str
    attempt: int
    head: bytes | None


async def head(connection: Connection, stream: StreamId) -> Head | None:
    """The stream's head; None where there is no such stream, or what was given is no id."""
    stream_id = _uuid(stream)
    rows = await _rows(connection, HEAD, (stream_id,)) if stream_id else []
    return Head(*rows[0]) if rows else None


async def heads(connection: Connection, streams: Sequence[StreamId]) -> dict[StreamId, Head]:
    """Those that exist; thousands in one statement."""
    ids = [stream_id for stream in streams if (stream_id := _uuid(stream))]
    rows = await _rows(connection, HEADS, (ids,)) if ids else []
    return {head.stream: head for head in (Head(*row) for row in rows)}


async def read(
    connection: Connection, stream: StreamId, *, after: int, limit: int, deltas: bool
) -> list[Event]:
    """The next events after a version, at most `limit`; none when it is the last."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit must be 1 to {MAX_LIMIT}, not {limit}")
    where = await head(connection, stream)
    found: list[Event] = []
    width = limit if deltas else limit * WIDER
    while where and after < where.version and len(found) < limit:
        through = min(after + width, where.version)
        found += await _range(connection, EVENTS[deltas], where, after=after, through=through)
        after, width = through, width * WIDER
    return found[:limit]


async def read_bounded(
    connection: Connection, stream: StreamId, *, after: int, limit: int, max_bytes: int
) -> list[Event]:
    """As `read`, but none more once their bodies are so many bytes; at least one.

    Less than so many bytes in all means that none was left out.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit must be 1 to {MAX_LIMIT}, not {limit}")
    where = await head(connection, stream)
    found: list[Event] = []
    width = limit
    while where and after < where.version and len(found) < limit and max_bytes > 0:
        through = min(after + width, where.version)
        some = await _range(
            connection, BOUNDED, where, after=after, through=through, more=(max_bytes,)
        )
        found += some
        max_bytes -= sum(len(event.data) for event in some)
        after, width = through, width * WIDER
    return found[:limit]


async def read_state(connection: Connection, stream: StreamId) -> list[Event]:
    """All a fold needs: kept events, and the deltas of messages that no event finishes."""
    where = await head(connection, stream)
    if where is None:
        return []
    kept = await _range(connection, EVENTS[False], where, after=0, through=where.version)
    unfinished = _unfinished(kept)
    if not unfinished:
        return kept
    after = min(unfinished.values())
    found = await _range(connection, DELTAS, where, after=after, through=where.version)
    wanted = [event for event in found if _message(event) in unfinished]
    return sorted([*kept, *wanted], key=lambda event: event.version)


async def ended_messages(connection: Connection, where: Head, *, after: int) -> dict[str, int]:
    """Messages and thoughts that end after a version, with the last version at which they do."""
    parameters = _range_of(where, after=after, through=where.version)
    return dict(await _rows(connection, ENDED, parameters))


async def read_part(
    connection: Connection,
    where: Head,
    *,
    after: int,
    through: int,
    needs: Needs,
) -> list[Event]:
    """What a fold needs of a range of versions: kept events, and the deltas of some messages.

    Args:
        connection: Of a role that may read the stream.
        where: The stream's head, at `through` or above.
        after: Exclusive.
        through: Inclusive.
        needs: From the messages that begin in the range, with the version at which they last do,
            to those whose deltas are needed.
    """
    kept = await _range(connection, EVENTS[False], where, after=after, through=through)
    needed = needs({_message(event): event.version for event in kept if event.type in _STARTS})
    if not needed:
        return kept
    found = await _range(connection, DELTAS, where, after=after, through=through)
    wanted = [event for event in found if _message(event) in needed]
    return sorted([*kept, *wanted], key=lambda event: event.version)


async def follow(connection: Connection, *, shard: int, after: int, limit: int) -> list[Followed]:
    """Kept events of a shard after a position, in order."""
    rows = await _rows(connection, FOLLOW, (shard, after, limit))
    return [Followed(*row) for row in rows]


async def _range(
    connection: Connection,
    sql: bytes,
    where: Head,
    *,
    after: int,
    through: int,
    more: tuple[int, ...] = (),
) -> list[Event]:
    rows = await _rows(connection, sql, (*_range_of(where, after=after, through=through), *more))
    return [
        Event(kind, version, time, actor, attempt, msgspec.Raw(join(head, body)))
        for kind, version, time, actor, attempt, head, body in rows
    ]


def _range_of(where: Head, *, after: int, through: int) -> tuple[Any, ...]:
    # Only partitions between the stream's first and last position are looked into.
    return (uuid.UUID(where.stream), after, through, where.first_position, where.last_position)


async def _rows(connection: Connection, sql: bytes, parameters: tuple[Any, ...]) -> list[Any]:
    cursor = connection.cursor(binary=True)
    await cursor.execute(sql, parameters, prepare=True)
    return await cursor.fetchall()


def _uuid(stream: StreamId) -> uuid.UUID | None:
    try:
        return uuid.UUID(bytes=stream_bytes(stream))
    except InvalidRequest:
        return None


class _Named(msgspec.Struct):
    message: str


_named = msgspec.json.Decoder(_Named)
_STARTS = frozenset({"message.started", "reasoning.started"})
_ENDS = frozenset({"message.finished", "reasoning.finished"})


def _unfinished(kept: Sequence[Event]) -> dict[str, int]:
    """Messages and thoughts that began and did not end, with the version of their beginning."""
    began: dict[str, int] = {}
    for event in kept:
        if event.type in _STARTS:
            began[_message(event)] = event.version
        elif event.type in _ENDS:
            began.pop(_message(event), None)
    return began


def _message(event: Event) -> str:
    return _named.decode(event.data).message
