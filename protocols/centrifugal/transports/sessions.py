"""Which streams are open in this process, and the way in to each: an inbox, known by a secret.

A stream's client cannot write to it. It sends its commands by requests of their own, each of which
names the session and the process that has it; whoever knows the secret is taken for the client. A
request that came to another process is handed over. Requests and answers are not known here.
"""

import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import anyio

from protocols.errors import NotFound, Unavailable

SECRET_BYTES = 24
MAX_WAITING = 128  # frames: as many as a page subscribes to channels
MAX_WAITING_BYTES = 256 * 1024

_NODE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)

HandOver = Callable[[str, str, bytes], Awaitable[None]]  # node, session, frame; raises as `put`


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


async def nowhere(node: str, session: str, frame: bytes) -> None:
    """Hand over where there is no other process.

    Raises:
        NotFound: Always.
    """
    del node, session, frame
    raise unknown()


class Sessions:
    """Every open stream.

    Args:
        node: What this process is called by its clients; new with each start, and tells nothing.
        hand_over: Gives a frame to another process.
    """

    def __init__(self, node: str, hand_over: HandOver = nowhere) -> None:
        self.node = node
        self._hand_over = hand_over
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

    async def put(self, session: str, frame: bytes, *, node: str) -> None:
        """Queue what a client sent, here or where its stream is.

        Raises:
            NotFound: There is no such session on that node, or no such node.
            Unavailable: Too much of it waits to be read; or its process did not answer, and may
                have taken it.
        """
        if not _NODE.fullmatch(node) or not _SESSION.fullmatch(session):
            raise unknown()
        if node == self.node:
            self.take(session, frame)
        else:
            await self._hand_over(node, session, frame)

    def take(self, session: str, frame: bytes) -> None:
        """Queue it here.

        Raises:
            NotFound: There is no such session here.
            Unavailable: Too much of it waits to be read.
        """
        inbox = self._inboxes.get(session)
        if inbox is None:
            raise unknown()
        if not inbox.put(frame):
            raise full()


def unknown() -> NotFound:
    """What is said of a session that is nowhere; the same words for all that may be the reason."""
    return NotFound("there is no such session there; connect again")


def full() -> Unavailable:
    """What is said when too much waits."""
    return Unavailable(f"the session has {MAX_WAITING} frames or {MAX_WAITING_BYTES} bytes waiting")
