"""The official clients follow a task through the death of hub and Valkey, and miss nothing."""

import os
import signal
from collections.abc import Sequence

import anyio
import pytest

from hub.identity.keys import create_key
from protocols.channels import Channel
from protocols.operations.keys import CreateKey
from store.addresses import Addresses
from store.connect import open_store
from tests.conformance.clients import (
    Follows,
    Heard,
    js_client,
    js_http_stream_client,
    js_http_stream_protobuf_client,
    js_protobuf_client,
    js_sse_client,
    python_client,
    python_protobuf_client,
)
from tests.conformance.conftest import Program, Served, program_on
from tests.conftest import OwnValkey
from tests.hub.conftest import TEAM, Written, dense

CLIENTS = pytest.mark.parametrize(
    "follow",
    [
        python_client,
        python_protobuf_client,
        js_client,
        js_protobuf_client,
        js_http_stream_client,
        js_http_stream_protobuf_client,
        js_sse_client,
    ],
    ids=[
        "python",
        "python protobuf",
        "js",
        "js protobuf",
        "js http_stream",
        "js http_stream protobuf",
        "js sse",
    ],
)


@CLIENTS
async def test_a_client_follows_from_the_beginning_and_leaves(served: Served, follow: Follows):
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with follow(served.url, token="team-1", channel=str(channel)) as heard:
        await heard.until_subscribed()
        for _ in range(50):
            await served.write.append(channel, 3)
        await heard.until(151)

    assert heard.offsets in (dense(1, 151), dense(2, 151))  # with or without `since`
    assert heard.ended == []
    with anyio.fail_after(5):
        while len(served.sockets):
            await anyio.sleep(0.01)


@CLIENTS
async def test_a_client_refused_at_a_channel_is_told_so(served: Served, follow: Follows):
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with follow(served.url, token="team-2", channel=str(channel)) as heard:
        with anyio.fail_after(10):
            while not heard.ended:
                await anyio.sleep(0.01)

    assert heard.ended == ["unsubscribed 102"]
    assert heard.offsets == []


class Appender:
    """Appends to one channel without pause, and knows how much."""

    def __init__(self, write: Written, channel: Channel) -> None:
        self.total = 0
        self._write = write
        self._channel = channel

    async def append(self) -> None:
        self.total = (await self._write.append(self._channel)).version

    async def run(self) -> None:
        while True:
            await self.append()
            await anyio.sleep(0.003)

    async def grown(self, count: int) -> int:
        goal = self.total + count
        with anyio.fail_after(20):
            while self.total < goal:
                await anyio.sleep(0.01)
        return goal


async def test_clients_follow_through_kill_9_of_hub_and_valkey(
    database: str, redis_prefix: str, own_valkey: OwnValkey
):
    addresses = Addresses(database=database, redis=own_valkey.url, redis_prefix=redis_prefix)
    async with open_store(addresses, pool_size=2) as store, program_on(addresses) as program:
        appender = Appender(write := Written(store), channel := write.new_stream())
        await appender.append()
        key = await create_key(store, TEAM, CreateKey(name="client"))
        known = {"token": key.token, "channel": str(channel)}
        async with (
            python_client(program.url, **known) as by_python,
            python_protobuf_client(program.url, **known) as by_python_protobuf,
            js_client(program.url, **known) as by_js,
            js_protobuf_client(program.url, **known) as by_js_protobuf,
            js_http_stream_client(program.url, **known) as by_js_stream,
            js_sse_client(program.url, **known) as by_js_sse,
        ):
            in_python = (by_python, by_python_protobuf)
            in_js = (by_js, by_js_protobuf, by_js_stream, by_js_sse)
            await _live_through_it(appender, program, own_valkey, (*in_python, *in_js))

    for heard in in_js:
        assert heard.offsets == dense(1, appender.total)
    for heard in in_python:
        assert heard.offsets == dense(heard.offsets[0], appender.total)
        assert heard.offsets[0] <= 2
    for heard in (*in_python, *in_js):
        assert heard.ended == []
        assert heard.subscribed[-1] == (True, True)
        assert len(heard.subscribed) >= 3


async def _live_through_it(
    appender: Appender, program: Program, valkey: OwnValkey, clients: Sequence[Heard]
) -> None:
    async def all_are_at(offset: int) -> None:
        for heard in clients:
            await heard.until(offset, seconds=40)

    async with valkey.running() as server:
        for heard in clients:
            await heard.until_subscribed()
        async with anyio.create_task_group() as group:
            group.start_soon(appender.run)
            await all_are_at(await appender.grown(100))
            await program.kill()
            await appender.grown(20)
            await program.start()
            await all_are_at(await appender.grown(100))
            os.kill(server.pid, signal.SIGKILL)
            await all_are_at(await appender.grown(100))
            await program.kill()
            await program.start()
            await all_are_at(await appender.grown(100))
            group.cancel_scope.cancel()
    async with valkey.running():
        await appender.append()
        await all_are_at(appender.total)
