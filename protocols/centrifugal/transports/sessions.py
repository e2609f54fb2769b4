"""Which streams are open in this process, and the way in to each: an inbox, known by a secret.

A stream's client cannot write to it. It sends its commands by requests of their own, each of which
names the session; whoever knows the secret is taken for the client. Requests and answers are not
known here.
"""

import secrets
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from protocols.errors import NotFound, Unavailable

SECRET_BYTES = 24
MAX_WAITING = 128  # frames: as many as a page subscribes to channels
MAX_WAITING_BYTES = 256 * 1024


class Inbox:
    """Frames in the order they came, until they are read; bounded in number and bytes.

    Args:
        first: The frame the stream was opened with; however large it is.
    """

    def __init__(self, first: bytes) -> None:
        self._frames = deque([first])
        self._size = len(first)
        self._filled = anyio.Event()

    def put(self, frame: bytes) -> bool:
        """Queue it, unless too much waits."""
        if len(self._frames) >= MAX_WAITING or self._size + len(frame) > MAX_WAITING_BYTES:
            return False
        self._frames.append(frame)
        self._size += len(frame)
        self._filled.set()
        return True

    async def take(self) -> bytes:
        """The next one, once it is there."""
        while not self._frames:
            self._filled = anyio.Event()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._size -= len(frame)
        return frame


class Sessions:
    """Every open stream.

    Attributes:
        node: What this process is called by its clients; new with each start, and tells nothing.
    """

    def __init__(self) -> None:
        self.node = secrets.token_hex(8)
        self._inboxes: dict[str, Inbox] = {}

    @contextmanager
    def opened(self, inbox: Inbox) -> Generator[str]:
        """The secret under which the inbox is filled until the end of the block."""
        session = secrets.token_urlsafe(SECRET_BYTES)
        self._inboxes[session] = inbox
        try:
            yield session
        finally:
            del self._inboxes[session]

    def put(self, session: str, frame: bytes, *, node: str) -> None:
        """Queue what a client sent.

        Raises:
            NotFound: There is no such session here, whether or not there is one elsewhere.
            Unavailable: Too much of it waits to be read.
        """
        inbox = self._inboxes.get(session) if node == self.node else None
        if inbox is None:
            raise NotFound("there is no such session here; connect again")
        if not inbox.put(frame):
            raise Unavailable(
                f"the session has {MAX_WAITING} frames or {MAX_WAITING_BYTES} bytes waiting"
            )
