"""Real servers on loopback: one in this process, and one that may be killed."""

import contextlib
import os
import socket
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import anyio
import anyio.abc
import pytest

from hub.live import Live, open_hub
from hub.neighbours import Hearing, new_node, open_neighbours
from hub.server import HubServer, server_config
from protocols.centrifugal.backing import Backing
from protocols.centrifugal.routes import PATH, Sockets
from protocols.namespaces import NO_NAMESPACES, Namespaces
from store.addresses import Addresses
from store.connect import open_store
from store.redis.application import Application
from tests.conformance.tokens import Tokens, application
from tests.flows.processes import free_port
from tests.hub.conftest import Written


@dataclass
class Served:
    url: str
    live: Live
    application: Application
    sockets: Sockets
    tokens: Tokens
    write: Written
    server: HubServer


@contextlib.asynccontextmanager
async def served_on(
    addresses: Addresses, namespaces: Namespaces = NO_NAMESPACES
) -> AsyncGenerator[Served]:
    """A server in this process, on a port of its own."""
    tokens = Tokens()
    async with (
        open_store(addresses, pool_size=4) as store,
        open_neighbours(store, new_node(), Hearing()) as realtime,
        open_hub(store, realtime, namespaces) as live,
    ):
        sockets = Sockets(Backing(channels=live), tokens.authenticate)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            config = server_config(application(sockets))
            server = HubServer(config, drain=lambda: sockets.drain(within_seconds=0.1))
            url = f"ws://127.0.0.1:{listening.getsockname()[1]}{PATH}"
            async with anyio.create_task_group() as group:
                group.start_soon(server.serve, [listening])
                with anyio.fail_after(10):
                    while not server.started:
                        await anyio.sleep(0.01)
                yield Served(
                    url, live, realtime.application, sockets, tokens, Written(store), server
                )
                server.should_exit = True


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with served_on(addresses) as served:
        yield served


SERVE = """
import anyio
from hub.cli.running.serve import serve
from hub.settings import HubSettings
anyio.run(serve, HubSettings(), backend_options={"use_uvloop": True})
"""


class Program:
    """The product's own hub as a program on a fixed port, to be killed and started again."""

    def __init__(self, addresses: Addresses, port: int, *, namespaces: str = "") -> None:
        self.url = f"ws://127.0.0.1:{port}{PATH}"
        self._port = port
        self._environment = {
            "PATH": os.defpath,
            "PYGENT_PORT": str(port),
            "PYGENT_DATABASE_URL": addresses.database,
            "PYGENT_REDIS_URL": addresses.redis,
            "PYGENT_REDIS_PREFIX": addresses.redis_prefix,
            "PYGENT_NAMESPACES": namespaces,
            "PYGENT_LOG_LEVEL": "error",
        }
        self._process: anyio.abc.Process | None = None

    async def start(self) -> None:
        self._process = await anyio.open_process(
            [sys.executable, "-c", SERVE], env=self._environment, stdout=None, stderr=None
        )
        with anyio.fail_after(30):
            while True:
                try:
                    await (await anyio.connect_tcp("127.0.0.1", self._port)).aclose()
                except OSError:
                    await anyio.sleep(0.05)
                else:
                    return

    async def stop(self) -> None:
        """As a rolling restart does it."""
        if self._process is not None:
            self._process.terminate()
            with anyio.fail_after(20):
                await self._process.wait()

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            await self._process.aclose()
            self._process = None


@contextlib.asynccontextmanager
async def program_on(addresses: Addresses, *, namespaces: str = "") -> AsyncGenerator[Program]:
    program = Program(addresses, free_port(), namespaces=namespaces)
    try:
        await program.start()
        yield program
    finally:
        with anyio.CancelScope(shield=True):
            await program.kill()
