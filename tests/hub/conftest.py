"""A hub at work on a fresh database, and hands to append with."""

import itertools
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import httpx
import pytest

from hub.live import Live, open_hub
from hub.neighbours import Hearing, new_node, open_neighbours
from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.events import MessageDelta, StreamId
from protocols.namespaces import NO_NAMESPACES, Namespaces
from protocols.operations.channels import Batch
from protocols.operations.presence import Coming
from protocols.principals import Actor, Principal, Role, TeamId, system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.postgres.log.event_log import TASK, Append, Appended
from tests.serving import Served
from tests.serving import served as served

OTHER_TEAM = Principal(actor=Actor("key:b"), team=TeamId(2), role=Role.OWNER, name="b")
TEAM = system()


@dataclass
class Written:
    """Appends to streams, numbered by their text."""

    store: Store
    counters: dict[StreamId, "itertools.count[int]"] = field(default_factory=dict)

    def new_stream(self) -> Channel:
        return Channel(Namespace.TASK, str(uuid.uuid4()))

    async def append(self, channel: Channel, count: int = 1, *, size: int = 0) -> Appended:
        stream = StreamId(channel.key)
        numbers = self.counters.setdefault(stream, itertools.count(1))
        texts = [f"{next(numbers)} ".ljust(size, "x") for _ in range(count)]
        return await self.store.log.append(
            Append(
                stream=stream,
                team=TEAM.team,
                kind=TASK,
                actor=TEAM.actor,
                data=tuple(MessageDelta(message="m", text=text) for text in texts),
                to_state=1 if texts[0].startswith("1 ") else None,
            )
        )

    async def append_many(self, channel: Channel, count: int) -> None:
        for start in range(0, count, 100):
            await self.append(channel, min(100, count - start))


@dataclass
class Hub:
    live: Live
    store: Store
    write: Written


@asynccontextmanager
async def hub_on(
    addresses: Addresses, namespaces: Namespaces = NO_NAMESPACES
) -> AsyncGenerator[Hub]:
    async with (
        open_store(addresses, pool_size=4) as store,
        open_neighbours(store, new_node(), Hearing()) as realtime,
        open_hub(store, realtime, namespaces) as live,
    ):
        with anyio.move_on_after(2):
            while not live.hears_redis:
                await anyio.sleep(0.005)
        yield Hub(live, store, Written(store))


@pytest.fixture
async def hub(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Hub]:
    async with hub_on(addresses) as hub:
        yield hub


@pytest.fixture
async def nobody(served: Served) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=10) as nobody:
        yield nobody


class Collected:
    """A reader that takes everything, or as much as it is allowed."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.comings: list[Coming] = []
        self.lost: list[str] = []
        self.is_open = True
        self._opened = anyio.Event()
        self._changed = anyio.Event()

    def offer(self, batch: Batch) -> bool:
        if not self.is_open:
            return False
        self.publications += batch.publications
        self._changed.set()
        return True

    def notice(self, coming: Coming) -> None:
        self.comings.append(coming)
        self._changed.set()

    async def room(self) -> None:
        while not self.is_open:
            await self._opened.wait()

    def lose(self, channel: str) -> None:
        self.lost.append(channel)
        self._changed.set()

    def shut(self) -> None:
        self.is_open = False
        self._opened = anyio.Event()

    def open(self) -> None:
        self.is_open = True
        self._opened.set()

    @property
    def offsets(self) -> list[int]:
        return [publication.offset for publication in self.publications]

    async def until(self, offset: int, *, seconds: float = 10) -> None:
        with anyio.fail_after(seconds):
            while not self.publications or self.publications[-1].offset < offset:
                self._changed = anyio.Event()
                await self._changed.wait()

    async def until_lost(self) -> None:
        with anyio.fail_after(10):
            while not self.lost:
                self._changed = anyio.Event()
                await self._changed.wait()


async def watch(live: Live, channel: Channel, since: StreamPosition | None = None) -> Collected:
    """Somebody who watches a channel from a position, or from now on."""
    reader = Collected()
    subscription = await live.subscribe(TEAM, reader, channel=channel, since=since)
    reader.publications += subscription.publications
    subscription.start()
    return reader


def dense(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def position(hub: Hub, offset: int) -> StreamPosition:
    return StreamPosition(hub.store.log.epoch, offset)


def offsets(publications: Sequence[Publication]) -> list[int]:
    return [publication.offset for publication in publications]
