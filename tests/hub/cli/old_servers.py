"""Servers that are too old: as much of their protocol as a client needs to learn their version."""

import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import ByteStream, SocketAttribute

ENCRYPTION_REQUESTS = {80877103, 80877104}  # SSLRequest, GSSENCRequest


@asynccontextmanager
async def answering(serve: Callable[[ByteStream], Awaitable[None]]) -> AsyncGenerator[int]:
    """The port of a server on loopback until the end of the block."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def quietly(stream: ByteStream) -> None:
        async with stream:
            try:
                await serve(stream)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, quietly)
        yield listener.extra(SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def postgres_14(stream: ByteStream) -> None:
    """The start of a session (PostgreSQL, 54.2.1), which tells the version."""
    while struct.unpack("!ii", (await stream.receive())[:8])[1] in ENCRYPTION_REQUESTS:
        await stream.send(b"N")
    told = {"server_version": "14.19", "client_encoding": "UTF8", "integer_datetimes": "on"}
    await stream.send(message(b"R", struct.pack("!i", 0)))
    for name, value in told.items():
        await stream.send(message(b"S", f"{name}\0{value}\0".encode()))
    await stream.send(message(b"Z", b"I"))
    await stream.receive()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


async def redis_6(stream: ByteStream) -> None:
    """Answers INFO with its version, and everything else with OK (RESP)."""
    while True:
        asked = await stream.receive()
        if b"INFO" in asked.upper() and b"SETINFO" not in asked.upper():
            said = b"# Server\r\nredis_version:6.2.14\r\n"
            await stream.send(b"$%d\r\n%s\r\n" % (len(said), said))
        else:
            await stream.send(b"+OK\r\n" * asked.count(b"*"))
