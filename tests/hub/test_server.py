"""The server under the hub, against connections that ask for nothing, or for too much."""

import io
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress

import anyio
import anyio.to_thread
import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hub import server
from hub.server import HubServer, server_config
from tests.serving import logging_to

GET = b"GET / HTTP/1.1\r\nHost: hub\r\n"
UPGRADE = (
    b"GET /socket HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def slowly(_: Request) -> PlainTextResponse:
    await anyio.sleep(0.6)
    return PlainTextResponse("hello")


async def largely(_: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * 64 * 1024 * 1024)


async def silently(socket: WebSocket) -> None:
    await socket.accept()
    await anyio.sleep(0.6)
    await socket.send_text("hello")


async def patiently(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive()


async def vainly(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(WebSocketDisconnect):
        await socket.send_text(await socket.receive_text())


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[int]:
    monkeypatch.setattr(server, "HANDSHAKE_SECONDS", 0.3)
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    routes = [
        Route("/", slowly),
        Route("/large", largely),
        WebSocketRoute("/socket", silently),
        WebSocketRoute("/patient", patiently),
        WebSocketRoute("/vain", vainly),
    ]
    app = Starlette(routes=routes)

    async def drain() -> None: ...

    running = HubServer(server_config(app), drain=drain)
    async with anyio.create_task_group() as group:
        group.start_soon(running.serve)
        with anyio.fail_after(5):
            while not running.started:
                await anyio.sleep(0.01)
        yield running.servers[0].sockets[0].getsockname()[1]
        running.should_exit = True


async def answer_to(port: int, *sent: bytes, until: bytes | None = None) -> bytes:
    """What comes back until the server closes, or until these bytes."""
    got = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        with anyio.fail_after(5):
            for part in sent:
                await stream.send(part)
            while until is None or until not in got:
                try:
                    got += await stream.receive()
                except anyio.EndOfStream:
                    break
    return got


@pytest.mark.parametrize("sent", [b"", GET, GET + b"X: ", UPGRADE])
async def test_a_request_that_never_comes_is_not_waited_for(port: int, sent: bytes) -> None:
    assert await answer_to(port, *([sent] if sent else [])) == b""


async def test_half_a_second_request_is_not_waited_for(port: int) -> None:
    assert (await answer_to(port, GET + b"\r\n" + GET)).count(b"HTTP/1.1 200") == 1


async def test_a_slow_answer_and_a_silent_socket_are_left_alone(port: int) -> None:
    assert (await answer_to(port, GET + b"\r\n", until=b"hello")).endswith(b"hello")
    assert (await answer_to(port, UPGRADE + b"\r\n", until=b"hello")).endswith(b"hello")


@pytest.mark.parametrize("size", [10_000, 60_000, 1_000_000])
async def test_a_handshake_with_a_header_too_long_is_refused(port: int, size: int) -> None:
    answer = await answer_to(port, UPGRADE + b"X: " + b"a" * size + b"\r\n\r\n", until=b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("size", [60_000, 1_000_000])
async def test_a_handshake_with_an_address_too_long_is_refused(port: int, size: int) -> None:
    upgrade = UPGRADE.replace(b"/socket", b"/socket?" + b"a" * size) + b"\r\n"
    answer = await answer_to(port, upgrade, until=b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


async def test_text_that_is_none_closes_the_socket_without_a_traceback(port: int) -> None:
    log = io.StringIO()
    masked = b"\x81\x82\0\0\0\0\xff\xfe"
    with logging_to(log):
        answer = await answer_to(port, UPGRADE + b"\r\n", masked, until=b"\x88\x02\x03\xef")
    assert answer.startswith(b"HTTP/1.1 101")
    assert "Traceback" not in log.getvalue()


@pytest.mark.parametrize("wrong", [b"\x81\x82\0\0\0\0\xff\xfe", b"\xf1\x80\0\0\0\0"])
async def test_what_is_said_to_a_peer_that_broke_the_rules_meanwhile_is_no_traceback(
    port: int, wrong: bytes
) -> None:
    upgrade, right = UPGRADE.replace(b"/socket", b"/vain") + b"\r\n", b"\x81\x82\0\0\0\0{}"
    log = io.StringIO()
    with logging_to(log):
        answer = await answer_to(port, upgrade, right + wrong)
    assert answer.startswith(b"HTTP/1.1 101")
    assert "Traceback" not in log.getvalue()


async def test_pings_of_a_peer_that_reads_no_pongs_are_not_answered_for_ever(port: int) -> None:
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    process = psutil.Process()
    with _unread(port) as peer:
        peer.sendall(UPGRADE.replace(b"/socket", b"/patient") + b"\r\n")
        before = process.memory_info().rss
        sent = 0
        with anyio.fail_after(30):
            while sent < 16 * 1024 * 1024:
                sent += await anyio.to_thread.run_sync(peer.send, ping * 4000)
        assert process.memory_info().rss - before < 8 * 1024 * 1024


async def test_a_message_in_endless_empty_pieces_is_too_big(port: int) -> None:
    pieces = b"\x01\x81\0\0\0\0{" + b"\x00\x80\0\0\0\0" * 5000
    answer = await answer_to(port, UPGRADE + b"\r\n", pieces, until=b"\x88\x02\x03\xf1")
    assert answer.startswith(b"HTTP/1.1 101")


async def test_a_close_amid_a_message_in_pieces_is_answered_as_any_other(port: int) -> None:
    begun, close = b"\x01\x81\0\0\0\0{", b"\x88\x82\0\0\0\0\x03\xe8"
    answer = await answer_to(port, UPGRADE + b"\r\n", begun + close, until=b"\x88\x02\x03\xe8")
    assert answer.startswith(b"HTTP/1.1 101")


async def test_who_reads_nothing_of_a_large_answer_is_cut(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.3)
    with _unread(port) as peer:
        peer.sendall(b"GET /large HTTP/1.1\r\nHost: hub\r\n\r\n")
        with anyio.fail_after(10):
            while not await anyio.to_thread.run_sync(_is_cut, peer):
                await anyio.sleep(0.05)


def _unread(port: int) -> socket.socket:
    """A connection that takes next to nothing."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    peer.connect(("127.0.0.1", port))
    return peer


def _is_cut(peer: socket.socket) -> bool:
    try:
        peer.send(b" ")
    except OSError:
        return True
    return False
