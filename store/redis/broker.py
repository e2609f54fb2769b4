r"""Publishing: frames of the log as wake-ups, and feeds with a bounded history.

A frame is `<epoch> <first offset>\n` and then one publication a line, offsets dense; nobody parses
a line on the way. Frames of the log may be lost here without harm: who watches compares positions
with the log. A feed's publications are recoverable only from the history kept beside them.
"""

import logging
import secrets
import string
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import cast

import anyio
import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from protocols.channels import Publication, StreamPosition
from protocols.errors import InvalidRequest, Unavailable
from store.redis.answers import Answers
from store.redis.connection import Script, open_pool
from store.redis.keys import LOG, Keys
from store.redis.listener import Listener, open_listener
from store.redis.roll import Roll

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
RETRY_PAUSE_SECONDS = 0.02
REST_SECONDS = 0.5  # after a failed publish, frames are dropped at once for so long
FEED_ENTRIES = 500
FEED_HISTORY_SECONDS = 24 * 3600
FEED_META_SECONDS = 30 * 24 * 3600
EPOCH_LETTERS = 8
MAX_DIGITS = 19  # of an offset

_FeedAnswer = tuple[bytes, int, list[tuple[bytes, tuple[bytes, bytes]]]]


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    frames_published: int = 0
    frames_lost: int = 0
    feed_publications: int = 0


@dataclass(frozen=True, slots=True)
class FeedPage:
    """What a feed's history knows after a position.

    Attributes:
        epoch: Of the feed, now.
        top: Its last offset.
        publications: Those after the asked position that are still kept, oldest first.
        is_complete: Whether nothing is missing between the asked position and `top`.
    """

    epoch: str
    top: int
    publications: list[Publication]
    is_complete: bool


class Broker:
    """What processes tell one another through one Redis.

    Attributes:
        keys: The names used there.
        counters: What happened since the start.
        roll: The processes that say they are there.
        answers: Of workers, to somebody who waits.
    """

    def __init__(self, pool: BlockingConnectionPool, keys: Keys) -> None:
        self.keys = keys
        self.counters = Counters()
        self._pool = pool
        self._client = Redis(connection_pool=pool)
        self.roll = Roll(self._client, keys)
        self.answers = Answers(self._client, keys)
        self._publish_frames = Script(self._client, "publish_frames")
        self._publish_feed = Script(self._client, "publish_feed")
        self._read_feed = Script(self._client, "read_feed")
        self._order = anyio.Lock()
        self._rests_until = 0.0

    async def publish_frames(self, frames: Sequence[tuple[str, bytes]], *, position: int) -> None:
        """Wake whoever watches these channels, and whoever follows the log.

        One call to Redis for all, in order. Retried for a second; then, and for a short while
        after, frames are counted as lost. Never raises, never waits longer than two seconds.

        Args:
            frames: Channel and frame, as `make_frame` gives it.
            position: The last committed position of the log.
        """
        arguments: list[str | bytes] = []
        for channel, frame in frames:
            arguments += (self.keys.pubsub(channel), frame)
        arguments += (self.keys.pubsub(LOG), str(position))

        async with self._order:
            if monotonic() >= self._rests_until and await self._insist(arguments):
                self.counters.frames_published += len(frames)
            else:
                self.counters.frames_lost += len(frames)

    async def _insist(self, arguments: list[str | bytes]) -> bool:
        deadline = monotonic() + RETRY_SECONDS
        while True:
            try:
                await self._publish_frames((), arguments)
            except (RedisError, OSError) as error:
                if monotonic() < deadline:
                    await anyio.sleep(RETRY_PAUSE_SECONDS)
                    continue
                if not self._rests_until:
                    reason = type(error).__name__
                    logger.warning("frames are not published", extra={"reason": reason})
                self._rests_until = monotonic() + REST_SECONDS
                return False
            if self._rests_until:
                logger.info("frames are published again")
            self._rests_until = 0.0
            return True

    async def publish_feed(self, channel: str, data: Sequence[bytes]) -> None:
        """Add rows to a feed and tell who watches it, in one step.

        Repeating it after `Unavailable` may publish twice; rows carry their own version.

        Raises:
            Unavailable: Redis did not answer; it may have been done.
        """
        if not data:
            return
        keys = (self.keys.meta(channel), self.keys.history(channel))
        try:
            await self._publish_feed(
                keys,
                (
                    self.keys.pubsub(channel),
                    _new_epoch(),
                    FEED_ENTRIES,
                    FEED_HISTORY_SECONDS,
                    FEED_META_SECONDS,
                    *data,
                ),
            )
        except (RedisError, OSError) as error:
            raise Unavailable("Redis is out of reach; the feed was not published") from error
        self.counters.feed_publications += len(data)

    async def read_feed(
        self, channel: str, *, after: StreamPosition | None, limit: int = FEED_ENTRIES
    ) -> FeedPage:
        """The feed's top, and what follows `after`; its epoch is made when it has none.

        Args:
            channel: A feed's name.
            after: None: only the position. An empty epoch counts as equal.
            limit: At most so many; a page cut short is not complete.

        Raises:
            Unavailable: Redis did not answer.
        """
        keys = (self.keys.meta(channel), self.keys.history(channel))
        count, offset = (limit, after.offset) if after else (0, 0)
        try:
            answer = await self._read_feed(keys, (_new_epoch(), FEED_META_SECONDS, count, offset))
        except (RedisError, OSError) as error:
            raise Unavailable("Redis is out of reach; the feed cannot be read") from error

        name, top, entries = msgspec.convert(answer, _FeedAnswer)
        epoch = name.decode()
        found = [Publication(_offset(entry), data) for entry, (_, data) in entries]
        if after is None or after.epoch not in ("", epoch):
            return FeedPage(epoch, top, [], is_complete=False)
        is_complete = _reaches(found, after=after.offset, top=top)
        return FeedPage(epoch, top, found, is_complete=is_complete)

    def listen(self) -> AbstractAsyncContextManager[Listener]:
        """A pub/sub connection of its own, which reconnects by itself."""
        return open_listener(self._pool, self.keys)

    async def ping(self) -> float:
        """Seconds until Redis answered.

        Raises:
            Unavailable: It did not.
        """
        started = monotonic()
        try:
            await self._client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]  untyped **options
        except (RedisError, OSError) as error:
            raise Unavailable("Redis is out of reach") from error
        return monotonic() - started

    async def server(self) -> str:
        """Which server it is, and its version: `Valkey 9.1.0`.

        Raises:
            Unavailable: It did not answer.
        """
        try:
            asked = self._client.info("server")  # pyright: ignore[reportUnknownMemberType]  untyped **kwargs
            said = cast("dict[str, object]", await cast("Awaitable[object]", asked))
        except (RedisError, OSError) as error:
            raise Unavailable("Redis is out of reach") from error
        if "valkey_version" in said:
            return f"Valkey {said['valkey_version']}"
        return f"Redis {said.get('redis_version', 'unknown')}"


@asynccontextmanager
async def open_broker(url: str, *, prefix: str) -> AsyncGenerator[Broker]:
    """A broker for this Redis, which may be away.

    Raises:
        InvalidRequest: The url is not one of Redis.
    """
    async with open_pool(url) as pool:
        yield Broker(pool, Keys(prefix))


def make_frame(epoch: str, first: int, lines: Sequence[bytes]) -> bytes:
    """Publications with dense offsets from `first`, each one line of JSON."""
    return b"%s %d\n%s" % (epoch.encode(), first, b"\n".join(lines))


def parse_frame(frame: bytes) -> tuple[str, int, list[bytes]]:
    """Epoch, first offset and lines of a frame; its lines stay unparsed.

    Raises:
        InvalidRequest: This is no frame.
    """
    head, _, lines = frame.partition(b"\n")
    epoch, _, first = head.partition(b" ")
    is_offset = first.isdigit() and len(first) <= MAX_DIGITS
    if not lines or not epoch.isascii() or not is_offset:
        raise InvalidRequest(f"a frame starts with an epoch and an offset, not with {head[:40]!r}")
    return epoch.decode(), int(first), lines.split(b"\n")


def _reaches(found: list[Publication], *, after: int, top: int) -> bool:
    if not found:
        return top == after
    return found[0].offset == after + 1 and found[-1].offset == top


def _offset(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])


def _new_epoch() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(EPOCH_LETTERS))
