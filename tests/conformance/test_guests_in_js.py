"""The official JavaScript client as a guest, on each transport and in both forms."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from protocols.centrifugal import codes
from store.addresses import Addresses
from tests.conformance.clients import NODE, install_js_client
from tests.conformance.guests import hub_with_guests, signed, websocket
from tests.serving import Served, until

SCRIPT = str(Path(__file__).parent / "guest.mjs")
JSON, PROTOBUF = "centrifuge", "centrifuge/build/protobuf"
KINDS = pytest.mark.parametrize(
    ("build", "transport"),
    [(JSON, "websocket"), (PROTOBUF, "websocket"), (JSON, "http_stream"), (JSON, "sse")],
)


@asynccontextmanager
async def guest(
    served: Served, *, build: str, transport: str, token: str, fresh: str, of_channel: str
) -> AsyncGenerator[list[tuple[str, Any]]]:
    """What happens to it, as it comes."""
    events: list[tuple[str, Any]] = []
    installed = await anyio.to_thread.run_sync(install_js_client)
    command = [str(NODE / "node"), "--experimental-eventsource", SCRIPT, str(installed)]
    arguments = [build, transport, websocket(served), token, fresh, "closed:a", of_channel]
    async with (
        await anyio.open_process([*command, *arguments], stderr=None) as process,
        anyio.create_task_group() as group,
    ):
        assert process.stdout is not None
        lines = BufferedByteReceiveStream(process.stdout)

        async def listen() -> None:
            while True:
                try:
                    line = await lines.receive_until(b"\n", 10_000)
                except anyio.IncompleteRead:
                    return
                event, value = json.loads(line)
                events.append((event, value))

        group.start_soon(listen)
        try:
            yield events
        finally:
            with suppress(ProcessLookupError):  # it ends by itself once it is closed for good
                process.terminate()
            group.cancel_scope.cancel()


@KINDS
async def test_it_comes_with_tokens_and_is_put_into_channels(
    addresses: Addresses, build: str, transport: str
):
    async with hub_with_guests(addresses) as served:
        open_b = partial(signed, channels=["open:b"])
        async with guest(
            served,
            build=build,
            transport=transport,
            token=open_b(seconds=-1),
            fresh=open_b(seconds=600),
            of_channel=signed(channel="closed:*"),
        ) as events:
            await until(lambda: ("refused", 103) in events, seconds=20)
            for event in (
                ("asked", "connection"),
                ("asked", "closed:a"),
                ("subscribed", "closed:a"),
                ("entered", ["#42", False]),
                ("entered", ["open:b", False]),
            ):
                assert event in events, event
            await until(lambda: ("told", [{"n": 1}, "42"]) in events)
            (connection,) = served.hub.opened.sockets
            connection.close(codes.FORCE_RECONNECT)
            await until(lambda: ("entered", ["#42", True]) in events, seconds=10)
            await until(lambda: events.count(("subscribed", "closed:a")) == 2, seconds=10)
            assert not [one for one in events if one[0] in ("disconnected", "unsubscribed", "left")]


@KINDS
async def test_it_is_closed_for_good_with_a_token_that_is_none(
    addresses: Addresses, build: str, transport: str
):
    async with (
        hub_with_guests(addresses) as served,
        guest(
            served,
            build=build,
            transport=transport,
            token=signed(channel="closed:a"),
            fresh="",
            of_channel="",
        ) as events,
    ):
        await until(lambda: ("disconnected", 3500) in events, seconds=20)
