"""A reader inside this process: an iteration over one channel, for server-sent events and tests.

It holds a bounded number of bytes; who iterates slower than the channel moves makes the
subscription read the history instead, and misses nothing.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

import anyio

from protocols.channels import Publication, StreamPosition
from protocols.operations.channels import Batch, Reset, Subscription
from protocols.operations.presence import Coming

HIGH_BYTES = 256 * 1024
LOW_BYTES = 64 * 1024


class Follower:
    """Keeps the `Reader` promise for `follow`."""

    def __init__(self, top: Callable[[], Awaitable[StreamPosition]]) -> None:
        self._top = top
        self._waiting: deque[Publication] = deque()
        self._size = 0
        self._is_lost = False
        self._is_closed = False
        self._filled = anyio.Event()
        self._drained = anyio.Event()

    def offer(self, batch: Batch) -> bool:
        """See `Reader`."""
        if self._is_closed or self._size > HIGH_BYTES:
            return False
        self._extend(batch.publications)
        return True

    def notice(self, coming: Coming) -> None:
        """See `Reader`: nobody asked."""

    async def room(self) -> None:
        """See `Reader`."""
        while self._size >= LOW_BYTES and not self._is_closed:
            self._drained = anyio.Event()
            await self._drained.wait()

    def lose(self, channel: str) -> None:
        """See `Reader`: the iteration ends with a reset."""
        self._is_lost = True
        self.close()

    def close(self) -> None:
        """End the iteration after what waits."""
        self._is_closed = True
        self._filled.set()
        self._drained.set()

    async def items(
        self, subscription: Subscription, *, after: StreamPosition | None
    ) -> AsyncGenerator[Publication | Reset]:
        """What was missed, then what comes."""
        if after is not None and not subscription.recovered:
            yield Reset(StreamPosition(subscription.epoch, subscription.offset))
        self._extend(subscription.publications)
        subscription.start()
        while True:
            while self._waiting:
                yield self._take()
            if self._is_closed:
                break
            self._filled = anyio.Event()
            await self._filled.wait()
        if self._is_lost:
            yield Reset(await self._top())

    def _take(self) -> Publication:
        publication = self._waiting.popleft()
        self._size -= len(publication.data)
        if self._size < LOW_BYTES:
            self._drained.set()
        return publication

    def _extend(self, publications: Sequence[Publication]) -> None:
        self._waiting.extend(publications)
        self._size += sum(len(publication.data) for publication in publications)
        self._filled.set()
