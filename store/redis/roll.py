"""The roll: what processes say of themselves, a row each, while they live.

A row that was not renewed is forgotten by whoever reads the roll, by the times the rows carry; so
nothing here depends on the clock of Redis, and a process that is killed disappears by itself.
"""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from protocols.errors import Unavailable
from store.redis.keys import Keys

KEPT_SECONDS = 3600  # the whole roll, when nobody is left
AWAY = "Redis is out of reach; processes do not know of one another"


class Roll:
    """The hubs of this factory."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._key = keys.roll()

    async def say(self, name: str, row: bytes) -> None:
        """This process is there, with this row.

        Raises:
            Unavailable: Redis did not answer.
        """
        await self._do("HSET", self._key, name, row)
        await self._do("EXPIRE", self._key, KEPT_SECONDS)

    async def rows(self) -> dict[str, bytes]:
        """Every row that was said, however long ago.

        Raises:
            Unavailable: Redis did not answer.
        """
        found = cast("dict[bytes, bytes]", await self._do("HGETALL", self._key))
        return {name.decode(): row for name, row in found.items()}

    async def strike(self, *names: str) -> None:
        """These are gone.

        Raises:
            Unavailable: Redis did not answer.
        """
        if names:
            await self._do("HDEL", self._key, *names)

    async def _do(self, *command: str | bytes | int) -> object:
        try:
            return await cast("Awaitable[object]", self._client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType]  untyped **options
        except (RedisError, OSError) as error:
            raise Unavailable(AWAY) from error
