"""Moves the projections through the log, each event exactly once, and tells the feeds of changes.

A projection's position moves in the transaction that writes its rows, under a lock of the
position's row: two projectors at once only waste work, and one that is killed leaves either all of
a batch or nothing. A stream that cannot be folded is parked and reported; the projection goes on
without it. The scheduler runs it; `rebuild` and `lag` are for the command line and for metrics.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import anyio
from anyio.abc import TaskStatus
from psycopg.rows import class_row

from protocols.errors import FactoryError, InvalidRequest, NotFound
from protocols.events import StreamId
from store import projection_steps as steps
from store.connect import Store
from store.feeds import Feeds
from store.postgres.log.event_log import Followed
from store.projection import Projection, Touched
from store.projection_steps import SHARD
from store.projections import PROJECTIONS
from store.redis.keys import LOG
from store.redis.listener import Listener

logger = logging.getLogger(__name__)

BATCH_EVENTS = 5000
POLL_SECONDS = 1.0  # when no wake-up arrives
ROUND_SECONDS = 0.1  # between rounds, unless a batch was full: small batches cost most
REST_SECONDS = 5.0  # for a projection whose tables could not be written


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
        """Fold until there is nothing more, or another projector is at it; feeds are not told."""
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
        moved = await self._round()
        await self._feeds.flush()
        if moved >= BATCH_EVENTS:
            return
        deadline = started + POLL_SECONDS
        while (left := deadline - monotonic()) > 0 and not self._wake.is_set():
            with anyio.move_on_after(min(left, self._feeds.due_in())):
                await self._wake.wait()
            await self._feeds.flush()
        await anyio.sleep(max(0.0, started + ROUND_SECONDS - monotonic()))

    async def _round(self) -> int:
        """Move each projection by one batch; how many events the largest had."""
        groups: dict[int, list[str]] = {}
        for name, position in self._positions.items():
            if monotonic() >= self._rests_until.get(name, 0.0):
                groups.setdefault(position, []).append(name)
        moved = 0
        for after, names in groups.items():
            events = await self._store.log.follow(shard=SHARD, after=after, limit=BATCH_EVENTS)
            if events:
                await self._move(names, events, after=after)
            if any(self._positions[name] != after for name in names):
                moved = max(moved, len(events))
        return moved

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
            held = await steps.hold(connection, names, events)
            self._positions |= {place.name: place.position for place in held}
            current = [place for place in held if place.position == after]
            for place in current:
                fresh = [event for event in events if event.stream not in place.parked]
                step = steps.fold_carefully if is_careful else steps.fold
                folded = await step(connection, self._projections[place.name], fresh)
                touched += folded.touched
            moved = [place.name for place in current]
            await steps.set_position(connection, moved, events[-1].position)
        self._positions |= dict.fromkeys(moved, events[-1].position)
        return touched

    async def _read_positions(self) -> None:
        async with self._store.log_pool.connection() as connection:
            held = await steps.places(connection, list(self._projections))
        self._positions = {place.name: place.position for place in held}


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
        await steps.take(connection, name)
        await projection.clear(connection)
        await connection.execute(
            "DELETE FROM projection_parked WHERE name = %(name)s", {"name": name}
        )
        position, count, parked = 0, 0, set[StreamId]()
        while events := await store.log.follow(shard=SHARD, after=position, limit=BATCH_EVENTS):
            fresh = [event for event in events if event.stream not in parked]
            folded = await steps.fold_carefully(connection, projection, fresh)
            parked |= {unfoldable.event.stream for unfoldable in folded.unfoldable}
            position, count = events[-1].position, count + len(events)
            if len(events) < BATCH_EVENTS:
                break
        await steps.set_position(connection, [name], position)
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
