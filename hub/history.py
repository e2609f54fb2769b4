"""What a channel's past is read from: the log for streams, Redis for feeds.

Both keep one promise, so that catching up is written once. Streams are read in aligned blocks that
are kept for a while and fetched once however many ask: a thousand late readers cost a few queries.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from protocols.channels import Channel, Publication, StreamPosition
from protocols.errors import NotFound, Unavailable
from protocols.events import Event, StreamId, envelope
from protocols.principals import TeamId
from store.postgres.event_log import EventLog
from store.redis.broker import Broker

BLOCK_EVENTS = 256
CACHE_BYTES = 32 * 1024 * 1024
PAGE_BYTES = 256 * 1024
READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Top:
    """Where a channel stands, and whose it is."""

    epoch: str
    offset: int
    team: TeamId


class History(Protocol):
    """One channel's past."""

    async def top(self) -> Top:
        """Where it stands now.

        Raises:
            NotFound: There is no such stream.
            Unavailable: The store is out of reach.
        """
        ...

    async def page(self, *, epoch: str, after: int, top: int) -> Sequence[Publication] | None:
        """The next publications after an offset below `top`: at most PAGE_BYTES, but at least one.

        Args:
            epoch: That the offset belongs to.
            after: Exclusive.
            top: An offset known to exist; what lies up to it no longer changes.

        Returns:
            None when it cannot be proved that nothing is missing.

        Raises:
            Unavailable: The store is out of reach.
        """
        ...


@dataclass(slots=True)
class _Flight:
    """A query under way, and who waits for it."""

    landed: anyio.Event = field(default_factory=anyio.Event)
    publications: list[Publication] | None = None


class Blocks:
    """Recently read parts of streams, bounded in bytes, the least recently used forgotten first."""

    def __init__(self, log: EventLog, group: TaskGroup) -> None:
        self._log = log
        self._group = group
        self._kept: OrderedDict[tuple[str, int], list[Publication]] = OrderedDict()
        self._kept_bytes = 0
        self._flights: dict[tuple[str, int, int], _Flight] = {}
        self.hits = 0
        self.reads = 0

    async def after(self, stream: StreamId, offset: int, *, top: int) -> list[Publication]:
        """Publications after an offset, up to the end of its block.

        Raises:
            Unavailable: The log could not be read.
        """
        number = offset // BLOCK_EVENTS
        start, end = number * BLOCK_EVENTS, (number + 1) * BLOCK_EVENTS
        if end > top:  # still being written: not kept
            return await self._fetch(stream, offset, end)

        block = self._kept.get((stream, number))
        if block is None:
            block = await self._fetch(stream, start, end)
            self._keep((stream, number), block)
        else:
            self._kept.move_to_end((stream, number))
            self.hits += 1
        return [publication for publication in block if publication.offset > offset]

    async def _fetch(self, stream: StreamId, start: int, end: int) -> list[Publication]:
        key = (stream, start, end)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            self._group.start_soon(self._fly, key, flight)
        await flight.landed.wait()
        if flight.publications is None:
            raise Unavailable("the log is out of reach; positions are kept")
        return flight.publications

    async def _fly(self, key: tuple[StreamId, int, int], flight: _Flight) -> None:
        stream, start, end = key
        self.reads += 1
        try:
            with anyio.fail_after(READ_SECONDS):
                events = await self._log.read(stream, after=start, limit=end - start)
            flight.publications = [
                publication_of(event) for event in events if event.version <= end
            ]
        except (Unavailable, TimeoutError):
            pass  # told to each who waits
        finally:
            del self._flights[key]
            flight.landed.set()

    def _keep(self, key: tuple[str, int], block: list[Publication]) -> None:
        if key in self._kept:
            return
        self._kept[key] = block
        self._kept_bytes += _size(block)
        while self._kept_bytes > CACHE_BYTES:
            _, forgotten = self._kept.popitem(last=False)
            self._kept_bytes -= _size(forgotten)


class StreamHistory:
    """The past of a stream of the log: everything, always."""

    def __init__(self, log: EventLog, blocks: Blocks, stream: StreamId) -> None:
        self._log = log
        self._blocks = blocks
        self._stream = stream

    async def top(self) -> Top:
        """See `History`."""
        head = await self._log.head(self._stream)
        if head is None:
            raise NotFound(f"there is no stream {self._stream}")
        return Top(self._log.epoch, head.version, head.team)

    async def page(self, *, epoch: str, after: int, top: int) -> Sequence[Publication] | None:
        """See `History`. Versions of compacted deltas are skipped."""
        if epoch != self._log.epoch:
            return None
        while True:
            found = await self._blocks.after(self._stream, after, top=top)
            end = (after // BLOCK_EVENTS + 1) * BLOCK_EVENTS
            if found:
                return _cut(found)
            if end >= top:
                return None  # the last event of a stream is never compacted
            after = end  # a block of which nothing is left


class FeedHistory:
    """The past of a feed: its last publications, as long as Redis keeps them."""

    def __init__(self, broker: Broker, channel: Channel) -> None:
        self._broker = broker
        self._name = str(channel)
        self._team = channel.team or TeamId(0)

    async def top(self) -> Top:
        """See `History`."""
        page = await self._broker.read_feed(self._name, after=None, limit=0)
        return Top(page.epoch, page.top, self._team)

    async def page(self, *, epoch: str, after: int, top: int) -> Sequence[Publication] | None:
        """See `History`. All of it at once: it is short."""
        page = await self._broker.read_feed(self._name, after=StreamPosition(epoch, after))
        return page.publications if page.is_complete and page.top >= top else None


def publication_of(event: Event) -> Publication:
    """The event as its channel publishes it."""
    return Publication(event.version, envelope(event))


def _cut(publications: list[Publication]) -> list[Publication]:
    size = 0
    for index, publication in enumerate(publications):
        size += len(publication.data)
        if size > PAGE_BYTES and index:
            return publications[:index]
    return publications


def _size(block: list[Publication]) -> int:
    return sum(len(publication.data) + 100 for publication in block)
