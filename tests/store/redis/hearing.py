"""What comes over pub/sub, each thing awaited with a deadline."""

import anyio

from store.redis.listener import Listener, Reconnected
from store.redis.messages import Message
from store.redis.publications import PublicationFrame, parse_publication_frame

SECONDS = 5


def deaf(message: Message) -> None:
    """Hears nothing."""


async def connected(listener: Listener) -> None:
    with anyio.fail_after(SECONDS):
        async for item in listener:
            if isinstance(item, Reconnected):
                return


async def heard(listener: Listener) -> tuple[str, bytes]:
    with anyio.fail_after(SECONDS):
        async for item in listener:
            if not isinstance(item, Reconnected):
                return item
    raise AssertionError


async def publications(listener: Listener, number: int) -> list[PublicationFrame]:
    return [parse_publication_frame((await heard(listener))[1]) for _ in range(number)]
