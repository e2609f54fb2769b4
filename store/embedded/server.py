"""What Postgres and Valkey have in common as our children: a mark, a start to wait for, an address.

How each is started, and when it answers, is the business of its own module.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio

from protocols.errors import Unavailable
from store.embedded.child import Child
from store.embedded.directory import fingerprint

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A server that answers.

    Attributes:
        url: How to reach it: Postgres as its superuser, to the database `postgres`; Valkey as
            redis-py reads it, to database 0.
        child: Its process; of Postgres the first one.
    """

    url: str
    child: Child

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.child.pid

    async def exited(self) -> int:
        """Waits for its end; then leave the block and enter a new one for the same directory."""
        return await self.child.exited()


def mark_of(data: Path) -> str:
    """What the command lines of a server on this directory carry, to be found by after a crash."""
    return f"pygent-{fingerprint(data)}"


async def ready(
    server: Child, *, answers: Callable[[], Awaitable[bool]], seconds: float, what: str
) -> None:
    """The server answers.

    Args:
        server: Just started.
        answers: Whether it does; asked again and again.
        seconds: To wait for it.
        what: The server and its directory, for the message.

    Raises:
        Unavailable: It ended, or did not answer in time; with the last words of its log.
    """
    with anyio.move_on_after(seconds):
        while server.process.returncode is None:
            if await answers():
                return
            await anyio.sleep(POLL_SECONDS)
    raise Unavailable(f"{what} did not start: {await server.last_words()}")
