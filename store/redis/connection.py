"""Connections to Redis or Valkey, by `redis://`, `rediss://` or `unix://` url, all with limits.

A command that fails is not repeated here: a timed-out one may have been done, and only the caller
knows whether doing it twice matters.
"""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from protocols.errors import InvalidRequest

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 1.0
MAX_CONNECTIONS = 16
SCHEMES = ("redis://", "rediss://", "unix://")
_SCRIPTS = Path(__file__).with_name("scripts")


@asynccontextmanager
async def open_pool(url: str) -> AsyncGenerator[BlockingConnectionPool]:
    """A pool whose connections are made when first used: a Redis that is away does not matter yet.

    Raises:
        InvalidRequest: The url's scheme is none of SCHEMES.
    """
    if not url.startswith(SCHEMES):
        raise InvalidRequest(f"a Redis url starts with one of {', '.join(SCHEMES)}")
    pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  untyped **kwargs
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=CONNECT_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield pool
    finally:
        await pool.disconnect()


class Script:
    """A Lua script, sent once to each server and then called by its hash."""

    def __init__(self, client: Redis, name: str) -> None:
        self._script = client.register_script((_SCRIPTS / f"{name}.lua").read_text())

    async def __call__(self, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> object:
        """What the script returns, not yet parsed.

        Raises:
            RedisError, OSError: As the client does; it may have been done.
        """
        running = cast(
            "Awaitable[object]", self._script(keys=list(keys), args=arguments)
        )  # untyped
        return await running
