"""Streams of Protobuf, read as the official clients read them."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import anyio
import msgspec
from centrifuge.protocol import client_pb2

from protocols.centrifugal.transports.routes import EMULATION_PATH, HTTP_STREAM_PATH
from protocols.centrifugal.wire import translate
from protocols.centrifugal.wire.commands import (
    Command,
    ConnectRequest,
    EmulationRequest,
    RPCRequest,
    SubscribeRequest,
)
from protocols.centrifugal.wire.protobuf_form import varint
from tests.conformance.conftest import Served
from tests.conformance.test_streams import BINARY, http_of

REPLY: Any = client_pb2.Reply  # pyright: ignore[reportAttributeAccessIssue]  made at run time


async def test_a_stream_speaks_protobuf_to_who_asks_in_it(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel, 2)
    commands = (
        Command(id=1, connect=ConnectRequest(token="team-1")),
        Command(id=2, subscribe=SubscribeRequest(channel=str(channel), recover=True)),
    )
    async with http_of(served) as http:
        frame = b"".join(spelled(one) for one in commands)
        async with http.stream("POST", HTTP_STREAM_PATH, content=frame, headers=BINARY) as response:
            assert response.headers["content-type"] == "application/octet-stream"
            replies = read_replies(response.aiter_raw())
            connected = (await anext(replies)).connect
            found = (await anext(replies)).subscribe
            assert [one.offset for one in found.publications] == [1, 2]
            await served.write.append(channel)
            assert (await anext(replies)).push.pub.offset == 3

            request = EmulationRequest(
                node=connected.node,
                session=connected.session,
                data=msgspec.Raw(spelled(Command(id=3, rpc=RPCRequest()))),
            )
            answer = await http.post(
                EMULATION_PATH, content=translate.write(request), headers=BINARY
            )
            assert answer.status_code == 204
            assert (await anext(replies)).id == 3
            await served.sockets.drain(within_seconds=0.0)
            assert (await anext(replies)).push.disconnect.code == 3001
            assert [one async for one in replies] == []


def spelled(command: Command) -> bytes:
    message = translate.write(command)
    return varint(len(message)) + message


async def read_replies(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Any]:
    """As the official clients read a body: by the length before each."""
    buffer = b""
    while True:
        while (size_bytes := next((n for n, byte in enumerate(buffer, 1) if byte < 128), 0)) > 0:
            size = sum((byte & 127) << 7 * n for n, byte in enumerate(buffer[:size_bytes]))
            if len(buffer) < size_bytes + size:
                break
            reply = REPLY()
            reply.ParseFromString(buffer[size_bytes : size_bytes + size])
            buffer = buffer[size_bytes + size :]
            yield reply
        with anyio.fail_after(10):
            piece = await anext(pieces, b"")
        if not piece:
            assert not buffer
            return
        buffer += piece
