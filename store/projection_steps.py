"""One step of a projection: its position is held, events are folded, what cannot be is parked.

All of it inside the caller's transaction, which moves the position with the rows. Used by the
projector and by a rebuild.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import psycopg

from protocols.events import StreamId
from store.postgres.log.event_log import Followed
from store.projection import Connection, Folded, Projection, Unfoldable

logger = logging.getLogger(__name__)

SHARD = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a projection stands, and the streams of a batch that it goes on without."""

    name: str
    position: int
    parked: frozenset[StreamId] = field(default_factory=frozenset[StreamId])


async def hold(
    connection: Connection, names: Sequence[str], events: Iterable[Followed]
) -> list[Place]:
    """The places of these projections, theirs until the transaction ends; without those taken."""
    streams = list({event.stream for event in events})
    cursor = await connection.execute(
        _HOLD, {"names": list(names), "shard": SHARD, "streams": streams}, prepare=True
    )
    return [
        Place(name, position, frozenset(StreamId(str(stream)) for stream in parked))
        for name, position, parked, _ in await cursor.fetchall()
    ]


async def places(connection: Connection, names: Sequence[str]) -> list[Place]:
    """The places of these projections now."""
    cursor = await connection.execute(_POSITIONS, {"names": list(names), "shard": SHARD})
    return [Place(name, position) for name, position in await cursor.fetchall()]


async def take(connection: Connection, name: str) -> None:
    """The projection's place is this transaction's, once others let it go."""
    await connection.execute(_TAKE, {"name": name, "shard": SHARD})


async def set_position(connection: Connection, names: Sequence[str], position: int) -> None:
    """These projections, which are held, stand there."""
    values = {"names": list(names), "shard": SHARD, "position": position}
    await connection.execute(_MOVE, values, prepare=True)


async def fold(
    connection: Connection, projection: Projection, events: Sequence[Followed]
) -> Folded:
    """The projection's tables show the events; streams it cannot fold are parked."""
    folded = await projection.fold(connection, events)
    for unfoldable in folded.unfoldable:
        await _park(connection, projection.name, unfoldable)
    return folded


async def fold_carefully(
    connection: Connection, projection: Projection, events: Sequence[Followed]
) -> Folded:
    """By halves, until the events that Postgres refuses stand alone; their streams are parked."""
    if not events:
        return Folded()
    try:
        async with connection.transaction():
            return await fold(connection, projection, events)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(events) == 1:
            reason = f"Postgres refuses the row: {type(error).__name__}"
            unfoldable = Unfoldable(events[0], reason)
            await _park(connection, projection.name, unfoldable)
            return Folded(unfoldable=[unfoldable])
    half = len(events) // 2
    first = await fold_carefully(connection, projection, events[:half])
    gone = {unfoldable.event.stream for unfoldable in first.unfoldable}
    rest = [event for event in events[half:] if event.stream not in gone]
    second = await fold_carefully(connection, projection, rest)
    return Folded(first.touched + second.touched, first.unfoldable + second.unfoldable)


async def _park(connection: Connection, name: str, unfoldable: Unfoldable) -> None:
    event = unfoldable.event
    logger.error(
        "a stream cannot be folded and is parked",
        extra={
            "projection": name,
            "stream": event.stream,
            "version": event.version,
            "type": event.type,
            "reason": unfoldable.reason,
        },
    )
    values = {
        "name": name,
        "stream": event.stream,
        "team": event.team,
        "version": event.version,
        "position": event.position,
        "type": event.type,
        "reason": unfoldable.reason,
    }
    await connection.execute(_PARK, values)


_POSITIONS = """
    SELECT name, position
    FROM projection_position
    WHERE shard = %(shard)s AND name = ANY (%(names)s)
"""

# Skipped when another projector or a rebuild holds it. A lost commit is folded again, so that no
# batch waits for the disk.
_HOLD = """
    SELECT p.name, p.position,
           array(
             SELECT k.stream_id
             FROM projection_parked AS k
             WHERE k.name = p.name AND k.stream_id = ANY (%(streams)s::uuid[])
           ) AS parked,
           set_config('synchronous_commit', 'off', true)
    FROM projection_position AS p
    WHERE p.shard = %(shard)s AND p.name = ANY (%(names)s)
    ORDER BY p.name
    FOR UPDATE OF p SKIP LOCKED
"""

_TAKE = """
    SELECT position
    FROM projection_position
    WHERE shard = %(shard)s AND name = %(name)s
    FOR UPDATE
"""

_MOVE = """
    UPDATE projection_position
    SET position = %(position)s
    WHERE shard = %(shard)s AND name = ANY (%(names)s)
"""

_PARK = """
    INSERT INTO projection_parked (name, stream_id, team_id, version, position, type, reason)
    VALUES (%(name)s, %(stream)s::uuid, %(team)s, %(version)s, %(position)s, %(type)s, %(reason)s)
    ON CONFLICT (name, stream_id) DO NOTHING
"""
