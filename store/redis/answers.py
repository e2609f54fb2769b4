"""Answers of workers to somebody who waits: put under a name that only the two know.

What nobody looks for is forgotten after a minute. Nothing that must not be lost goes this way.
"""

from collections.abc import Awaitable
from typing import cast

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError

from protocols.errors import Unavailable
from store.redis.keys import Keys

KEPT_SECONDS = 60
LOOK_SECONDS = 0.1  # between two looks; waiting in Redis would hold one of its few connections
AWAY = "Redis is out of reach; answers of workers cannot be heard"


class Answers:
    """One answer a name."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def put(self, name: str, answer: bytes) -> None:
        """Whoever waits for it gets it.

        Raises:
            Unavailable: Redis did not answer.
        """
        await self._do("SET", self._keys.answer(name), answer, "EX", KEPT_SECONDS)

    async def take(self, name: str, *, within_seconds: float) -> bytes | None:
        """The answer, as soon as it is there; None when it did not come in time.

        Raises:
            Unavailable: Redis did not answer, to the end of that time.
        """
        deadline = anyio.current_time() + within_seconds
        while True:
            try:
                answer = await self._do("GET", self._keys.answer(name))
            except Unavailable:
                if anyio.current_time() >= deadline:
                    raise
            else:
                if answer is not None or anyio.current_time() >= deadline:
                    return cast("bytes | None", answer)
            await anyio.sleep(LOOK_SECONDS)

    async def _do(self, *command: str | bytes | int) -> object:
        try:
            return await cast("Awaitable[object]", self._client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType]  untyped **options
        except (RedisError, OSError) as error:
            raise Unavailable(AWAY) from error
