"""Guests of the real product: tokens for them, and the official Python client with one."""

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from centrifuge import (
    Client,
    ClientEventHandler,
    ClientState,
    ConnectedContext,
    DisconnectedContext,
    ErrorContext,
    PublicationContext,
    ServerPublicationContext,
    ServerSubscribedContext,
    ServerUnsubscribedContext,
    SubscribedContext,
    Subscription,
    SubscriptionErrorContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)
from centrifuge.types import Publication

from protocols.centrifugal.connection import Connection
from protocols.centrifugal.routes import PATH
from protocols.errors import AlreadyExists
from store.addresses import Addresses
from tests.protocols.centrifugal.signing import ED25519_JWK, SECRET, by_hmac
from tests.serving import Served, serving, until

KEYS = json.dumps(
    [
        {"id": "shop", "algorithm": "HS256", "key": SECRET},
        {"id": "sso", "algorithm": "EdDSA", "key": ED25519_JWK, "team": 2},
    ]
)
HISTORY = {"history_size": 50, "history_seconds": 300}
NAMESPACES = json.dumps(
    [
        {"name": "open", "subscribe": "anyone", "publish": "subscribers", **HISTORY},
        {"name": "team", "publish": "subscribers", **HISTORY},
        {"name": "closed", "subscribe": "token", "publish": "subscribers", **HISTORY},
        {"name": "now", "subscribe": "anyone", "publish": "subscribers"},
        {"name": "", "publish": "operators", "personal": True, **HISTORY},
    ]
)


@asynccontextmanager
async def hub_with_guests(addresses: Addresses, **more: Any) -> AsyncGenerator[Served]:
    """The product in this process."""
    limits: dict[str, Any] = {"namespaces": NAMESPACES, "realtime_keys": KEYS, **more}
    async with serving(addresses, limits=limits) as served:
        with suppress(AlreadyExists):  # made at another hub of the same factory
            await served.agent()
        yield served


def websocket(served: Served) -> str:
    return served.url.replace("http", "ws") + PATH


def signed(user: str = "42", *, seconds: float | None = None, **claims: Any) -> str:
    """A token of team 1; good for so long, or for ever."""
    ends = {} if seconds is None else {"exp": time.time() + seconds}
    return by_hmac({"sub": user, **ends, **claims})


class Guest(ClientEventHandler):
    """One client, and what it was told of itself and of channels the server put it into."""

    def __init__(self, url: str, *, is_binary: bool, **options: Any) -> None:
        self.is_binary = is_binary
        self.connected: list[str] = []
        self.closed: list[int] = []
        self.errors: list[int] = []
        self.entered: list[ServerSubscribedContext] = []
        self.left: list[str] = []
        self.publications: list[tuple[str, Publication]] = []
        self.client = Client(
            url,
            self,
            use_protobuf=is_binary,
            min_reconnect_delay=0.05,
            max_reconnect_delay=0.2,
            proxy=None,
            **options,
        )

    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.connected.append(ctx.client)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.closed.append(ctx.code)

    async def on_error(self, ctx: ErrorContext) -> None:
        self.errors.append(ctx.code)

    async def on_subscribed(self, ctx: ServerSubscribedContext) -> None:
        self.entered.append(ctx)

    async def on_unsubscribed(self, ctx: ServerUnsubscribedContext) -> None:
        self.left.append(ctx.channel)

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.publications.append((ctx.channel, ctx.pub))

    def read(self, data: Any) -> Any:
        return json.loads(data) if isinstance(data, bytes) else data

    def write(self, value: Any) -> Any:
        return json.dumps(value).encode() if self.is_binary else value

    @property
    def heard(self) -> list[tuple[str, Any]]:
        return [(channel, self.read(one.data)) for channel, one in self.publications]

    async def until_closed(self) -> int:
        await until(lambda: bool(self.closed), seconds=20)
        return self.closed[-1]

    async def in_channel(self, channel: str, **options: Any) -> "In":
        """Subscribe, and wait for the verdict."""
        one = In(self, channel, **options)
        await one.subscription.subscribe()
        await until(lambda: bool(one.subscribed or one.ended), seconds=20)
        return one


class In(SubscriptionEventHandler):
    """A subscription of a client, and what it was told there."""

    def __init__(self, guest: Guest, channel: str, **options: Any) -> None:
        self.subscribed: list[SubscribedContext] = []
        self.ended: list[int] = []
        self.errors: list[int] = []
        self.publications: list[Publication] = []
        self._guest = guest
        self.subscription: Subscription = guest.client.new_subscription(
            channel, self, min_resubscribe_delay=0.05, max_resubscribe_delay=0.2, **options
        )

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.subscribed.append(ctx)

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.ended.append(ctx.code)

    async def on_error(self, ctx: SubscriptionErrorContext) -> None:
        self.errors.append(ctx.code)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.append(ctx.pub)

    async def publish(self, value: Any) -> None:
        await self.subscription.publish(self._guest.write(value))


@asynccontextmanager
async def connected(
    served: Served, token: str = "", *, is_binary: bool = False, **options: Any
) -> AsyncGenerator[Guest]:
    """A client that has connected, or was refused."""
    guest = Guest(websocket(served), is_binary=is_binary, token=token, **options)
    await guest.client.connect()
    try:
        await until(lambda: bool(guest.connected or guest.closed), seconds=20)
        yield guest
    finally:
        await guest.client.disconnect()
        with anyio.move_on_after(5):
            while guest.client.state is not ClientState.DISCONNECTED:
                await anyio.sleep(0.01)


def connection_of(served: Served, guest: Guest) -> Connection:
    """The hub's end of it."""
    (found,) = (one for one in served.hub.opened.sockets if one.client == guest.connected[-1])
    return found


def giving(*tokens: Callable[[], str]) -> tuple[list[int], Callable[..., Awaitable[str]]]:
    """What a client asks for tokens with: these, the last one again and again; and how often."""
    asked: list[int] = []

    async def give(*_: str) -> str:
        asked.append(len(asked))
        return tokens[min(len(asked), len(tokens)) - 1]()

    return asked, give
