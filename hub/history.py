"""What a channel's past is read from: the log for streams, Redis for feeds.

All keep one promise, so that catching up is written once. Streams are read in aligned blocks that
are kept for a while and fetched once however many ask: a thousand late readers cost a few queries.
A block of large events is read in parts, so that no query holds much more than a mebibyte.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from protocols.channels import Channel, Publication, StreamPosition
from protocols.errors import NotFound, Unavailable
from protocols.event_encoding import envelope
from protocols.events import Event, StreamId
from protocols.principals import TeamId
from store.postgres.log.event_log import EventLog
from store.redis.broker import Broker

BLOCK_EVENTS = 256
PART_BYTES = 1024 * 1024  # read at once, and one event more
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


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """All publications after one version, through another: a block, or a part of a large one."""

    after: int
    through: int
    publications: list[Publication]


@dataclass(slots=True)
class _Flight:
    """A query under way, and who waits for it."""

    landed: anyio.Event = field(default_factory=anyio.Event)
    part: _Part | None = None
    failure: Exception | None = None


class Blocks:
    """Recently read parts of streams, bounded in bytes, the least recently used forgotten first."""

    def __init__(self, log: EventLog, group: TaskGroup) -> None:
        self._log = log
        self._group = group
        self._kept: OrderedDict[tuple[str, int], _Part] = OrderedDict()
        self._parts: dict[tuple[str, int], list[_Part]] = {}  # the same, by block
        self._kept_bytes = 0
        self._flights: dict[tuple[str, int, int], _Flight] = {}
        self.hits = 0
        self.reads = 0

    async def after(self, stream: StreamId, offset: int, *, top: int) -> list[Publication]:
        """Publications after an offset, up to the end of its block or as many as are read at once.

        None means that the block has none left.

        Raises:
            Unavailable: The log could not be read; whatever else reading it raises comes as it is.
        """
        start = offset // BLOCK_EVENTS * BLOCK_EVENTS
        end = start + BLOCK_EVENTS
        if end > top:  # still being written: not kept
            return (await self._fetch(stream, offset, end)).publications

        part = self._find(stream, offset)
        if (stream, start) in self._kept:
            self._kept.move_to_end((stream, start))  # it tells that the block is a large one
        elif part is None:
            part = await self._fetch(stream, start, end)
            self._keep(stream, part)
        if part is None or part.through <= offset:  # of a large block, the part that is wanted
            part = await self._fetch(stream, offset, end)
            self._keep(stream, part)
        return [publication for publication in part.publications if publication.offset > offset]

    def _find(self, stream: StreamId, offset: int) -> _Part | None:
        for part in self._parts.get((stream, offset // BLOCK_EVENTS), ()):
            if part.after <= offset < part.through:
                self._kept.move_to_end((stream, part.after))
                self.hits += 1
                return part
        return None

    async def _fetch(self, stream: StreamId, start: int, end: int) -> _Part:
        key = (stream, start, end)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
            self._group.start_soon(self._fly, key, flight)
        await flight.landed.wait()
        if flight.failure is not None:
            raise flight.failure
        if flight.part is None:
            raise Unavailable("the log is out of reach; positions are kept")
        return flight.part

    async def _fly(self, key: tuple[StreamId, int, int], flight: _Flight) -> None:
        stream, start, end = key
        self.reads += 1
        try:
            with anyio.fail_after(READ_SECONDS):
                events = await self._log.read_bounded(
                    stream, after=start, limit=end - start, max_bytes=PART_BYTES
                )
            is_cut = sum(len(event.data) for event in events) >= PART_BYTES
            through = min(events[-1].version, end) if is_cut else end
            found = [publication_of(event) for event in events if event.version <= end]
            flight.part = _Part(start, through, found)
        except (Unavailable, TimeoutError):
            pass  # told to each who waits
        except Exception as error:  # noqa: BLE001  so is this: one stream's trouble must not end the hub
            flight.failure = error
        finally:
            del self._flights[key]
            flight.landed.set()

    def _keep(self, stream: StreamId, part: _Part) -> None:
        if (stream, part.after) in self._kept:
            return
        self._kept[stream, part.after] = part
        self._parts.setdefault((stream, part.after // BLOCK_EVENTS), []).append(part)
        self._kept_bytes += _size(part)
        while self._kept_bytes > CACHE_BYTES:
            (name, after), forgotten = self._kept.popitem(last=False)
            self._kept_bytes -= _size(forgotten)
            block = self._parts[name, after // BLOCK_EVENTS]
            block.remove(forgotten)
            if not block:
                del self._parts[name, after // BLOCK_EVENTS]


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
                return cut(found)
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


def cut(publications: Sequence[Publication]) -> Sequence[Publication]:
    """As many as make a page, but at least one."""
    size = 0
    for index, publication in enumerate(publications):
        size += len(publication.data)
        if size > PAGE_BYTES and index:
            return publications[:index]
    return publications


def _size(part: _Part) -> int:
    return 200 + sum(len(publication.data) + 100 for publication in part.publications)
