"""Channel to local readers: every channel that somebody watches here, and frames handed to all.

Nothing in here waits for a reader. A frame that leaves a gap moves nothing: what is missing is read
from the channel's history first, unless it arrives within a few milliseconds.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic

import anyio
from anyio.abc import TaskGroup

from hub.application_history import ApplicationHistory, NoHistory, published
from hub.delays import Delays
from hub.history import Blocks, FeedHistory, History, StreamHistory
from hub.subscriber import Subscriber, Watched
from hub.tallies import Tallies
from protocols.channels import Channel, Publication
from protocols.errors import InvalidRequest, Unavailable
from protocols.events import StreamId
from protocols.operations.presence import Coming
from protocols.principals import TeamId
from store.postgres.log.event_log import EventLog
from store.redis.application import Application
from store.redis.broker import Broker, parse_frame
from store.redis.comings import is_coming_frame, parse_coming_frame
from store.redis.keys import application_channel
from store.redis.listener import Listener
from store.redis.publications import is_publication_frame, parse_publication_frame

logger = logging.getLogger(__name__)

LATE_SECONDS = 0.02  # a frame overtaken by another one comes within that
RETRY_SECONDS = 0.25
LINGER_SECONDS = 2.0  # a channel nobody watches is kept so long, for who comes back


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    frames: int = 0
    deliveries: int = 0
    gaps: int = 0
    losses: int = 0


class Fanout:
    """All watched channels of this process."""

    def __init__(
        self,
        log: EventLog,
        broker: Broker,
        application: Application,
        listener: Listener,
        group: TaskGroup,
    ) -> None:
        self.counters = Counters()
        self.tallies = Tallies()
        self.delays = Delays()
        self.blocks = Blocks(log, group)
        self._log = log
        self._broker = broker
        self._application = application
        self._listener = listener
        self._group = group
        self._watched: dict[str, Watched] = {}
        self._leaving: dict[str, float] = {}

    def __iter__(self) -> Iterator[Watched]:
        """The open channels."""
        return iter([watched for watched in self._watched.values() if watched.is_open])

    async def join(self, channel: Channel, team: TeamId) -> Watched:
        """The channel, with its top known and its frames flowing (or Redis away).

        Args:
            channel: Of an application: the one that this team has.
            team: Who asks.

        Raises:
            NotFound: There is no such stream.
            Unavailable: Its top is out of reach.
        """
        key = application_channel(team, str(channel)) if channel.application else str(channel)
        while True:
            watched = self._watched.get(key)
            if watched is None:
                watched = Watched(channel, self.history(channel, team), key=key)
                self._watched[key] = watched
                await self._open(watched)
            elif not watched.is_open:
                await watched.opened.wait()
            if watched.is_open:
                return watched

    async def _open(self, watched: Watched) -> None:
        """Listen first, then look where it stands: what comes in between is seen twice, not never.

        Who waits for it tries for itself if this fails or is cancelled.
        """
        try:
            await self._listener.subscribe(watched.key)
            top = await watched.history.top()
            watched.epoch, watched.top, watched.team = top.epoch, top.offset, top.team
            watched.idle_since = monotonic()
            watched.is_open = True
            self.aim(watched, watched.target)
        finally:
            if not watched.is_open:
                self._drop(watched)
            watched.opened.set()

    def history(self, channel: Channel, team: TeamId) -> History:
        """Where the channel's past is read from; an application's is this team's."""
        if channel.application:
            if not channel.has_history:
                return NoHistory(team)
            return ApplicationHistory(self._application, team, str(channel))
        if channel.is_logged:
            return StreamHistory(self._log, self.blocks, StreamId(channel.key))
        return FeedHistory(self._broker, channel)

    def enter(self, subscriber: Subscriber) -> None:
        """Hold the channel for this subscriber."""
        subscriber.watched.subscribers[subscriber] = None
        subscriber.watched.idle_since = None

    def leave(self, subscriber: Subscriber) -> None:
        """The channel is let go after a while, if this was the last one."""
        watched = subscriber.watched
        watched.subscribers.pop(subscriber, None)
        if not watched.subscribers:
            watched.idle_since = monotonic()

    def receive(self, key: str, frame: bytes) -> None:
        """Hand a frame's publications to the readers of its channel.

        Raises:
            InvalidRequest: It is none.
        """
        watched = self._watched.get(key)
        if watched is None:
            return
        self.counters.frames += 1
        if is_coming_frame(frame):
            info, is_join = parse_coming_frame(frame)
            watched.announce(Coming(watched.name, info, is_join=is_join))
            return
        if is_publication_frame(frame):
            self._receive_publication(watched, frame)
            return
        epoch, first, lines = parse_frame(frame)
        if self._continues(watched, epoch, first=first, last=first + len(lines) - 1):
            new = lines[watched.top + 1 - first :]
            top = watched.top
            self._deliver(watched, [Publication(top + n, line) for n, line in enumerate(new, 1)])

    def _receive_publication(self, watched: Watched, frame: bytes) -> None:
        told = parse_publication_frame(frame)
        publication, offset = published(told.publication), told.publication.offset
        if not watched.channel.has_history:
            if watched.is_open:  # a hub that keeps a history of it, by other settings, has offsets
                self._deliver(watched, [replace(publication, offset=0)])
        elif offset == 0:  # published beside the history, for those alone who are there
            if watched.is_open:
                self._count(watched, watched.deliver_beside([publication]))
        elif self._continues(watched, told.epoch, first=offset, last=offset):
            self._deliver(watched, [publication])

    def _continues(self, watched: Watched, epoch: str, *, first: int, last: int) -> bool:
        """Whether publications bring something new and leave nothing out; sees to it if not."""
        if not watched.is_open:
            watched.target = max(watched.target, last)
        elif epoch != watched.epoch:
            self._another_epoch(watched, epoch)
        elif first > watched.top + 1:
            self.counters.gaps += 1
            self.aim(watched, last)
        else:
            return last > watched.top
        return False

    def _another_epoch(self, watched: Watched, epoch: str) -> None:
        """A feed begins anew when Redis forgot it; the log's epoch only the log is asked for."""
        current = self._log.epoch if watched.channel.is_logged else epoch
        if current != watched.epoch:
            self.lose(watched)

    def aim(self, watched: Watched, offset: int) -> None:
        """The channel is known to reach this offset: see that it does here."""
        watched.target = max(watched.target, offset)
        if watched.target > watched.top and not watched.is_filling and not watched.is_closed:
            watched.is_filling = True
            self._group.start_soon(self._fill, watched)

    async def _fill(self, watched: Watched) -> None:
        await anyio.sleep(LATE_SECONDS)
        try:
            while watched.top < watched.target and not watched.is_closed:
                try:
                    page = await watched.history.page(
                        epoch=watched.epoch, after=watched.top, top=watched.target
                    )
                except Unavailable:
                    await anyio.sleep(RETRY_SECONDS)
                    continue
                if page is None:
                    self.lose(watched)
                elif new := [one for one in page if one.offset > watched.top]:
                    self._deliver(watched, new)
        except Exception:  # one channel's trouble must not end the hub
            logger.exception("a channel could not be filled", extra={"channel": watched.name})
            self.lose(watched)
        finally:
            watched.is_filling = False

    def _deliver(self, watched: Watched, publications: list[Publication]) -> None:
        taken = watched.deliver(publications)
        self._count(watched, taken)
        if taken and watched.channel.is_logged:
            self.delays.note(publications[-1].data)

    def _count(self, watched: Watched, taken: int) -> None:
        self.counters.deliveries += taken
        self.tallies.of(watched).deliveries += taken
        watched.deliveries += taken

    def lose(self, watched: Watched) -> None:
        """Its positions mean nothing any more: everybody subscribes again."""
        self.counters.losses += 1
        self._drop(watched)
        for subscriber in list(watched.subscribers):
            subscriber.lose()

    def _drop(self, watched: Watched) -> None:
        watched.is_closed, watched.is_open = True, False
        if self._watched.get(watched.key) is watched:
            del self._watched[watched.key]
            self._leaving[watched.key] = monotonic()

    async def sweep(self) -> None:
        """Let go of channels that nobody has watched for a while."""
        long_ago = monotonic() - LINGER_SECONDS
        for watched in self:
            if watched.idle_since is not None and watched.idle_since < long_ago:
                self._drop(watched)
                self._leaving[watched.key] = long_ago
        for key, since in list(self._leaving.items()):
            if key in self._watched:
                del self._leaving[key]
            elif since <= long_ago:
                del self._leaving[key]
                await self._listener.unsubscribe(key)


def understand(fanout: Fanout, key: str, frame: bytes) -> None:
    """Pass a frame on; what is none is reported and dropped, for the safety net to make good."""
    try:
        fanout.receive(key, frame)
    except InvalidRequest:
        logger.warning("a frame was not understood", extra={"channel": key})
