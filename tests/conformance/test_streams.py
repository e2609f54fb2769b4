"""The streams that stand in for a WebSocket, over a real server."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketStream

from protocols.centrifugal.frames import MAX_FRAME_BYTES
from protocols.centrifugal.routes import PATH
from protocols.centrifugal.transports import bodies
from protocols.centrifugal.transports.routes import EMULATION_PATH, HTTP_STREAM_PATH, SSE_PATH
from tests.conformance.conftest import Served
from tests.hub.conftest import dense
from tests.serving import until

CONNECT = {"id": 1, "connect": {"token": "team-1", "name": "test"}}
ENDED: dict[str, Any] = {}
BINARY = {"Content-Type": "application/octet-stream"}

KINDS = pytest.mark.parametrize("kind", ["http_stream", "sse", "sse posted"])


class Stream:
    """What one stream says, message by message, and the way back to it."""

    def __init__(self, http: httpx.AsyncClient, response: httpx.Response) -> None:
        self.response = response
        self.connected: dict[str, Any] = {}
        self._http = http
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next message; ENDED after the last."""
        with anyio.fail_after(10):
            while not (line := await anext(self._lines, "end")):
                pass
        message = ENDED if line == "end" else json.loads(line.removeprefix("data: "))
        self.connected = message.get("connect", self.connected)
        return message

    async def send(self, *commands: object, **changes: object) -> httpx.Response:
        known = {name: self.connected[name] for name in ("session", "node")}
        data = "\n".join(json.dumps(command) for command in commands)
        return await self._http.post(EMULATION_PATH, json={**known, "data": data, **changes})


def http_of(served: Served) -> httpx.AsyncClient:
    site = served.url.replace("ws:", "http:").removesuffix(PATH)
    return httpx.AsyncClient(base_url=site, timeout=10, trust_env=False)


async def raw(served: Served) -> SocketStream:
    address = httpx.URL(served.url)
    return await anyio.connect_tcp(address.host, address.port or 0)


@asynccontextmanager
async def stream_of(
    served: Served, *commands: object, kind: str = "http_stream"
) -> AsyncGenerator[Stream]:
    frame = "\n".join(json.dumps(command) for command in commands)
    path = HTTP_STREAM_PATH if kind == "http_stream" else SSE_PATH
    asked: dict[str, Any] = {"params": {"cf_connect": frame}} if kind == "sse" else {}
    async with http_of(served) as http:
        method = "GET" if kind == "sse" else "POST"
        content = None if kind == "sse" else frame
        async with http.stream(method, path, content=content, **asked) as response:
            assert response.status_code == 200
            yield Stream(http, response)


def subscribe(command_id: int, channel: object, **since: object) -> dict[str, Any]:
    return {"id": command_id, "subscribe": {"channel": str(channel), **since}}


@KINDS
async def test_a_stream_is_followed_and_spoken_to(served: Served, kind: str):
    one, other = served.write.new_stream(), served.write.new_stream()
    await served.write.append(one, 3)
    await served.write.append(other)

    since = {"recover": True, "offset": 1}
    async with stream_of(served, CONNECT, subscribe(2, one, **since), kind=kind) as stream:
        assert stream.response.headers["cache-control"].startswith("no-store")
        assert stream.response.headers["x-accel-buffering"] == "no"
        result = (await stream.next())["connect"]
        assert (result["version"], result["ping"], result["pong"]) == ("pygent", 25, True)
        found = (await stream.next())["subscribe"]
        assert [pub["offset"] for pub in found["publications"]] == [2, 3]

        answer = await stream.send(subscribe(3, other), {"id": 4, "rpc": {}})
        assert (answer.status_code, answer.content) == (204, b"")
        assert [(await stream.next())["id"] for _ in range(2)] == [3, 4]
        await served.write.append(other, 40)
        pushed = [(await stream.next())["push"]["pub"]["offset"] for _ in range(40)]
        assert pushed == dense(2, 41)
        assert len(served.sockets) == 1

    await until(lambda: len(served.sockets) == served.live.subscriptions == 0)
    async with http_of(served) as http:
        known = {name: stream.connected[name] for name in ("session", "node")}
        answer = await http.post(EMULATION_PATH, json={**known, "data": "{}"})
    assert answer.status_code == 404


async def test_a_stream_that_was_cut_is_continued_from_its_position(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel, 2)
    async with stream_of(served, CONNECT, subscribe(2, channel)) as stream:
        await stream.next()
        position = (await stream.next())["subscribe"]
    await served.write.append(channel, 3)

    since = {"recover": True, "offset": position["offset"], "epoch": position["epoch"]}
    async with stream_of(served, CONNECT, subscribe(2, channel, **since)) as stream:
        await stream.next()
        found = (await stream.next())["subscribe"]
        assert found["recovered"]
        offsets = [pub["offset"] for pub in found.get("publications", [])]
        while len(offsets) < 3:  # the hub may hear of them after the answer
            offsets.append((await stream.next())["push"]["pub"]["offset"])
        assert offsets == [3, 4, 5]


async def test_commands_for_no_session_here_are_all_refused_alike(served: Served):
    async with stream_of(served, CONNECT) as stream, stream_of(served, CONNECT) as other:
        await stream.next()
        await other.next()
        assert stream.connected["session"] != other.connected["session"]
        assert len(stream.connected["session"]) >= 32
        wrong = [{"session": "x"}, {"session": ""}, {"node": "x"}, {"node": ""}]
        answers = [await stream.send({"id": 2, "rpc": {}}, **one) for one in wrong]
        assert [answer.status_code for answer in answers] == [404] * 4
        assert len({answer.json()["detail"] for answer in answers}) == 1

        await stream.send({"id": 3, "rpc": {}})
        assert (await stream.next())["id"] == 3


@pytest.mark.parametrize("path", [HTTP_STREAM_PATH, SSE_PATH, EMULATION_PATH])
async def test_bodies_are_bounded_in_size_and_time(
    served: Served, monkeypatch: pytest.MonkeyPatch, path: str
):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)

    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(3):
            yield b"x" * (MAX_FRAME_BYTES // 2)

    async with http_of(served) as http:
        declared = await http.post(path, content=b"x" * (MAX_FRAME_BYTES + 1))
        counted = await http.post(path, content=pieces())
        assert [declared.status_code, counted.status_code] == [413, 413]
        assert (await http.post(SSE_PATH, content=b"x", headers=BINARY)).status_code == 415
    async with await raw(served) as stuck:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        await stuck.send(head.encode() + b"x")
        with anyio.fail_after(5):
            assert b" 408 " in await stuck.receive()
    assert len(served.sockets) == 0


async def test_what_is_no_request_is_refused_and_what_is_no_command_ends_the_stream(
    served: Served,
):
    async with http_of(served) as http:
        assert (await http.get(SSE_PATH)).status_code == 422
        for content in (b"x", b"\x0a\xff", b"\x08\x01", b"\x0a\x01\xff"):
            answer = await http.post(EMULATION_PATH, content=content, headers=BINARY)
            assert answer.status_code == 400
        assert (await http.post(EMULATION_PATH, content=b"", headers=BINARY)).status_code == 404
        for content in (b"", b"{}", b'{"data":[]}', b"[]", b'{"session":1}', b"\xff", b"[" * 9999):
            assert (await http.post(EMULATION_PATH, content=content)).status_code == 400
        assert (await http.get(HTTP_STREAM_PATH)).status_code == 405
        assert (await http.options(EMULATION_PATH)).status_code == 405
        assert (await http.post(HTTP_STREAM_PATH, content=b"")).text.count("3501") == 1
    async with stream_of(served, CONNECT) as stream:
        await stream.next()
        assert (await stream.send("no command")).status_code == 204
        said = {"code": 3501, "reason": "bad request"}
        assert await stream.next() == {"push": {"disconnect": said}}
        assert await stream.next() is ENDED


async def test_a_wrong_token_ends_the_stream_for_good(served: Served):
    async with stream_of(served, {"id": 1, "connect": {"token": "wrong"}}, kind="sse") as stream:
        said = {"code": 3500, "reason": "invalid token"}
        assert await stream.next() == {"push": {"disconnect": said}}
        assert await stream.next() is ENDED


@KINDS
async def test_a_stopping_server_says_so_and_ends_each_stream(served: Served, kind: str):
    said = {"push": {"disconnect": {"code": 3001, "reason": "shutdown", "reconnect": True}}}
    async with stream_of(served, CONNECT, kind=kind) as stream:
        await stream.next()
        await served.sockets.drain(within_seconds=0.05)
        assert await stream.next() == said
        assert await stream.next() is ENDED
    async with stream_of(served, CONNECT, kind=kind) as late:
        assert await late.next() == said
        assert await late.next() is ENDED


async def test_a_silent_client_is_pinged_and_its_pong_comes_by_a_request(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("protocols.centrifugal.connection.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("protocols.centrifugal.deadlines.PING_SECONDS", 0.6)
    monkeypatch.setattr("protocols.centrifugal.deadlines.PONG_SECONDS", 0.5)
    async with stream_of(served, CONNECT, kind="sse") as stream:
        await stream.next()
        assert await stream.next() == {}
        assert (await stream.send({})).status_code == 204
        assert await stream.next() == {}
        assert (await stream.next())["push"]["disconnect"]["code"] == 3012
        assert await stream.next() is ENDED


async def test_a_reader_that_reads_nothing_is_cut_as_slow_and_lets_go(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("protocols.centrifugal.outbox.WRITE_SECONDS", 0.3)
    monkeypatch.setattr("protocols.centrifugal.transports.stream.CLOSE_SECONDS", 0.2)
    monkeypatch.setattr("hub.server.UNREAD_SECONDS", 1.5)
    channel = served.write.new_stream()
    await served.write.append(channel)
    frame = f"{json.dumps(CONNECT)}\n{json.dumps(subscribe(2, channel))}".encode()
    head = f"POST {HTTP_STREAM_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(frame)}\r\n\r\n"

    async with await raw(served) as stuck:
        await stuck.send(head.encode() + frame)
        await until(lambda: served.live.subscriptions == 1)
        for _ in range(60):
            await served.write.append(channel, 20, size=16_000)
        await until(lambda: served.sockets.counters.slow_closes == 1)
        await until(lambda: not served.server.server_state.connections)

    assert served.live.subscriptions == len(served.sockets) == 0
