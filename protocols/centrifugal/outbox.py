"""What waits to be written to one socket: bounded in bytes, several messages to a frame.

Whoever fills it never waits. Publications are refused above a mark, to be read from the history
later, or are kept apart, only the newest for each slot; answers are only refused when the whole is
full, and then the socket is too slow to keep.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Hashable

import anyio

MAX_BYTES = 1024 * 1024
HIGH_BYTES = 256 * 1024  # publications fall back to the history above it
LOW_BYTES = 64 * 1024  # and are read from there again below it
FRAME_BYTES = 64 * 1024
FRAME_MESSAGES = 64
WRITE_SECONDS = 10.0


class Outbox:
    """Messages in order, one or more at a time; `run` writes them.

    Args:
        separator: Between two messages of a frame.

    Attributes:
        size: Of what waits in order, in bytes.
        skipped: How many publications others took the place of, as who fills it counts them.
    """

    def __init__(self, separator: bytes) -> None:
        self.size = 0
        self.skipped = 0
        self._separator = separator
        self._messages: deque[bytes] = deque()
        self._apart: dict[Hashable, Callable[[], bytes]] = {}
        self._is_closed = False
        self._is_cut = False  # a frame was taken and perhaps not written
        self._filled = anyio.Event()
        self._drained = anyio.Event()

    def put(self, message: bytes) -> bool:
        """Queue an answer; False if that would be more than MAX_BYTES."""
        if self._messages and self.size + len(message) > MAX_BYTES:
            return False
        self._append(message)
        return True

    def offer(self, message: Callable[[], bytes]) -> bool:
        """Queue publications unless more than HIGH_BYTES wait; however large they are."""
        if self.size > HIGH_BYTES or self._is_closed:
            return False
        self._append(message())
        return True

    def keep_newest(self, slot: Hashable, message: Callable[[], bytes]) -> bool:
        """Keep publications apart, to be spelled and queued once less than LOW_BYTES wait.

        Returns:
            Whether they took the place of others, which are never written.
        """
        is_instead = slot in self._apart
        self._apart[slot] = message
        return is_instead

    def has_room_for(self, slot: Hashable) -> bool:
        """Whether publications need not be kept apart, nor wait behind others of their slot."""
        return self.size <= HIGH_BYTES and slot not in self._apart

    def forget(self, slot: Hashable) -> None:
        """What was kept for it is not written any more."""
        self._apart.pop(slot, None)

    async def room(self) -> None:
        """Return once less than LOW_BYTES wait, or nothing will be written any more."""
        while self.size >= LOW_BYTES and not self._is_closed:
            if self._drained.is_set():  # else others wait for it already: one a subscription
                self._drained = anyio.Event()
            await self._drained.wait()

    async def run(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write frames as they fill, until cancelled.

        Raises:
            TimeoutError: The socket took nothing for WRITE_SECONDS.
        """
        while True:
            while not self._messages:
                self._filled = anyio.Event()
                await self._filled.wait()
            await self._write_frame(write)

    async def flush(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write what waits, and no more; nothing after a frame that may be missing."""
        while self._messages and not self._is_cut:
            await self._write_frame(write)

    def close(self) -> None:
        """Let go of who waits for room; what is kept apart is still written, if anything is."""
        self._is_closed = True
        self._drained.set()

    async def _write_frame(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        frame = [self._messages.popleft()]
        size = len(frame[0])
        while self._messages and len(frame) < FRAME_MESSAGES:
            if size + len(self._messages[0]) > FRAME_BYTES:
                break
            frame.append(self._messages.popleft())
            size += len(frame[-1])
        self._is_cut = True
        with anyio.fail_after(WRITE_SECONDS):
            await write(self._separator.join(frame))
        self._is_cut = False
        self.size -= size
        if self.size < LOW_BYTES:
            self._take_up()
        if self.size < LOW_BYTES:
            self._drained.set()

    def _take_up(self) -> None:
        """What was kept apart, as far as it fits: who has waited longest comes first."""
        while self._apart and self.size < LOW_BYTES:
            self._append(self._apart.pop(next(iter(self._apart)))())

    def _append(self, message: bytes) -> None:
        self._messages.append(message)
        self.size += len(message)
        self._filled.set()
