"""Whether the servers that are named answer and the address is free, asked before anything starts.

So a wrong URL is one sentence at the start, and not a part that is started again and again. What
happens to a server later is the business of those who use it.
"""

import socket
from collections.abc import Awaitable
from typing import cast
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from hub.settings import HubSettings
from protocols.errors import Conflict, InvalidRequest, Unavailable
from store.postgres.failures import translated
from store.postgres.migrate import pending
from store.postgres.pool import conninfo
from store.redis.connection import open_pool

DATABASE, REDIS = "PYGENT_DATABASE_URL", "PYGENT_REDIS_URL"


def require_free_port(host: str, port: int) -> None:
    """A hub can listen there.

    Raises:
        Conflict: Something else does, or it is no address of this machine; it is named.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"port {port} of {host} cannot be used: {error.strerror};"
                " stop what uses it, or set PYGENT_PORT to another one"
            ) from None


async def require_servers(settings: HubSettings) -> None:
    """The servers that are named answer; those that are not are no concern here.

    Raises:
        InvalidRequest: A URL cannot be read; its variable is named.
        Unavailable: A server does not answer, or lets nobody in; it is named.
    """
    if settings.database_url is not None:
        await _require_database(settings.database_url)
    if settings.redis_url is not None:
        await _require_redis(settings.redis_url)


async def require_migrated(settings: HubSettings) -> None:
    """Both servers are named and answer, and the database has this version's shape.

    Raises:
        InvalidRequest: A URL is not set or cannot be read, or the database is another version's.
        Unavailable: A server does not answer, or migrations are missing.
    """
    addresses = settings.addresses
    await require_servers(settings)
    missing = await pending(addresses.database)
    if missing:
        raise Unavailable(f"the database lacks {len(missing)} migrations; run `pygent migrate`")


async def _require_database(url: str) -> None:
    try:
        with translated():
            options = conninfo(url, application="pygent-check")
            await (await psycopg.AsyncConnection.connect(options)).close()
    except InvalidRequest as error:
        raise InvalidRequest(f"{DATABASE}: {error.message}") from None
    except Unavailable as error:
        sentence = error.message.removesuffix("; try again")
        raise Unavailable(f"{DATABASE} names {_place(url)}: {sentence}") from None


def _place(url: str) -> str:
    """The server of a database URL, without user and password."""
    given = conninfo_to_dict(url)
    host = given.get("host") or given.get("hostaddr") or "this machine"
    return f"{host}:{given.get('port') or 5432}"


async def _require_redis(url: str) -> None:
    try:
        async with open_pool(url) as pool:
            client = Redis(connection_pool=pool)
            await cast("Awaitable[object]", client.ping())  # pyright: ignore[reportUnknownMemberType]  untyped **kwargs
    except InvalidRequest as error:
        raise InvalidRequest(f"{REDIS}: {error.message}") from None
    except (AuthenticationError, AuthorizationError):
        sentence = "it refuses the user or password of its URL"
        raise Unavailable(f"{REDIS} names {_redis_place(url)}: {sentence}") from None
    except (RedisError, OSError):
        raise Unavailable(f"{REDIS} names {_redis_place(url)}: no Redis answers there") from None
    except ValueError:
        raise InvalidRequest(f"{REDIS} cannot be read; see redis://host:6379/0") from None


def _redis_place(url: str) -> str:
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
