"""Watchers of one task on different transports, and what must be true of what they saw."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

import anyio
import centrifuge
import msgspec
from centrifuge import (
    PublicationContext,
    StreamPosition,
    SubscribedContext,
    SubscriptionEventHandler,
)

from protocols.event_encoding import envelope
from protocols.events import Event
from protocols.operations.tasks import TaskReceipt
from protocols.rest.client import RestClient
from protocols.task_fold import fold
from protocols.tasks import FINAL, Task
from tests.flows.product import Product

EVENT = msgspec.json.Decoder(Event)
FINAL_TYPES = frozenset(f"task.{state.value}" for state in FINAL)


class Seen:
    """What one watcher was told, in the order it was told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.recovered: list[tuple[bool, bool]] = []  # was recovering, recovered
        self.is_over = anyio.Event()

    def note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["type"] in FINAL_TYPES:
            self.is_over.set()

    @property
    def versions(self) -> list[int]:
        return [event["version"] for event in self.events]

    @property
    def deltas(self) -> int:
        return sum(event["type"] == "message.delta" for event in self.events)

    def folded(self, task: str) -> Task:
        return fold(task, history(self.events))

    async def over(self, *, seconds: float = 30) -> None:
        with anyio.fail_after(seconds):
            await self.is_over.wait()

    async def saw(self, kind: str, *, count: int = 1, seconds: float = 15) -> None:
        """Waits until so many events of this type have come."""
        with anyio.fail_after(seconds):
            while sum(event["type"] == kind for event in self.events) < count:
                await anyio.sleep(0.01)


def history(seen: list[dict[str, Any]]) -> list[Event]:
    """Events as the fold reads them."""
    return [EVENT.decode(json.dumps(event)) for event in seen]


class _Listening(SubscriptionEventHandler):
    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self._seen.recovered.append((ctx.was_recovering, ctx.recovered))

    async def on_publication(self, ctx: PublicationContext) -> None:
        assert ctx.pub.offset == ctx.pub.data["version"]
        self._seen.note(ctx.pub.data)


@asynccontextmanager
async def by_socket(product: Product, task: TaskReceipt, *, after: int = 0) -> AsyncGenerator[Seen]:
    """The official client, unmodified; it asks for the events above `after` by itself."""
    seen = Seen()

    async def position(_: str) -> StreamPosition:
        return StreamPosition(offset=after, epoch=task.epoch)

    client = centrifuge.Client(
        product.socket_url,
        token=product.key,
        min_reconnect_delay=0.05,
        max_reconnect_delay=0.5,
        proxy=None,
    )
    subscription = client.new_subscription(
        task.channel,
        _Listening(seen),
        min_resubscribe_delay=0.05,
        max_resubscribe_delay=0.5,
        recoverable=True,
        get_state=position,
    )
    await client.connect()
    await subscription.subscribe()
    try:
        yield seen
    finally:
        await client.disconnect()


@asynccontextmanager
async def by_sse(product: Product, task: TaskReceipt, *, after: int = 0) -> AsyncGenerator[Seen]:
    """The REST client's stream, as `pygent tail` follows it."""
    seen = Seen()
    async with product.client() as client, anyio.create_task_group() as group:
        group.start_soon(_follow, client, task.id, after, seen)
        yield seen
        group.cancel_scope.cancel()


async def _follow(client: RestClient, task: str, after: int, seen: Seen) -> None:
    async with client.stream(task, after=after) as stream:
        async for event in stream:
            seen.note(json.loads(envelope(event)))


class Watch(Protocol):
    def __call__(
        self, product: Product, task: TaskReceipt, *, after: int = 0
    ) -> AbstractAsyncContextManager[Seen]: ...


TRANSPORTS: Mapping[str, Watch] = {"websocket": by_socket, "sse": by_sse}


async def everything(client: RestClient, task: str) -> list[dict[str, Any]]:
    """The stream as the log has it, by REST, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["version"] if found else 0
        page = await client.tasks.events(task, after=after, limit=1000)
        found += [json.loads(envelope(event)) for event in page.events]
        if not page.events or found[-1]["version"] >= page.version:
            return found


def assert_whole(seen: Seen, log: list[dict[str, Any]], *, after: int = 0) -> None:
    """All of the log above `after`, each event once, in order, and the same to the letter."""
    assert seen.versions == list(range(after + 1, len(log) + 1))
    assert seen.events == log[after:]


def moment(event: dict[str, Any]) -> datetime:
    """When it was appended, by the database's clock."""
    return datetime.fromisoformat(event["time"])
