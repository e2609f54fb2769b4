"""Tells the lists of open pages what changed: rows of projections, on the feeds of a team.

Each row is published at least once after its last change: at once when its state changed, else at
most four times a second, so that a page holds still under any number of events. The projector notes
what changed and calls `flush`; what a process that died did not publish, the next one does, from
the log. Rows are read when they are sent, so that one row stands for all of its changes.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import assert_never

from pydantic import BaseModel

from protocols.channels import Namespace, feed_channel
from protocols.errors import Unavailable
from protocols.principals import TeamId
from store.connect import Store
from store.overview_counts import moments
from store.postgres.log.event_log import Followed
from store.projection import Connection, Touched
from store.projections.agents import agent_rows
from store.task_rows import task_rows

logger = logging.getLogger(__name__)

PACE_SECONDS = 0.25  # between two publications of a row whose state stays
RETRY_SECONDS = 1.0  # when Redis is away
SAVE_SECONDS = 1.0  # between two notes of how far the feeds are
ROWS_AT_ONCE = 500
WAITING_ROWS = 10_000  # beyond, they are forgotten, and found again in the log
FOLLOWED_EVENTS = 5000
IDLE_SECONDS = 60.0

_Key = tuple[Namespace, TeamId, str]


@dataclass(slots=True)
class _Waiting:
    due: float  # on the monotonic clock
    position: int  # everything before it has been published, as far as this row goes


class Feeds:
    """Rows that wait to be published. One projector uses it, from one task."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[_Key, _Waiting] = {}
        self._sent: dict[_Key, float] = {}
        self._noted = 0  # position
        self._saved = 0
        self._saved_at = 0.0
        self._has_forgotten = False
        self._rests_until = 0.0

    async def resume(self, *, through: int) -> None:
        """Everything that changed after what was last published, up to `through`, waits again."""
        self._saved = self._noted = position = await self._read_saved()
        self._has_forgotten = False
        while position < through:
            events = await self._store.log.follow(after=position, limit=FOLLOWED_EVENTS)
            if not events:
                break
            for event in events:
                for touched in _touched_by(event):
                    self._wait(touched, position=event.position - 1)
            position = self._noted = events[-1].position
            await self._publish_due()
        self._noted = max(position, through)

    def note(self, touched: Iterable[Touched], *, position: int) -> None:
        """These rows changed; all events up to `position` are noted now."""
        before = self._noted
        for each in touched:
            self._wait(each, position=before)
        self._noted = max(before, position)
        if len(self._waiting) > WAITING_ROWS and monotonic() < self._rests_until:
            logger.warning("feeds wait for Redis", extra={"rows": len(self._waiting)})
            self._waiting.clear()
            self._has_forgotten = True

    def due_in(self) -> float:
        """Seconds until something is to be published; IDLE_SECONDS when nothing waits."""
        if not self._waiting:
            return IDLE_SECONDS
        now = monotonic()
        first = min(waiting.due for waiting in self._waiting.values())
        return max(0.0, first - now, self._rests_until - now)

    async def flush(self) -> None:
        """What is due is published. When Redis is away it waits on, and nothing is raised.

        Raises:
            Unavailable: Postgres is out of reach; safe to repeat.
        """
        if self._has_forgotten and monotonic() >= self._rests_until:
            await self.resume(through=self._noted)
        await self._publish_due()
        await self._save()

    async def _publish_due(self) -> None:
        now = monotonic()
        if now < self._rests_until:
            return
        due = sorted(key for key, waiting in self._waiting.items() if waiting.due <= now)
        for feed, keys in groupby(due, key=_feed):
            for batch in _batches(list(keys)):
                if not await self._publish(*feed, batch):
                    self._rests_until = now + RETRY_SECONDS
                    return
                for key in batch:
                    del self._waiting[key]
                    self._sent[key] = now
        self._sent = {key: sent for key, sent in self._sent.items() if sent > now - PACE_SECONDS}

    async def _publish(self, namespace: Namespace, team: TeamId, keys: Sequence[_Key]) -> bool:
        ids = [key for _, _, key in keys]
        async with self._store.log_pool.connection() as connection:
            rows = await _rows(connection, namespace, team, ids)
        data = [row.model_dump_json().encode() for row in rows]
        try:
            await self._store.broker.publish_feed(feed_channel(namespace, team), data)
        except Unavailable:
            return False
        return True

    def _wait(self, touched: Touched, *, position: int) -> None:
        key = (touched.feed, touched.team, touched.key)
        now = monotonic()
        due = now if touched.is_urgent else max(now, self._sent.get(key, 0.0) + PACE_SECONDS)
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = _Waiting(due, position)
        else:
            waiting.due = min(waiting.due, due)

    async def _read_saved(self) -> int:
        async with self._store.log_pool.connection() as connection:
            cursor = await connection.execute("SELECT position FROM feed_position")
            row = await cursor.fetchone()
        return row[0] if row else 0

    async def _save(self) -> None:
        published = min(
            (waiting.position for waiting in self._waiting.values()), default=self._noted
        )
        now = monotonic()
        if self._has_forgotten or published <= self._saved or now < self._saved_at + SAVE_SECONDS:
            return
        async with self._store.log_pool.connection() as connection:
            await connection.execute(_SAVE, {"position": published})
        self._saved, self._saved_at = published, now


def _feed(key: _Key) -> tuple[Namespace, TeamId]:
    return key[0], key[1]


def _batches(keys: list[_Key]) -> Iterator[list[_Key]]:
    for start in range(0, len(keys), ROWS_AT_ONCE):
        yield keys[start : start + ROWS_AT_ONCE]


def _touched_by(event: Followed) -> Iterator[Touched]:
    """The rows an event may have changed, told from its type alone."""
    if event.type.startswith("agent."):
        yield Touched(Namespace.AGENTS, event.team, event.stream, is_urgent=True)
    else:
        yield Touched(Namespace.TASKS, event.team, event.stream, is_urgent=True)
    minute = event.time.replace(second=0, microsecond=0).isoformat()
    yield Touched(Namespace.OVERVIEW, event.team, minute, is_urgent=False)


async def _rows(
    connection: Connection, namespace: Namespace, team: TeamId, keys: Sequence[str]
) -> Sequence[BaseModel]:
    match namespace:
        case Namespace.TASKS:
            return await task_rows(connection, keys)
        case Namespace.AGENTS:
            return await agent_rows(connection, keys)
        case Namespace.OVERVIEW:
            return await moments(connection, team, keys)
        case Namespace.TASK | Namespace.AGENT | Namespace.KNOWLEDGE:
            raise ValueError(f"{namespace} is no feed of a projection")
        case _:
            assert_never(namespace)


# synchronous_commit off: a note that is lost only publishes some rows twice.
_SAVE = """
    WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE feed_position
    SET position = greatest(position, %(position)s)
    FROM fast
"""
