"""A WebSocket by hand: frames with any bits, and what comes back of them, without a library.

What is allowed (RFC 6455) is not known here.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ANSWER_SECONDS = 10.0
LONGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Frame:
    """What came."""

    opcode: int
    data: bytes

    @property
    def code(self) -> int:
        """Of a close; 1005 where it has none."""
        return int.from_bytes(self.data[:2]) if self.data else 1005


def frame(
    opcode: int,
    data: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """A frame, as right or wrong as it is asked for.

    Args:
        opcode: Four bits.
        data: What it carries.
        fin: Whether it is the last of its message.
        reserved: Three bits.
        masked: As a client's must be.
        length: What it says its length were, if that is not so.
    """
    size = len(data) if length is None else length
    head = bytearray([fin << 7 | reserved << 4 | opcode])
    if size < 126:
        head.append(masked << 7 | size)
    elif size < 1 << 16:
        head += bytes([masked << 7 | 126]) + size.to_bytes(2)
    else:
        head += bytes([masked << 7 | 127]) + size.to_bytes(8)
    if not masked:
        return bytes(head) + data
    mask = os.urandom(4)
    return bytes(head) + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))


class RawSocket:
    """One connection, its handshake done."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream = stream
        self._coming = BufferedByteReceiveStream(stream)

    async def shake_hands(self, url: str, *, subprotocol: str | None) -> None:
        """Upgrade."""
        where = urlsplit(url)
        lines = [
            f"GET {where.path} HTTP/1.1",
            f"Host: {where.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
            "\r\n",
        ]
        await self._stream.send("\r\n".join(lines).encode())
        head = await self._coming.receive_until(b"\r\n\r\n", 4096)
        assert head.startswith(b"HTTP/1.1 101"), head

    async def send(self, *frames: bytes) -> None:
        """In one piece; whoever has closed already takes nothing."""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._stream.send(b"".join(frames))

    async def next(self) -> Frame | None:
        """The next frame; None: the connection ended without one."""
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                first, second = await self._coming.receive_exactly(2)
                assert not second & 0x80, "a server masks nothing"
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(
                        await self._coming.receive_exactly(2 if size == 126 else 8)
                    )
                return Frame(first & 0x0F, await self._coming.receive_exactly(size))
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
            return None


@asynccontextmanager
async def raw_socket(url: str, *, subprotocol: str | None = None) -> AsyncGenerator[RawSocket]:
    """A connection to this WebSocket; it is cut at the end of the block."""
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    async with await anyio.connect_tcp(where.hostname, where.port) as stream:
        socket = RawSocket(stream)
        await socket.shake_hands(url, subprotocol=subprotocol)
        yield socket
