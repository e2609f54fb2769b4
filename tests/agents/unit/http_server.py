"""A real HTTP server on loopback: answers with what a test gave it, keeps what it was asked.

It knows no provider's protocol: `anthropic_wire.py` and `google_wire.py` write the answers.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream

BETWEEN_SECONDS = 0.002  # so that pieces arrive one by one


@dataclass
class Reply:
    """What the server answers once.

    Attributes:
        pieces: Of the body, sent one by one.
        status: Other than 200: the pieces are the whole body, as JSON.
        is_cut: The connection ends after the pieces, without the end of the body.
        hangs: Nothing follows the pieces until the client leaves.
        is_silent: Not even a head is sent until the client leaves.
    """

    pieces: list[bytes] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    hangs: bool = False
    is_silent: bool = False


@dataclass(frozen=True)
class Request:
    """As it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Server:
    """One that answers its replies in turn."""

    url: str
    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # of the requests
    left: anyio.Event = field(default_factory=anyio.Event)  # by a client, in the middle


def event(data: object, *, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


@asynccontextmanager
async def http_server(*replies: Reply) -> AsyncGenerator[Server]:
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        port = listener.extra(SocketAttribute.local_port)
        server = Server(f"http://127.0.0.1:{port}", list(replies))

        async def serve(stream: SocketStream) -> None:
            async with stream:
                try:
                    while await _answer(stream, server):
                        pass
                except anyio.EndOfStream:
                    pass  # between two requests
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    server.left.set()

        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()


async def _answer(stream: SocketStream, server: Server) -> bool:
    server.requests.append(await _request(stream))
    server.times.append(anyio.current_time())
    reply = server.replies.pop(0) if server.replies else Reply([b"{}"], status=418)
    if reply.is_silent:
        await _until_left(stream, server)
        return False
    headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    if reply.status != 200:
        body = b"".join(reply.pieces)
        head = f"HTTP/1.1 {reply.status} No\r\ncontent-type: application/json\r\n{headers}"
        await stream.send(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return True
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{headers}"
    await stream.send(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
    for piece in reply.pieces:
        await stream.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        await anyio.sleep(BETWEEN_SECONDS)
    if reply.hangs:
        await _until_left(stream, server)
        return False
    if reply.is_cut:
        return False
    await stream.send(b"0\r\n\r\n")
    return True


async def _until_left(stream: SocketStream, server: Server) -> None:
    try:
        await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        server.left.set()


async def _request(stream: SocketStream) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    while len(body) < int(headers["content-length"]):
        body += await stream.receive()
    return Request(first.split(" ")[1], headers, json.loads(body))
