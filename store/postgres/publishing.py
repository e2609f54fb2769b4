"""After the commit: tells whoever watches, once an event, without anybody waiting for it.

Batches wait in a bounded queue and are encoded while the writer waits for Postgres. When the broker
is too slow the oldest are dropped and counted, and the hubs' check of the heads finds what was not
told.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import msgspec
from anyio.lowlevel import checkpoint
from msgspec import Struct

from protocols.events import KINDS, join
from protocols.principals import Actor
from store.postgres.appends import NAMES, Entry
from store.postgres.counters import Counters

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_WAITING_BATCHES = 1000

Frame = tuple[str, bytes]
_Run = tuple[str, int, list[bytes]]  # channel, first version, lines
_json = msgspec.json.Encoder().encode
_BEGINNINGS = {name.encode(): b'{"type":"%b","version":' % name.encode() for name in KINDS}


class Publisher(Protocol):
    """Where frames go."""

    async def publish_frames(self, frames: Sequence[Frame], *, position: int) -> None:
        """Tells watchers of these channels, in order; bounded in time, never raises."""
        ...


class Written(Struct, frozen=True):
    """One append that is in the log; `version` is of its last event."""

    entry: Entry
    version: int
    time: datetime


class Commit(Struct, frozen=True):
    """One batch that is in the log.

    Attributes:
        position: Of its last event.
        events: How many there are.
        size: Bytes of their heads and bodies.
    """

    written: list[Written]
    position: int
    events: int
    size: int


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
    """One frame a channel, or more where another writer's events lie between ours."""
    runs: list[_Run] = []
    last: dict[str, _Run] = {}
    for commit in commits:
        time, encoded_time = None, b""
        for written in commit.written:
            if written.time is not time:  # one for all, but for repeats
                time = written.time
                encoded_time = b',"time":' + _json(time)
            entry = written.entry
            first = written.version - len(entry.events) + 1
            lines = lines_of(entry, first=first, time=encoded_time)
            channel = channel_of(entry)
            run = last.get(channel)
            if run is not None and run[1] + len(run[2]) == first:
                run[2].extend(lines)
            elif channel:
                last[channel] = run = (channel, first, lines)
                runs.append(run)
    head = epoch.encode()
    return [
        (channel, b"%b %d\n%b" % (head, first, b"\n".join(lines))) for channel, first, lines in runs
    ]


def channel_of(entry: Entry) -> str:
    """The channel that is the stream; empty where there is none."""
    name = NAMES.get(entry.append.kind)
    return f"{name}:{entry.append.stream}" if name else ""


def lines_of(entry: Entry, *, first: int, time: bytes) -> list[bytes]:
    """The envelopes of an append's events, byte for byte as `protocols.events.envelope` gives them.

    Put together from ready pieces, which takes half the time; `time` is encoded already.
    """
    writer = _writer(entry.append.actor, entry.append.attempt)
    lines: list[bytes] = []
    for _, kind, head, body in entry.events:
        data = join(head, body)
        lines.append(b"".join((_BEGINNINGS[kind], b"%d" % first, time, writer, data, b"}")))
        first += 1
    return lines


@lru_cache(maxsize=1024)
def _writer(actor: Actor, attempt: int) -> bytes:
    return b',"actor":%b,"attempt":%d,"data":' % (_json(actor), attempt)
