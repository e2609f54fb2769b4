"""A hub served on loopback by a real uvicorn, and the ways into it, for tests."""

import contextlib
import io
import logging
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import anyio
import httpx
import pytest
import uvicorn
from anyio.abc import TaskStatus
from starlette.applications import Starlette
from starlette.types import ASGIApp

from hub.app import application
from hub.identity.keys import create_key
from hub.identity.tickets import create_ticket
from hub.opened import Hub
from hub.server import server_config
from hub.settings import HubSettings
from hub.telemetry import configure_logging
from protocols.agents import AgentSpec
from protocols.events import (
    AnyData,
    AttemptStarted,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFinished,
    StepStarted,
    StreamId,
    TaskCompleted,
)
from protocols.operations.keys import CreateKey
from protocols.operations.tasks import SubmitTask
from protocols.principals import Actor, TeamId, system
from protocols.rest.client import RestClient
from protocols.steps import StepKind
from protocols.tasks import STATE_CODES, TaskState
from store.addresses import Addresses
from store.connect import Store
from store.knowledge.embedders.hashing import Hashing
from store.operations import StoredFactory
from store.operations.catalogue import BUILT_IN
from store.postgres.log.event_log import TASK, Append, Appended

STOP_SECONDS = 15


class Server(uvicorn.Server):
    """One that leaves the signals to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@dataclass(kw_only=True)
class Served:
    """A hub that listens."""

    url: str
    app: Starlette

    @property
    def hub(self) -> Hub:
        return self.app.state.hub

    @property
    def store(self) -> Store:
        return self.hub.opened.store

    async def ticket(self) -> str:
        return await create_ticket(self.store)

    async def key(self, *, name: str = "test", team: TeamId | None = None) -> str:
        principal = system(team) if team else system()
        async with self.store.log_pool.connection() as connection:
            await connection.execute(
                "INSERT INTO team (id, name) VALUES (%s, 'Test') ON CONFLICT DO NOTHING",
                (principal.team,),
            )
        return (await create_key(self.store, principal, CreateKey(name=name))).token

    async def session(self) -> str:
        """The value of a new session's cookie."""
        async with self.browser() as browser:
            answer = await browser.post("/auth/ticket", json={"ticket": await self.ticket()})
            assert answer.status_code == 200, answer.text
            return answer.cookies["pygent_session"]

    def browser(self, *, session: str | None = None) -> httpx.AsyncClient:
        """A client that sends the Origin a page of the hub would send."""
        headers = {"Origin": self.url}
        if session is not None:
            headers["Cookie"] = f"pygent_session={session}"
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=10, trust_env=False)

    async def program(self) -> httpx.AsyncClient:
        """A client with a key."""
        return self.with_key(await self.key())

    def with_key(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=10, trust_env=False)

    async def client(self) -> RestClient:
        return RestClient(self.url, token=await self.key())

    def factory(self, team: TeamId | None = None) -> StoredFactory:
        return StoredFactory(self.store, system(team) if team else system(), BUILT_IN, Hashing())

    async def agent(self, name: str = "echo") -> None:
        await self.factory().agents.create(AgentSpec(name=name, model="scripted"))

    async def task(self, text: str = "hello", *, agent: str = "echo") -> str:
        receipt = await self.factory().tasks.submit(SubmitTask(agent=agent, input=text))
        return receipt.id

    def worker(self, task: str, *, appended: int = 0, attempt: int = 1) -> "Worker":
        return Worker(self.store, task, appended=appended, attempt=attempt)


class Worker:
    """Appends to a task as an attempt does."""

    def __init__(self, store: Store, task: str, *, appended: int, attempt: int) -> None:
        self._store = store
        self._attempt = attempt
        self._task = StreamId(task)
        self._seq = appended

    async def append(self, *data: AnyData, state: TaskState | None = None) -> Appended:
        appended = await self._store.log.append(
            Append(
                stream=self._task,
                team=system().team,
                kind=TASK,
                actor=Actor("agent:echo"),
                data=data,
                attempt=self._attempt,
                seq=self._seq,
                to_state=STATE_CODES[state] if state else None,
            )
        )
        self._seq += 1
        return appended

    async def begin(self) -> Appended:
        await self.append(AttemptStarted(worker="test"), state=TaskState.WORKING)
        return await self.append(
            StepStarted(step="1.1", kind=StepKind.MODEL, name="scripted"),
            MessageStarted(message="1.1", step="1.1"),
        )

    async def say(self, text: str) -> Appended:
        return await self.append(MessageDelta(message="1.1", text=text))

    async def finish(self, text: str = "hello") -> Appended:
        return await self.append(
            MessageFinished(message="1.1", text=text),
            StepFinished(step="1.1"),
            TaskCompleted(message="1.1", text=text),
            state=TaskState.COMPLETED,
        )


@contextlib.contextmanager
def logging_to(stream: io.StringIO, form: Literal["console", "json"] = "json") -> Generator[None]:
    """Everything that is logged meanwhile, at every level, as the hub would write it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging(form, "debug")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        yield
    finally:
        root.handlers[:], _ = before
        root.setLevel(before[1])


@asynccontextmanager
async def serving(
    addresses: Addresses,
    *,
    port: int = 0,
    dashboard: ASGIApp | None = None,
    public_url: str | None = None,
    limits: Mapping[str, float | str] | None = None,
    trusted_proxies: str = "",
) -> AsyncGenerator[Served]:
    """A hub on loopback until the end of the block; `limits` are settings by name."""
    settings = HubSettings(
        database_url=addresses.database,
        redis_url=addresses.redis,
        redis_prefix=addresses.redis_prefix,
        public_url=public_url,
        trusted_proxies=trusted_proxies,
        **(limits or {}),  # pyright: ignore[reportArgumentType]  validated there
    )
    app = application(settings, dashboard=dashboard)
    config = server_config(app, trusted_proxies=trusted_proxies)
    server = Server(config)
    stopped = anyio.Event()
    with _listening(port) as listener:
        async with anyio.create_task_group() as group:
            await group.start(_serve, server, listener, stopped)
            try:
                yield Served(url=f"http://127.0.0.1:{listener.getsockname()[1]}", app=app)
            finally:
                # Also after a test that failed: a server that was only cancelled ends nothing of
                # what it opened, and the run would wait for that without end.
                with anyio.fail_after(STOP_SECONDS, shield=True):
                    await app.state.hub.drain(within_seconds=0.0)
                    server.should_exit = True
                    await stopped.wait()


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    """A hub with an agent; a conftest that names it makes it a fixture of its folder."""
    async with serving(addresses) as served:
        await served.agent()
        yield served


@contextlib.contextmanager
def _listening(port: int) -> Generator[socket.socket]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    try:
        yield listener
    finally:
        listener.close()


async def _serve(
    server: Server,
    listener: socket.socket,
    stopped: anyio.Event,
    *,
    task_status: TaskStatus[None],
) -> None:
    async def watch() -> None:
        while not server.started:
            await anyio.sleep(0.005)
        task_status.started()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await server.serve([listener])
        stopped.set()
        group.cancel_scope.cancel()


async def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    """Wait for something to become true."""
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.01)
