"""Clients that only listen, by each of their transports: bare pushes, and what they missed."""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from protocols import channels, namespaces
from protocols.centrifugal.frames import MAX_FRAME_BYTES
from protocols.centrifugal.routes import PATH
from protocols.centrifugal.transports.routes import EMULATION_PATH
from protocols.centrifugal.transports.uni_routes import (
    UNI_HTTP_STREAM_PATH,
    UNI_SOCKET_PATH,
    UNI_SSE_PATH,
)
from store.addresses import Addresses
from tests.conformance.conftest import Served, served_on
from tests.hub.conftest import TEAM, dense
from tests.serving import until

NAMESPACES = namespaces.parse(
    '[{"name":"news","history_size":3,"history_seconds":60,"publish":"owners","presence":true,"join_leave":true},'
    '{"name":"closed","subscribe":"token"}]'
)
KINDS = pytest.mark.parametrize(
    "kind", ["socket", "socket by address", "sse", "sse posted", "http_stream"]
)
Next = Callable[[], Awaitable[dict[str, Any]]]
ENDED: dict[str, Any] = {"the": "end"}


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with served_on(addresses, NAMESPACES) as served:
        yield served


def request(token: str = "team-1", **subs: dict[str, Any]) -> str:
    named = {name.replace("__", ":"): wish for name, wish in subs.items()}
    return json.dumps({"token": token, "subs": named, "of a newer version": 1})


@asynccontextmanager
async def listener(served: Served, kind: str, asked: str) -> AsyncGenerator[Next]:
    """What comes, message by message; ENDED after the last."""
    async with contextlib.AsyncExitStack() as stack:
        if kind.startswith("socket"):
            yield await _by_socket(stack, served, asked, in_address="address" in kind)
            return
        http = await stack.enter_async_context(http_of(served))
        how: dict[str, Any] = {"content": asked}
        if kind == "sse":
            how = {"params": {"cf_connect": asked}}
        path = UNI_HTTP_STREAM_PATH if kind == "http_stream" else UNI_SSE_PATH
        method = "GET" if kind == "sse" else "POST"
        answer = await stack.enter_async_context(http.stream(method, path, **how))
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("no-store")
        yield lines_of(answer.aiter_lines())


async def _by_socket(
    stack: contextlib.AsyncExitStack, served: Served, asked: str, *, in_address: bool
) -> Next:
    url = served.url.replace(PATH, UNI_SOCKET_PATH)
    if in_address:
        url += "?" + str(httpx.QueryParams({"cf_connect": asked}))
    socket = await stack.enter_async_context(open_socket(url, proxy=None))
    if not in_address:
        await socket.send(asked)
    return _by_frames(socket)


def _by_frames(socket: ClientConnection) -> Next:
    waiting: list[str] = []

    async def following() -> dict[str, Any]:
        with anyio.fail_after(10):
            while not waiting:
                frame = await socket.recv()
                assert isinstance(frame, str)
                waiting.extend(frame.split("\n"))
        return json.loads(waiting.pop(0))

    return following


def lines_of(lines: AsyncIterator[str]) -> Next:
    async def following() -> dict[str, Any]:
        with anyio.fail_after(10):
            while not (line := await anext(lines, "end")):
                pass
        return ENDED if line == "end" else json.loads(line.removeprefix("data: "))

    return following


def http_of(served: Served) -> httpx.AsyncClient:
    site = served.url.replace("ws:", "http:").removesuffix(PATH)
    return httpx.AsyncClient(base_url=site, timeout=10, trust_env=False)


@KINDS
async def test_a_listener_is_told_of_its_channels_and_of_what_happens_in_them(
    served: Served, kind: str
):
    channel = served.write.new_stream()
    await served.write.append(channel, 3)
    asked = json.dumps(
        {"token": "team-1", "subs": {str(channel): {"recover": True, "offset": 1}, "news:a": {}}}
    )
    async with listener(served, kind, asked) as following:
        connect = (await following())["connect"]
        assert (connect["version"], connect["ping"]) == ("pygent", 25)
        assert len(connect["session"]) == 32
        assert not {"pong", "node"} & set(connect)
        told = await following()
        assert (told["channel"], told["subscribe"]["offset"]) == (str(channel), 1)
        missed = [await following() for _ in range(2)]
        assert [one["pub"]["offset"] for one in missed] == [2, 3]
        told = await following()
        assert (told["channel"], told["subscribe"]["positioned"]) == ("news:a", True)

        await served.write.append(channel, 40)
        pushed = [await following() for _ in range(40)]
        assert [one["pub"]["offset"] for one in pushed] == dense(4, 43)
        assert {one["channel"] for one in pushed} == {str(channel)}
        (connection,) = served.sockets
        assert connection.arrival.session == connect["session"]
        assert connection.arrival.transport.startswith("uni_")
        async with http_of(served) as http:  # nothing can be sent in its name
            body = {"session": connect["session"], "node": "here", "data": '{"id":9}'}
            assert (await http.post(EMULATION_PATH, json=body)).status_code == 404
    await until(lambda: len(served.sockets) == served.live.subscriptions == 0)


@KINDS
async def test_a_channel_that_is_refused_is_said_and_the_others_are_told(served: Served, kind: str):
    asked = request(nowhere__a={}, closed__a={"token": "x"}, tasks__2={}, news__a={})
    async with listener(served, kind, asked) as following:
        assert "connect" in await following()
        told = [await following() for _ in range(4)]
        ended = [one for one in told if "unsubscribe" in one]
        assert [one["channel"] for one in ended] == ["nowhere:a", "closed:a", "tasks:2"]
        assert {one["unsubscribe"]["code"] for one in ended} == {2000}
        assert told[3]["subscribe"]["recoverable"]


@KINDS
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (request("wrong"), 3500),
        ("no JSON", 3501),
        ("[]", 3501),
        (json.dumps({"token": "team-1", "name": "x" * 17}), 3501),
        (json.dumps({"subs": {"news:a": {"offset": -1}}}), 3501),
    ],
)
async def test_who_is_not_let_in_is_told_why_and_it_ends(
    served: Served, kind: str, asked: str, code: int
):
    async with listener(served, kind, asked) as following:
        told = await following()
        assert told["disconnect"]["code"] == code
        if not kind.startswith("socket"):
            assert await following() is ENDED
    await until(lambda: len(served.sockets) == 0)


@KINDS
async def test_trouble_that_may_pass_ends_it_so_that_its_client_comes_back(
    served: Served, kind: str
):
    served.tokens.is_away = True
    async with listener(served, kind, request()) as following:
        told = (await following())["disconnect"]
        assert (told["code"], told["reconnect"]) == (3004, True)


@KINDS
async def test_pings_are_not_answered_and_the_connection_lives_on(
    served: Served, monkeypatch: pytest.MonkeyPatch, kind: str
):
    monkeypatch.setattr("protocols.centrifugal.connection.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("protocols.centrifugal.deadlines.PING_SECONDS", 0.3)
    monkeypatch.setattr("protocols.centrifugal.deadlines.PONG_SECONDS", 0.1)
    async with listener(served, kind, request()) as following:
        assert "connect" in await following()
        assert [await following() for _ in range(4)] == [{}] * 4


async def test_who_has_lost_its_position_is_sent_to_come_again(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel)
    asked = json.dumps({"token": "team-1", "subs": {str(channel): {}}})
    async with listener(served, "http_stream", asked) as following:
        assert "connect" in await following()
        assert "subscribe" in await following()
        (watched,) = served.live.fanout
        served.live.fanout.lose(watched)
        told = (await following())["disconnect"]
        assert (told["code"], told["reconnect"]) == (3010, True)


async def test_a_token_that_ends_ends_the_connection_without_a_refresh(served: Served):
    async with listener(served, "http_stream", request("expires-2")) as following:
        connect = (await following())["connect"]
        assert "expires" not in connect
        assert (await following())["disconnect"]["code"] == 3005


async def test_what_a_listener_says_is_not_read_and_too_much_of_it_ends_it(served: Served):
    url = served.url.replace(PATH, UNI_SOCKET_PATH)
    async with open_socket(url, proxy=None) as socket:
        await socket.send(request())
        assert "connect" in json.loads(await socket.recv())
        for frame in ("", "{}", "no JSON", '{"id":2,"rpc":{}}', request()):
            await socket.send(frame)
        assert len(served.sockets) == 1
        for _ in range(1200):
            await socket.send("{}")
        with anyio.fail_after(5):
            await socket.wait_closed()
        assert socket.close_code == 3013
    async with open_socket(url, proxy=None) as socket:
        await socket.send("x" * (MAX_FRAME_BYTES + 1))
        with anyio.fail_after(5):
            await socket.wait_closed()
        assert socket.close_code == 1009


async def test_bodies_in_protobuf_are_refused_and_a_stopping_hub_says_so(served: Served):
    binary = {"Content-Type": "application/octet-stream"}
    async with http_of(served) as http:
        for path in (UNI_SSE_PATH, UNI_HTTP_STREAM_PATH):
            assert (await http.post(path, content=b"x", headers=binary)).status_code == 415
            large = b"x" * (MAX_FRAME_BYTES + 1)
            assert (await http.post(path, content=large)).status_code == 413
        assert (await http.get(UNI_HTTP_STREAM_PATH)).status_code == 405
    async with listener(served, "sse", request()) as following:
        assert "connect" in await following()
        await served.sockets.drain(within_seconds=0.0)
        said = {"code": 3001, "reason": "shutdown", "reconnect": True}
        assert await following() == {"disconnect": said}
        assert await following() is ENDED


async def test_who_comes_and_goes_and_what_is_published_to_applications_is_told(served: Served):
    ask = request(news__a={"join_leave": True, "delta": "fossil"})
    async with (
        listener(served, "http_stream", ask) as following,
        open_socket(served.url, proxy=None) as socket,
    ):
        assert "connect" in await following()
        assert "subscribe" in await following()
        assert "join" in await following()  # its own
        await socket.send('{"id":1,"connect":{"token":"team-1"}}')
        await socket.send('{"id":2,"subscribe":{"channel":"news:a"}}')
        assert (await following())["join"]["info"]["client"]
        await publish(served, 1, 2)
        pubs = [(await following())["pub"] for _ in range(2)]
        assert [(pub["data"], pub["offset"]) for pub in pubs] == [({"n": 1}, 1), ({"n": 2}, 2)]
        await socket.close()
        assert (await following())["leave"]["info"]["client"]


async def test_a_position_that_cannot_be_continued_is_seen_by_its_offset(served: Served):
    await publish(served, *range(1, 11))
    for offset, at in [(8, 8), (1, 10)]:
        wish = {"recover": True, "offset": offset}
        async with listener(served, "http_stream", request(news__a=wish)) as following:
            assert "connect" in await following()
            assert (await following())["subscribe"]["offset"] == at
            if at == offset:
                assert [(await following())["pub"]["offset"] for _ in range(2)] == [9, 10]


async def publish(served: Served, *numbers: int) -> None:
    for number in numbers:
        await served.live.publish(
            TEAM,
            channels.parse("news:a", NAMESPACES),
            data=b'{"n":%d}' % number,
            info=b"",
            is_subscribed=True,
        )
