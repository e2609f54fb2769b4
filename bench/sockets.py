"""WebSockets of a bench: opened and subscribed as a client of the Centrifugal protocol does it.

As little as possible between the bytes and the clock: no library of that protocol, no reconnects.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from protocols.centrifugal.routes import PATH
from protocols.events import StreamId

START_SECONDS = 30.0
PING = "{}"


class _Pub(msgspec.Struct):
    offset: int
    data: msgspec.Raw


class _Push(msgspec.Struct):
    channel: str
    pub: _Pub | None = None


class _Subscribed(msgspec.Struct):
    publications: list[_Pub] = []


class _Message(msgspec.Struct):
    id: int = 0
    error: msgspec.Raw | None = None
    push: _Push | None = None
    subscribe: _Subscribed | None = None


_decode = msgspec.json.Decoder(_Message).decode


def publications(frame: str) -> list[tuple[int, bytes]]:
    """Offset and payload of what a frame brings, in pushes or in the answer to a subscribe.

    Raises:
        RuntimeError: The hub answered with an error.
    """
    found: list[_Pub] = []
    for message in _messages(frame):
        if message.push and message.push.pub:
            found.append(message.push.pub)
        if message.subscribe:
            found += message.subscribe.publications
    return [(one.offset, bytes(one.data)) for one in found]


def _answered(frame: str) -> set[int]:
    return {message.id for message in _messages(frame)}


def _messages(frame: str) -> list[_Message]:
    messages = [_decode(line) for line in frame.split("\n")]
    if any(message.error is not None for message in messages):
        raise RuntimeError(f"the hub refused: {frame}")
    return messages


class Watching:
    """Opens sockets of one hub, as one principal."""

    def __init__(self, address: str, token: str) -> None:
        """Of the hub at an address without a scheme, with an API key."""
        self._url = f"ws://{address}{PATH}"
        self._token = token

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[ClientConnection]:
        """A socket whose connect was answered; nothing is subscribed."""
        async with connect(
            self._url, compression=None, open_timeout=START_SECONDS, proxy=None
        ) as watcher:
            await _ask(watcher, 1, connect={"token": self._token})
            yield watcher

    @asynccontextmanager
    async def stream(self, stream: StreamId) -> AsyncGenerator[ClientConnection]:
        """A socket that is subscribed at version 2."""
        place = {"channel": f"task:{stream}", "recover": True, "offset": 2}
        async with self.connected() as watcher:
            await _ask(watcher, 2, subscribe=place)
            yield watcher


async def _ask(watcher: ClientConnection, number: int, **command: object) -> None:
    await watcher.send(json.dumps({"id": number, **command}))
    while number not in _answered(str(await watcher.recv())):
        pass
