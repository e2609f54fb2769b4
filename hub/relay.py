"""Redis to the fan-out, and the safety net below it: nothing that Redis loses is lost to a reader.

Frames only say that there is more. Every two seconds the heads of watched streams that are quiet
are compared with what is known here, thousands in one statement; all of them after Redis was away;
and every quarter of a second while it is, if they are few. Feeds and channels of applications are
kept by Redis alone: they are compared with it every few seconds, and after it was away.
"""

import logging
from time import monotonic

import anyio

from hub.attendance import Attendance
from hub.fanout import Fanout, understand
from hub.subscriber import Watched
from protocols.channels import StreamPosition
from protocols.errors import NotFound, Unavailable
from protocols.events import StreamId
from store.postgres.log.event_log import EventLog
from store.redis.application import Application
from store.redis.listener import Listener, Reconnected

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
QUIET_SECONDS = 0.1  # a channel that moved since then has its next frame to tell of a loss
BLIND_LOOK_SECONDS = 0.25
FEW_CHANNELS = 1000
HEADS_AT_ONCE = 5000
FEED_LOOK_SECONDS = 3.0  # the look after it comes within five, which is what is promised
FEEDS_PER_SECOND = 2000  # of very many each has its turn later: a look costs Redis something
POSITIONS_AT_ONCE = 256


class Relay:
    """Keeps the fan-out's tops true."""

    def __init__(
        self,
        log: EventLog,
        application: Application,
        listener: Listener,
        fanout: Fanout,
        attendance: Attendance,
    ) -> None:
        self._log = log
        self._application = application
        self._listener = listener
        self._fanout = fanout
        self._attendance = attendance
        self._look_now = anyio.Event()
        self._sees_all = False
        self._feeds_due = 0.0
        self._is_blind = False

    async def hear(self) -> None:
        """Pass frames on, until cancelled."""
        async for heard in self._listener:
            if isinstance(heard, Reconnected):
                self._sees_all = True
                self._look_now.set()
                self._attendance.renew_now()
            else:
                understand(self._fanout, *heard)

    async def look(self) -> None:
        """Compare positions again and again, until cancelled."""
        while True:
            with anyio.move_on_after(self._pause()):
                await self._look_now.wait()
            self._look_now = anyio.Event()
            sees_all, self._sees_all = self._sees_all, False
            try:
                await self._compare_streams(all_of_them=sees_all)
                await self._compare_with_redis(all_of_them=sees_all)
            except Unavailable as error:
                self._sees_all = True
                if not self._is_blind:
                    logger.warning("watched heads are not compared", extra={"reason": str(error)})
                self._is_blind = True
            except Exception:  # the net must hold, whatever one look ran into
                logger.exception("watched heads are not compared")
                self._sees_all = True
            else:
                self._is_blind = False
            await self._fanout.sweep()

    def _pause(self) -> float:
        is_few = sum(1 for _ in self._fanout) <= FEW_CHANNELS
        return BLIND_LOOK_SECONDS if is_few and not self._listener.is_connected else LOOK_SECONDS

    async def _compare_streams(self, *, all_of_them: bool) -> None:
        lately = monotonic() - QUIET_SECONDS
        suspects: list[Watched] = []
        for watched in self._fanout:
            if not watched.channel.is_logged or not watched.subscribers:
                continue
            if watched.epoch != self._log.epoch:
                self._fanout.lose(watched)
            elif all_of_them or watched.heard_at < lately:
                suspects.append(watched)
        for start in range(0, len(suspects), HEADS_AT_ONCE):
            await self._compare_heads(suspects[start : start + HEADS_AT_ONCE])

    async def _compare_heads(self, suspects: list[Watched]) -> None:
        tops = [watched.top for watched in suspects]  # they move on while the heads are read
        heads = await self._log.heads([StreamId(one.channel.key) for one in suspects])
        for watched, top in zip(suspects, tops, strict=True):
            head = heads.get(StreamId(watched.channel.key))
            if head is None or head.version < top:
                self._fanout.lose(watched)  # the log was restored to an earlier moment
            else:
                self._fanout.aim(watched, head.version)

    async def _compare_with_redis(self, *, all_of_them: bool) -> None:
        if not self._listener.is_connected or not (all_of_them or monotonic() >= self._feeds_due):
            return
        kept = [one for one in self._fanout if one.subscribers and not one.channel.is_logged]
        pause = max(FEED_LOOK_SECONDS, len(kept) / FEEDS_PER_SECOND)
        self._feeds_due = monotonic() + pause
        try:
            await self._compare_feeds([one for one in kept if not one.channel.application])
            await self._compare_channels(
                [one for one in kept if one.channel.application and one.channel.has_history]
            )
        except (NotFound, Unavailable):
            self._feeds_due = 0.0

    async def _compare_feeds(self, feeds: list[Watched]) -> None:
        for watched in feeds:
            known = watched.top
            top = await watched.history.top()
            self._compare(watched, StreamPosition(top.epoch, top.offset), known=known)

    async def _compare_channels(self, channels: list[Watched]) -> None:
        for start in range(0, len(channels), POSITIONS_AT_ONCE):
            some = channels[start : start + POSITIONS_AT_ONCE]
            tops = [watched.top for watched in some]
            positions = await self._application.positions([(one.team, one.name) for one in some])
            for watched, known, position in zip(some, tops, positions, strict=True):
                if isinstance(position, Unavailable):
                    raise position
                self._compare(watched, position, known=known)

    def _compare(self, watched: Watched, position: StreamPosition, *, known: int) -> None:
        if watched.is_closed:
            return
        if position.epoch != watched.epoch or position.offset < known:
            self._fanout.lose(watched)
        else:
            self._fanout.aim(watched, position.offset)
