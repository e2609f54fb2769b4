"""After the commit: tells whoever watches, once an event, without anybody waiting for it.

Batches wait in a bounded queue and are encoded while the writer waits for Postgres. When the broker
is too slow the oldest are dropped and counted, and the hubs' check of the heads finds what was not
told.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import msgspec
from anyio.lowlevel import checkpoint

from protocols.event_encoding import join
from protocols.events import KINDS
from protocols.principals import Actor
from store.postgres.log.appends import NAMES, Answer, Entry
from store.postgres.log.counters import Counters

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_WAITING_BATCHES = 1000
EMPTY = len(b"{}")

Frame = tuple[str, bytes]
Written = tuple[Entry, Answer]
_json = msgspec.json.Encoder().encode
_CHANNELS = {kind: f"{name}:" for kind, name in NAMES.items()}
_BEGINNINGS = {name.encode(): b'\n{"type":"%b","version":' % name.encode() for name in KINDS}


class Publisher(Protocol):
    """Where frames go."""

    async def publish_frames(self, frames: Sequence[Frame], *, position: int) -> None:
        """Tells watchers of these channels, in order; bounded in time, never raises."""
        ...


class Commit:
    """One batch that is in the log: its appends with their answers."""

    __slots__ = ("events", "position", "size", "written")

    def __init__(self, written: Sequence[Written]) -> None:
        self.written = written
        self.position = max([answer.position for _, answer in written])
        self.events = sum([len(entry.events) for entry, _ in written])
        self.size = sum([entry.size for entry, _ in written])


class Publication:
    """The queue between the writer and the broker."""

    def __init__(self, publisher: Publisher, counters: Counters) -> None:
        self._publisher = publisher
        self._counters = counters
        self._waiting: deque[Commit] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    def add(self, commit: Commit) -> None:
        """Puts a batch into the queue; never waits, never fails."""
        self._waiting.append(commit)
        self._bytes += commit.size
        while self._bytes > MAX_WAITING_BYTES or len(self._waiting) > MAX_WAITING_BATCHES:
            dropped = self._waiting.popleft()
            self._bytes -= dropped.size
            self._counters.unpublished += dropped.events
        self._wake.set()

    async def run(self, epoch: "EpochSource") -> None:
        """Publishes what waits, until cancelled."""
        while True:
            await self._wake.wait()
            # Those who were acknowledged append again first, so that their batch is on its way
            # and this is encoded while Postgres works.
            await checkpoint()
            await self.flush(epoch)

    async def flush(self, epoch: "EpochSource") -> None:
        """Publishes what waits now."""
        commits = [*self._waiting]
        self._waiting.clear()
        self._bytes = 0
        self._wake.clear()
        if commits:
            frames = frames_of(commits, epoch=epoch.epoch)
            await self._publisher.publish_frames(frames, position=commits[-1].position)
            self._counters.published += sum(commit.events for commit in commits)


class EpochSource(Protocol):
    """Knows the epoch."""

    @property
    def epoch(self) -> str:
        """As it is now."""
        ...


def frames_of(commits: Sequence[Commit], *, epoch: str) -> list[Frame]:
    """One frame a channel, or more where another writer's events lie between ours.

    Put together from ready pieces, because it is done for every event: an event's line is byte for
    byte what `event_encoding.envelope` gives, in a third of the time. All in one function and
    without an object a frame, because calls and objects made it take twice as long.
    """
    named = epoch.encode() + b" "
    frames: list[tuple[str, list[bytes]]] = []
    open_frames: dict[str, list[bytes]] = {}
    reached: dict[str, int] = {}  # versions, by channel
    for commit in commits:
        time, encoded_time = None, b""
        for entry, answer in commit.written:
            if answer.time is not time:  # one for all, but for repeats
                time, encoded_time = answer.time, b',"time":' + _json(answer.time)
            append = entry.append
            beginning = _CHANNELS.get(append.kind)
            if beginning is None:
                continue
            channel = beginning + append.stream
            version = answer.version - len(entry.events)
            pieces = open_frames[channel] if reached.get(channel) == version else None
            reached[channel] = answer.version
            writer = _writer(append.actor, append.attempt)
            for _, kind, head, body in entry.events:
                version += 1
                number = b"%d" % version
                if pieces is None:
                    pieces = open_frames[channel] = [named, number]
                    frames.append((channel, pieces))
                pieces += (_BEGINNINGS[kind], number, encoded_time, writer)
                if head is None or body is None or len(head) <= EMPTY or len(body) <= EMPTY:
                    pieces += (join(head, body), b"}")
                else:  # what `join` gives, without copying it twice: a tenth of all
                    pieces += (head[:-1], b",", body[1:], b"}")
    return [(channel, b"".join(pieces)) for channel, pieces in frames]


@lru_cache(maxsize=1024)
def _writer(actor: Actor, attempt: int) -> bytes:
    return b',"actor":%b,"attempt":%d,"data":' % (_json(actor), attempt)
