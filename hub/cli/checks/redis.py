"""Redis or Valkey: reachable, new enough, and told to keep what it is given."""

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from hub import cures
from hub.cli.checks.finding import Finding, fine, note, wrong
from protocols.errors import InvalidRequest
from store.redis.connection import open_pool

OLDEST_REDIS = 7
KEEPS = "noeviction"
TARGET = cures.REDIS_URL
UNREADABLE = "mend PYGENT_REDIS_URL; it looks like redis://host:6379/0"


async def redis(url: str | None) -> Finding:
    """Everything about the server; None: embedded, and not running."""
    if url is None:
        return note("redis", "embedded, and not running", cure="`pygent up` starts it")
    try:
        async with open_pool(url) as pool:
            said = await _information(Redis(connection_pool=pool))
    except (AuthenticationError, AuthorizationError):
        seen = "it refuses the user or password of its URL"
        return wrong("redis", seen, cure=f"mend user and password in {TARGET}")
    except (RedisError, OSError) as error:
        seen = f"cannot be reached: {type(error).__name__}"
        return wrong("redis", seen, cure=cures.away(TARGET))
    except (InvalidRequest, ValueError):
        return wrong("redis", f"the URL in {TARGET} cannot be read", cure=UNREADABLE)
    return _judge(said)


def _judge(said: dict[str, object]) -> Finding:
    version = str(said.get("redis_version", "0"))
    name = str(said.get("server_name", "redis"))
    if int(version.split(".")[0]) < OLDEST_REDIS:
        cure = f"upgrade it, or name another one in {TARGET}; any Valkey will do"
        return wrong("redis", f"version {version}, and {OLDEST_REDIS} is needed", cure=cure)
    policy, limit = str(said.get("maxmemory_policy", KEEPS)), int(str(said.get("maxmemory", 0)))
    if limit and policy != KEEPS:
        return wrong(
            "redis",
            f"it throws away what it holds when {limit / 1024**2:.0f} MiB are full ({policy})",
            cure=f"in its configuration: maxmemory-policy {KEEPS}",
        )
    shown = str(said.get("valkey_version", version)) if name == "valkey" else version
    return fine("redis", f"{name} {shown}")


async def _information(client: Redis) -> dict[str, object]:
    asked = client.info("server", "memory")  # pyright: ignore[reportUnknownMemberType]  untyped **kwargs
    return cast("dict[str, object]", await cast("Awaitable[object]", asked))
