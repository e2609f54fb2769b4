"""What Redis keeps for the realtime hub beside logs and feeds, opened together.

On connections of its own: publishing, reading and presence never wait for one another, nor the
frames of the log for any of them.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from store.redis.application import Application
from store.redis.calls import open_calls
from store.redis.connection import open_pool
from store.redis.control import Control, Hear
from store.redis.keys import Keys
from store.redis.messages import check_name
from store.redis.presence import STAY_SECONDS, Presence
from store.redis.roll import Roll
from store.redis.user_status import UserStatuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Realtime:
    """All of it.

    Attributes:
        application: Channels of applications.
        presence: Who is in them.
        statuses: Who is here at all.
        control: What hubs tell one another.
    """

    application: Application
    presence: Presence
    statuses: UserStatuses
    control: Control


@asynccontextmanager
async def open_realtime(
    url: str, *, prefix: str, node: str, hear: Hear, stay_seconds: float = STAY_SECONDS
) -> AsyncGenerator[Realtime]:
    """At work until the end of the block; Redis may be away.

    Args:
        url: Of Redis.
        prefix: Of every name there.
        node: What this process is called on the roll.
        hear: What it makes of what other hubs tell and ask it; see `Control`.
        stay_seconds: How long a client is present without being renewed.

    Raises:
        InvalidRequest: The url is not one of Redis, or the node cannot be called so.
    """
    check_name(node)
    keys = Keys(prefix)
    async with open_pool(url) as pool, open_calls(pool, connections=4) as calls:
        publishing, reading, present, telling = calls
        roll = Roll(Redis(connection_pool=pool), keys)
        yield Realtime(
            application=Application(publishing, reading, keys),
            presence=Presence(present, keys, stay_seconds=stay_seconds),
            statuses=UserStatuses(present, keys, stay_seconds=stay_seconds),
            control=Control(telling, roll, keys, node=node, hear=hear),
        )
