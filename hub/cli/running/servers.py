"""Embedded Postgres and Valkey, kept alive: a server that dies starts again on the same data."""

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from hub.cli.running.supervisor import Backoff
from hub.settings import HubSettings
from store.embedded import embedded_postgres, embedded_valkey, socket_directory

logger = logging.getLogger(__name__)


class Server(Protocol):
    """An embedded server that accepts connections."""

    @property
    def url(self) -> str:
        """Where; the same after every start on the same directory."""
        ...

    async def exited(self) -> object:
        """Wait until its process has ended."""
        ...


@asynccontextmanager
async def servers(settings: HubSettings) -> AsyncGenerator[tuple[str, str]]:
    """The database's and Redis's URLs, of the settings or of embedded servers that run meanwhile.

    Raises:
        Unavailable: A server cannot be started.
        Conflict: The data directory is in use.
    """
    directory = settings.data_dir
    async with anyio.create_task_group() as group:
        sockets = socket_directory(directory)
        database_url, redis_url = settings.database_url, settings.redis_url
        if redis_url is None:
            redis_url = await group.start(
                _keep, "valkey", lambda: embedded_valkey(directory / "valkey", sockets=sockets)
            )
        if database_url is None:
            database_url = await group.start(
                _keep,
                "postgres",
                lambda: embedded_postgres(directory / "postgres", sockets=sockets),
            )
        yield database_url, redis_url
        group.cancel_scope.cancel()


async def _keep(
    name: str,
    start: Callable[[], AbstractAsyncContextManager[Server]],
    *,
    task_status: TaskStatus[str],
) -> None:
    backoff = Backoff()
    is_first = True
    while True:
        began = time.monotonic()
        async with start() as server:
            if is_first:
                task_status.started(server.url)
                is_first = False
            await server.exited()
        wait = backoff.after(time.monotonic() - began)
        logger.warning(
            "a server ended and is started again", extra={"part": name, "wait_seconds": wait}
        )
        await anyio.sleep(wait)
