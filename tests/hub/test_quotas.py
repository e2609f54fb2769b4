"""Limits of what is open at once, over real connections that end in every way there is."""

import json
import socket
import statistics
import struct
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from store.addresses import Addresses
from tests.serving import Served, serving, until

LIMIT = 3
LIMITS = {
    "max_sockets": LIMIT,
    "max_streams": LIMIT,
    "max_uploads": LIMIT,
    "max_per_address": 3 * LIMIT,
    "commands_per_second": 20,
    "commands_burst": 50,
}


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with serving(addresses, limits=LIMITS) as served:
        await served.agent()
        yield served


async def opened(served: Served, key: str) -> ClientConnection:
    """A socket after its connect, whatever was answered."""
    watcher = await connect(
        served.url.replace("http:", "ws:") + "/connection/websocket", compression=None, proxy=None
    )
    await watcher.send(json.dumps({"id": 1, "connect": {"token": key}}))
    return watcher


async def is_connected(watcher: ClientConnection) -> bool:
    with anyio.fail_after(5):
        try:
            return "connect" in json.loads(await watcher.recv())
        except ConnectionClosed:
            return False


async def closes(watcher: ClientConnection) -> tuple[int | None, str | None]:
    with anyio.fail_after(5):
        try:
            while True:
                await watcher.recv()
        except ConnectionClosed:
            return watcher.close_code, watcher.close_reason


async def abort(watcher: ClientConnection) -> None:
    watcher.transport.abort()


async def reset(watcher: ClientConnection) -> None:
    raw = watcher.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    watcher.transport.abort()


async def half_close(watcher: ClientConnection) -> None:
    watcher.transport.write_eof()


async def break_rules(watcher: ClientConnection) -> None:
    await watcher.send("not a command")


async def leave(watcher: ClientConnection) -> None:
    await watcher.close()


@pytest.mark.parametrize("end", [abort, reset, half_close, break_rules, leave])
async def test_sockets_of_a_key_are_bounded_and_counted_right_however_they_end(
    served: Served, end: Callable[[ClientConnection], Awaitable[None]]
) -> None:
    key, other, quotas = await served.key(), await served.key(name="b"), served.hub.opened.quotas
    for _ in range(2):
        watchers = [await opened(served, key) for _ in range(LIMIT)]
        assert [await is_connected(one) for one in watchers] == [True] * LIMIT
        assert len(quotas.sockets) == LIMIT

        one_more = await opened(served, key)
        assert await closes(one_more) == (3504, "connection limit")
        await one_more.close()
        elsewhere = await opened(served, other)
        assert await is_connected(elsewhere)
        await elsewhere.close()

        for one in watchers:
            await end(one)
        await until(lambda: len(quotas.sockets) == len(quotas.addresses) == 0)
        for one in watchers:
            await one.close()
    assert quotas.sockets.refused == 2


async def test_sockets_that_are_cut_from_here_are_counted_right_too(served: Served) -> None:
    quotas = served.hub.opened.quotas
    async with served.browser(session=await served.session()) as owner:
        made = (await owner.post("/api/v1/keys", json={"name": "short"})).json()
        watchers = [await opened(served, made["token"]) for _ in range(LIMIT)]
        assert [await is_connected(one) for one in watchers] == [True] * LIMIT
        assert (await owner.delete(f"/api/v1/keys/{made['id']}")).status_code == 200
    for one in watchers:
        assert (await closes(one))[0] == 3500
        await one.close()
    await until(lambda: len(quotas.sockets) == len(quotas.addresses) == 0)


async def test_a_person_is_one_holder_however_many_sessions_she_has(served: Served) -> None:
    quotas = served.hub.opened.quotas
    async with AsyncExitStack() as stack:
        answers: list[bool] = []
        for _ in range(LIMIT + 1):
            headers = {"Cookie": f"pygent_session={await served.session()}"}
            watcher = await stack.enter_async_context(
                connect(
                    served.url.replace("http:", "ws:") + "/connection/websocket",
                    compression=None,
                    proxy=None,
                    origin=served.url,  # pyright: ignore[reportArgumentType]  a NewType of str
                    additional_headers=headers,
                )
            )
            await watcher.send('{"id":1,"connect":{}}')
            answers.append(await is_connected(watcher))
        assert answers == [True] * LIMIT + [False]
        assert len(quotas.sockets) == LIMIT


async def test_an_address_is_bounded_before_anybody_has_said_who_she_is(served: Served) -> None:
    quotas = served.hub.opened.quotas
    address = served.url.replace("http:", "ws:") + "/connection/websocket"
    async with AsyncExitStack() as stack:
        for _ in range(3 * LIMIT):
            await stack.enter_async_context(connect(address, compression=None, proxy=None))
        await until(lambda: len(quotas.addresses) == 3 * LIMIT)
        one_more = await stack.enter_async_context(connect(address, compression=None, proxy=None))
        assert await closes(one_more) == (3504, "connection limit")
        key = await served.key()
        task = await served.task()
        async with served.with_key(key) as program:
            answer = await program.get(f"/api/v1/tasks/{task}/stream")
        assert answer.status_code == 429
        assert "PYGENT_MAX_PER_ADDRESS" in answer.json()["detail"]
    await until(lambda: len(quotas.addresses) == 0)
    assert quotas.addresses.refused == 2


async def raw_request(served: Served, head: str) -> anyio.abc.SocketStream:
    host, port = served.url.removeprefix("http://").split(":")
    stream = await anyio.connect_tcp(host, int(port))
    await stream.send(head.encode())
    return stream


async def killed(stream: anyio.abc.SocketStream) -> None:
    """The connection is reset, without a word."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await anyio.aclose_forcefully(stream)


async def test_event_streams_are_bounded_and_counted_right_when_readers_vanish(
    served: Served,
) -> None:
    key, task, quotas = await served.key(), await served.task(), served.hub.opened.quotas
    path = f"/api/v1/tasks/{task}/stream"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    async with served.with_key(key) as program:
        for _ in range(2):
            readers = [await raw_request(served, head) for _ in range(LIMIT)]
            for reader in readers:
                assert b" 200 " in await reader.receive()
            answer = await program.get(path)
            assert_limit(answer, f"{LIMIT} event streams", "PYGENT_MAX_STREAMS")
            for reader in readers:
                await killed(reader)
            await until(lambda: len(quotas.streams) == len(quotas.addresses) == 0)
        await served.worker(task).begin()
        await served.worker(task, appended=2).finish()
        assert "event: end" in (await program.get(path)).text  # there is room, to the last event
    await until(lambda: len(quotas.streams) == 0)


async def test_uploads_are_bounded_and_counted_right_when_senders_vanish(served: Served) -> None:
    key, quotas = await served.key(), served.hub.opened.quotas
    path = "/api/v1/collections/c/documents"
    document = {"text": "words", "source": "a.md"}
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"text":'
    )
    async with served.with_key(key) as program:
        assert (await program.post("/api/v1/collections", json={"name": "c"})).status_code == 201
        for _ in range(2):
            senders = [await raw_request(served, head) for _ in range(LIMIT)]
            await until(lambda: len(quotas.uploads) == LIMIT)
            answer = await program.post(path, json=document)
            assert_limit(answer, f"{LIMIT} uploads", "PYGENT_MAX_UPLOADS")
            for sender in senders:
                await killed(sender)
            await until(lambda: len(quotas.uploads) == len(quotas.addresses) == 0)
        assert (await program.post(path, json=document)).status_code == 202
        assert (await program.post(path, json={"text": 1})).status_code == 422
    assert len(quotas.uploads) == 0


def assert_limit(answer: httpx.Response, *words: str) -> None:
    assert answer.status_code == 429, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    problem = answer.json()
    assert problem["code"] == "limit_exceeded"
    for word in words:
        assert word in problem["detail"]


async def test_metrics_count_what_is_open_and_what_was_refused(served: Served) -> None:
    key = await served.key()
    watchers = [await opened(served, key) for _ in range(LIMIT + 1)]
    assert sorted([await is_connected(one) for one in watchers]) == [False] + [True] * LIMIT
    async with served.with_key(key) as program:
        text = (await program.get("/health/metrics")).text
    assert 'pygent_quota_refusals_total{quota="sockets"} 1.0' in text
    assert 'pygent_quota_refusals_total{quota="uploads"} 0.0' in text
    for line in ("pygent_streams 0.0", "pygent_uploads 0.0", "pygent_commands_refused_total 0.0"):
        assert line in text
    for one in watchers:
        await one.close()


async def flood(watcher: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        for number in range(2, 20_002):
            await watcher.send(f'{{"id":{number},"history":{{"channel":"tasks:1"}}}}')


async def test_a_flood_of_commands_is_limited_then_cut_and_others_hardly_notice(
    served: Served,
) -> None:
    flooder = await opened(served, await served.key())
    healthy = await opened(served, await served.key(name="b"))
    assert await is_connected(flooder)
    assert await is_connected(healthy)
    seconds: list[float] = []
    answers: list[int] = []

    async with anyio.create_task_group() as group:
        group.start_soon(flood, flooder)
        for number in range(2, 12):
            began = time.process_time()  # of hub and both clients: others may be busy
            await healthy.send(f'{{"id":{number},"history":{{"channel":"tasks:1"}}}}')
            assert json.loads(await healthy.recv())["id"] == number
            seconds.append(time.process_time() - began)
        with anyio.fail_after(5):
            try:
                while True:
                    lines = map(json.loads, str(await flooder.recv()).split("\n"))
                    answers += [line.get("error", {}).get("code", 0) for line in lines]
            except ConnectionClosed:
                pass
    assert (flooder.close_code, flooder.close_reason) == (3013, "too many requests")
    assert set(answers) == {0, 111}
    assert answers.count(111) >= 10
    assert served.hub.opened.sockets.counters.flood_closes == 1
    assert served.hub.opened.sockets.commands_refused >= answers.count(111)
    assert statistics.median(seconds) < 0.25
    await healthy.close()
