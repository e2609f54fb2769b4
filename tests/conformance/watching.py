"""The official Python client in one application channel, in either form, and what it was told."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    JoinContext,
    LeaveContext,
    PublicationContext,
    SubscribedContext,
    Subscription,
    SubscriptionEventHandler,
    UnsubscribedContext,
)
from centrifuge.types import Publication


class _Connected(ClientEventHandler):
    def __init__(self) -> None:
        self.client = ""

    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.client = ctx.client


class Watching(SubscriptionEventHandler):
    """One subscription of one client, and what it was told."""

    def __init__(self, client: Client, channel: str, *, is_binary: bool, **wishes: Any) -> None:
        self.client = client
        self.id = ""
        self.comings: list[tuple[str, str]] = []  # which, of whom
        self.ended: list[int] = []
        self.publications: list[Publication] = []
        self.subscribed: list[tuple[bool, bool]] = []  # was recovering, recovered
        self._is_binary = is_binary
        self.subscription: Subscription = client.new_subscription(
            channel, self, min_resubscribe_delay=0.05, max_resubscribe_delay=0.2, **wishes
        )

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.subscribed.append((ctx.was_recovering, ctx.recovered))

    async def on_join(self, ctx: JoinContext) -> None:
        self.comings.append(("join", ctx.info.client))

    async def on_leave(self, ctx: LeaveContext) -> None:
        self.comings.append(("leave", ctx.info.client))

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.ended.append(ctx.code)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.append(ctx.pub)

    @property
    def numbers(self) -> list[int]:
        return [self.read(publication)["n"] for publication in self.publications]

    def read(self, publication: Publication) -> Any:
        data = publication.data
        return json.loads(data) if isinstance(data, bytes) else data

    async def publish(self, *numbers: int) -> None:
        for number in numbers:
            data = {"n": number}
            await self.subscription.publish(json.dumps(data).encode() if self._is_binary else data)

    async def until(self, number: int) -> None:
        with anyio.fail_after(20):
            while not self.publications or self.numbers[-1] != number:
                await anyio.sleep(0.01)

    def cut(self) -> None:
        """The connection is gone without a word; the client comes back by itself."""
        connection = self.client._conn
        assert connection is not None
        connection.transport.abort()

    async def until_offset(self, offset: int) -> None:
        with anyio.fail_after(20):
            while not self.publications or self.publications[-1].offset < offset:
                await anyio.sleep(0.01)

    async def until_told(self, coming: tuple[str, str]) -> None:
        with anyio.fail_after(20):
            while coming not in self.comings:
                await anyio.sleep(0.01)

    async def until_subscribed(self, times: int) -> None:
        with anyio.fail_after(20):
            while len(self.subscribed) < times:
                await anyio.sleep(0.01)


@asynccontextmanager
async def watching(
    url: str, token: str, *, is_binary: bool, channel: str = "news:sport", **wishes: Any
) -> AsyncGenerator[Watching]:
    connected = _Connected()
    client = Client(
        url,
        connected,
        token=token,
        use_protobuf=is_binary,
        min_reconnect_delay=0.05,
        max_reconnect_delay=0.2,
        proxy=None,
    )
    one = Watching(client, channel, is_binary=is_binary, **wishes)
    await client.connect()
    await one.subscription.subscribe()
    try:
        await one.until_subscribed(1)
        one.id = connected.client
        yield one
    finally:
        await client.disconnect()
