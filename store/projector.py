"""Moves the projections through the log, each event exactly once, and tells the feeds of changes.

A projection's position moves in the transaction that writes its rows, under a lock of the
position's row: two projectors at once only waste work, and one that is killed leaves either all of
a batch or nothing. A stream that cannot be folded is parked and reported; the projection goes on
without it. The scheduler runs it; `rebuild` and `lag` are for the command line and for metrics.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic

import anyio
import psycopg
from anyio.abc import TaskStatus
from psycopg.rows import class_row

from protocols.errors import FactoryError, InvalidRequest, NotFound
from protocols.events import StreamId
from store.connect import Store
from store.feeds import Feeds
from store.postgres.event_log import Followed
from store.projection import Connection, Folded, Projection, Touched, Unfoldable
from store.projections import PROJECTIONS
from store.redis.keys import LOG
from store.redis.listener import Listener

logger = logging.getLogger(__name__)

BATCH_EVENTS = 5000
POLL_SECONDS = 1.0  # when no wake-up arrives
ROUND_SECONDS = (
    0.05  # at most one round in so long, unless a batch was full: small batches cost most
)
REST_SECONDS = 5.0  # for a projection whose tables could not be written
SHARD = 0


class Projector:
    """Follows the log for all projections. Any number may run; one is enough."""

    def __init__(self, store: Store, projections: Sequence[Projection] = PROJECTIONS) -> None:
        self._store = store
        self._projections = {projection.name: projection for projection in projections}
        self._positions: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}
        self._feeds = Feeds(store)
        self._wake = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Move on whenever there is more, until cancelled; an outage of the store is waited out."""
        async with self._store.broker.listen() as listener, anyio.create_task_group() as group:
            group.start_soon(self._hear, listener)
            task_status.started()
            is_away = False
            while True:
                try:
                    await self._serve()
                except FactoryError as error:
                    if not error.retryable:
                        raise
                    if not is_away:
                        logger.warning("the projector waits for the store", exc_info=error)
                    is_away = True
                    await anyio.sleep(POLL_SECONDS)
                else:
                    is_away = False

    async def catch_up(self) -> None:
        """Every event that was in the log when this was called is folded in; feeds are not told."""
        if not self._positions:
            await self._read_positions()
        while await self._round():
            pass

    async def _hear(self, listener: Listener) -> None:
        await listener.subscribe(LOG)
        async for _ in listener:
            self._wake.set()

    async def _serve(self) -> None:
        """A round, what is due to the feeds, and rest until there may be more."""
        started = monotonic()
        self._wake = anyio.Event()
        if not self._positions:
            await self._read_positions()
            await self._feeds.resume(through=min(self._positions.values()))
        is_behind = await self._round()
        await self._feeds.flush()
        if is_behind:
            return
        deadline = started + POLL_SECONDS
        while (left := deadline - monotonic()) > 0 and not self._wake.is_set():
            with anyio.move_on_after(min(left, self._feeds.due_in())):
                await self._wake.wait()
            await self._feeds.flush()
        await anyio.sleep(max(0.0, started + ROUND_SECONDS - monotonic()))

    async def _round(self) -> bool:
        """Move each projection by one batch; whether there was a full one."""
        groups: dict[int, list[str]] = {}
        for name, position in self._positions.items():
            if monotonic() >= self._rests_until.get(name, 0.0):
                groups.setdefault(position, []).append(name)
        is_behind = False
        for after, names in groups.items():
            events = await self._store.log.follow(shard=SHARD, after=after, limit=BATCH_EVENTS)
            if events:
                await self._move(names, events, after=after)
            is_behind = is_behind or len(events) == BATCH_EVENTS
        return is_behind

    async def _move(self, names: Sequence[str], events: Sequence[Followed], *, after: int) -> None:
        try:
            touched = await self._fold(names, events, after=after)
        except FactoryError as error:
            await self._move_apart(names, events, after=after, error=error)
        else:
            self._feeds.note(touched, position=min(self._positions.values()))

    async def _move_apart(
        self, names: Sequence[str], events: Sequence[Followed], *, after: int, error: FactoryError
    ) -> None:
        """One projection's trouble is not the others'."""
        if len(names) > 1:
            for name in names:
                await self._move([name], events, after=after)
            return
        extra = {"projection": names[0], "reason": error.message}
        logger.error("a projection cannot be moved", exc_info=error, extra=extra)
        rest = POLL_SECONDS if error.retryable else REST_SECONDS
        self._rests_until[names[0]] = monotonic() + rest

    async def _fold(
        self, names: Sequence[str], events: Sequence[Followed], *, after: int
    ) -> list[Touched]:
        try:
            return await self._fold_once(names, events, after=after, is_careful=False)
        except InvalidRequest:  # a value that Postgres refuses: find it, and park its stream
            return await self._fold_once(names, events, after=after, is_careful=True)

    async def _fold_once(
        self, names: Sequence[str], events: Sequence[Followed], *, after: int, is_careful: bool
    ) -> list[Touched]:
        touched: list[Touched] = []
        async with self._store.log_pool.connection() as connection, connection.transaction():
            held = await _hold(connection, names, events)
            self._positions |= {place.name: place.position for place in held}
            current = [place for place in held if place.position == after]
            for place in current:
                fresh = [event for event in events if event.stream not in place.parked]
                fold = _fold_carefully if is_careful else _fold_and_park
                folded = await fold(connection, self._projections[place.name], fresh)
                touched += folded.touched
            moved = [place.name for place in current]
            await _set_position(connection, moved, events[-1].position)
        self._positions |= dict.fromkeys(moved, events[-1].position)
        return touched

    async def _read_positions(self) -> None:
        async with self._store.log_pool.connection() as connection:
            held = await _places(connection, list(self._projections))
        self._positions = {place.name: place.position for place in held}


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    position: int
    parked: frozenset[StreamId] = field(default_factory=frozenset[StreamId])


async def _hold(
    connection: Connection, names: Sequence[str], events: Iterable[Followed]
) -> list[_Place]:
    streams = list({event.stream for event in events})
    cursor = await connection.execute(
        _HOLD, {"names": list(names), "shard": SHARD, "streams": streams}, prepare=True
    )
    return [
        _Place(name, position, frozenset(StreamId(str(stream)) for stream in parked))
        for name, position, parked, _ in await cursor.fetchall()
    ]


async def _places(connection: Connection, names: Sequence[str]) -> list[_Place]:
    cursor = await connection.execute(_POSITIONS, {"names": list(names), "shard": SHARD})
    return [_Place(name, position) for name, position in await cursor.fetchall()]


async def _set_position(connection: Connection, names: Sequence[str], position: int) -> None:
    values = {"names": list(names), "shard": SHARD, "position": position}
    await connection.execute(_MOVE, values, prepare=True)


async def _fold_and_park(
    connection: Connection, projection: Projection, events: Sequence[Followed]
) -> Folded:
    folded = await projection.fold(connection, events)
    for unfoldable in folded.unfoldable:
        await _park(connection, projection.name, unfoldable)
    return folded


async def _fold_carefully(
    connection: Connection, projection: Projection, events: Sequence[Followed]
) -> Folded:
    """By halves, until the events that Postgres refuses stand alone; their streams are parked."""
    if not events:
        return Folded()
    try:
        async with connection.transaction():
            return await _fold_and_park(connection, projection, events)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(events) == 1:
            reason = f"Postgres refuses the row: {type(error).__name__}"
            unfoldable = Unfoldable(events[0], reason)
            await _park(connection, projection.name, unfoldable)
            return Folded(unfoldable=[unfoldable])
    half = len(events) // 2
    first = await _fold_carefully(connection, projection, events[:half])
    gone = {unfoldable.event.stream for unfoldable in first.unfoldable}
    rest = [event for event in events[half:] if event.stream not in gone]
    second = await _fold_carefully(connection, projection, rest)
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


async def rebuild(store: Store, name: str, projections: Sequence[Projection] = PROJECTIONS) -> int:
    """The projection is folded again from the first event; how many events that were.

    In one transaction: readers see the old rows until it is done, and keep them if it fails. The
    projector passes the projection by meanwhile. Parked streams are tried again.

    Raises:
        NotFound: There is no such projection.
    """
    projection = next((each for each in projections if each.name == name), None)
    if projection is None:
        known = ", ".join(each.name for each in projections)
        raise NotFound(f"there is no projection {name!r}; there are {known}")
    async with store.log_pool.connection() as connection, connection.transaction():
        await connection.execute(_TAKE, {"name": name, "shard": SHARD})
        await projection.clear(connection)
        await connection.execute(
            "DELETE FROM projection_parked WHERE name = %(name)s", {"name": name}
        )
        position, count, parked = 0, 0, set[StreamId]()
        while events := await store.log.follow(shard=SHARD, after=position, limit=BATCH_EVENTS):
            fresh = [event for event in events if event.stream not in parked]
            folded = await _fold_carefully(connection, projection, fresh)
            parked |= {unfoldable.event.stream for unfoldable in folded.unfoldable}
            position, count = events[-1].position, count + len(events)
            if len(events) < BATCH_EVENTS:
                break
        await _set_position(connection, [name], position)
    return count


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a projection is behind.

    Attributes:
        events: Kept events it has not folded, counted up to 10,000.
        seconds: Age of the oldest of them; 0 when there is none.
        parked: Streams it goes on without.
    """

    name: str
    position: int
    events: int
    seconds: float
    parked: int


async def lag(store: Store) -> list[Lag]:
    """How far each projection is behind the log."""
    names = [projection.name for projection in PROJECTIONS]
    async with (
        store.log_pool.connection() as connection,
        connection.cursor(row_factory=class_row(Lag)) as cursor,
    ):
        await cursor.execute(_LAG, {"names": names, "shard": SHARD})
        return await cursor.fetchall()


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

_LAG = """
    SELECT p.name, p.position, l.events, l.seconds,
           (SELECT count(*) FROM projection_parked AS k WHERE k.name = p.name) AS parked
    FROM projection_position AS p
    CROSS JOIN LATERAL (
      SELECT count(*) AS events,
             coalesce(extract(epoch FROM clock_timestamp() - min(e.time)), 0)::float8 AS seconds
      FROM (
        SELECT e.time
        FROM event_kept AS e
        WHERE e.position > p.position AND e.shard = p.shard
        ORDER BY e.position
        LIMIT 10000
      ) AS e
    ) AS l
    WHERE p.shard = %(shard)s AND p.name = ANY (%(names)s)
    ORDER BY p.name
"""
