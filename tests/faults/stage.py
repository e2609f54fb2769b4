"""What the fault rounds of the hub are played on: two hubs on one Postgres and one Valkey.

Each is a real process that can be killed, stopped and started again at the same address. Hubs reach
Redis by a way of the test's, on which one direction can be held; the writer reaches it directly.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.abc
import httpx
import psutil

from hub.identity.keys import create_key
from protocols.centrifugal.routes import PATH
from protocols.operations.keys import CreateKey
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.embedded import (
    EmbeddedServer,
    embedded_postgres,
    embedded_valkey,
    socket_directory,
    valkey_url,
)
from store.postgres.migrate import migrate
from store.redis.realtime import Realtime, open_realtime
from tests.conftest import NOT_DURABLE
from tests.faults.one_way import OneWay, one_way_to
from tests.flows.processes import free_port

START_SECONDS = 60.0
NAMESPACES = '[{"name": "news", "history_size": 10000, "history_seconds": 3600, "delta": true}]'


class Server:
    """An embedded server that goes away and comes back."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[EmbeddedServer]]) -> None:
        self._make = make
        self._stack = AsyncExitStack()
        self.running: EmbeddedServer | None = None

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    async def start(self) -> EmbeddedServer:
        self.running = await self._stack.enter_async_context(self._make())
        return self.running

    async def stop(self) -> None:
        """In order."""
        self.running = None
        await self._stack.aclose()

    async def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        await self.stop()


class HubProcess:
    """`pygent hub` on a fixed port."""

    def __init__(self, name: str, directory: Path, environment: dict[str, str]) -> None:
        self.name = name
        self._port = free_port()
        self._log = directory / f"{name}.log"
        self._environment = {**environment, "PYGENT_PORT": str(self._port)}
        self._process: anyio.abc.Process | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}{PATH}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All it has said, over all its lives."""
        return self._log.read_text(errors="replace")

    async def start(self) -> None:
        """Until it is ready."""
        with self._log.open("ab") as log:
            self._process = await anyio.open_process(
                [sys.executable, "-m", "hub.cli.app", "hub"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log.fileno(),
                stderr=log.fileno(),
                start_new_session=True,
            )
        ready = f"http://127.0.0.1:{self._port}/health/ready"
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            with anyio.fail_after(START_SECONDS):
                while True:
                    with suppress(httpx.HTTPError):
                        if (await client.get(ready)).status_code == 200:
                            return
                    await anyio.sleep(0.05)

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._gone()

    async def terminate(self) -> int:
        """Ask it to stop; its exit code."""
        assert self._process is not None
        self._process.terminate()
        code = await self._process.wait()
        await self._gone()
        return code

    async def _gone(self) -> None:
        assert self._process is not None
        await self._process.wait()
        await self._process.aclose()
        self._process = None


@dataclass(kw_only=True)
class Stage:
    """All of it.

    Attributes:
        hubs: Two.
        postgres: Of all.
        redis: Of all.
        redis_data: Where Valkey keeps what it holds.
        way: Between hubs and Redis.
        store: The writer's.
        realtime: The writer's.
        key: Of the subscribers.
    """

    hubs: list[HubProcess]
    postgres: Server
    redis: Server
    redis_data: Path
    way: OneWay
    store: Store
    realtime: Realtime
    key: str

    def family(self, pid: int) -> list[psutil.Process]:
        """A process and all it has started."""
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]


@asynccontextmanager
async def staged(directory: Path) -> AsyncGenerator[Stage]:
    """Everything running, until the end of the block."""
    sockets = socket_directory(directory)
    postgres = Server(
        lambda: embedded_postgres(directory / "postgres", sockets=sockets, settings=NOT_DURABLE)
    )
    redis = Server(lambda: embedded_valkey(directory / "valkey", sockets=sockets))
    hubs: list[HubProcess] = []
    try:
        database = (await postgres.start()).url
        await redis.start()
        await migrate(database)
        by = sockets / "way.sock"
        async with (
            one_way_to(sockets / "valkey.sock", by=by) as way,
            open_store(Addresses(database=database, redis=valkey_url(sockets))) as store,
            open_realtime(
                valkey_url(sockets), prefix=store.addresses.redis_prefix, node="w", hear=_nothing
            ) as realtime,
        ):
            key = (await create_key(store, system(), CreateKey(name="followers"))).token
            environment = _environment(database, f"unix://{by}")
            hubs += [HubProcess(name, directory, environment) for name in ("hub-1", "hub-2")]
            async with anyio.create_task_group() as group:
                for hub in hubs:
                    group.start_soon(hub.start)
            yield Stage(
                hubs=hubs,
                postgres=postgres,
                redis=redis,
                redis_data=directory / "valkey/data",
                way=way,
                store=store,
                realtime=realtime,
                key=key,
            )
    finally:
        with anyio.CancelScope(shield=True):
            for hub in hubs:
                await hub.kill()
            await redis.stop()
            await postgres.stop()
        shutil.rmtree(sockets, ignore_errors=True)


def _nothing(_: object) -> None:
    """The writer is told nothing."""


def _environment(database: str, redis: str) -> dict[str, str]:
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return {
        **paths,
        "PATH": os.defpath,
        "PYGENT_DATABASE_URL": database,
        "PYGENT_REDIS_URL": redis,
        "PYGENT_NAMESPACES": NAMESPACES,
        "PYGENT_MAX_SOCKETS": "100000",
        "PYGENT_MAX_PER_ADDRESS": "100000",
        "PYGENT_LOG_LEVEL": "warning",
    }
