"""A real HTTP server that speaks enough of OpenAI's chat completions to be asked by a client."""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream


@dataclass
class Reply:
    """What the server answers once: a status, chunks of a stream, or a cut connection."""

    chunks: list[dict[str, object]] = field(default_factory=list)
    status: int = 200
    is_cut: bool = False  # the connection ends after the chunks, without their end
    hangs: bool = False
    garbage: bytes = b""


@dataclass
class OpenAIServer:
    url: str
    replies: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    aborted: anyio.Event = field(default_factory=anyio.Event)


def text_chunks(pieces: Iterable[str], *, finish: str | None = "stop") -> list[dict[str, object]]:
    chunks: list[dict[str, object]] = [_chunk({"role": "assistant", "content": ""})]
    chunks += [_chunk({"content": piece}) for piece in pieces]
    if finish:
        chunks.append(_chunk({}, finish=finish))
    return chunks


def tool_chunks(name: str, arguments: str, *, call: str = "call_1") -> list[dict[str, object]]:
    half = len(arguments) // 2
    first = {
        "index": 0,
        "id": call,
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }
    return [
        _chunk(
            {
                "role": "assistant",
                "tool_calls": [{**first, "function": {"name": name, "arguments": ""}}],
            }
        ),
        _chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments[:half]}}]}),
        _chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments[half:]}}]}),
        _chunk({}, finish="tool_calls"),
    ]


def usage_chunk(**usage: object) -> dict[str, object]:
    return {**_chunk({}), "choices": [], "usage": usage}


def _chunk(delta: dict[str, object], *, finish: str | None = None) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


@asynccontextmanager
async def openai_server(*replies: Reply) -> AsyncGenerator[OpenAIServer]:
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        port = listener.extra(SocketAttribute.local_port)
        server = OpenAIServer(f"http://127.0.0.1:{port}/v1", list(replies))

        async def serve(stream: SocketStream) -> None:
            async with stream:
                try:
                    while await _answer(stream, server):
                        pass
                except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
                    server.aborted.set()

        group.start_soon(listener.serve, serve)
        yield server
        group.cancel_scope.cancel()


async def _answer(stream: SocketStream, server: OpenAIServer) -> bool:
    request = await _request(stream)
    server.requests.append(request)
    reply = server.replies.pop(0) if server.replies else Reply(status=500)
    if reply.status != 200:
        body = json.dumps({"error": {"message": "secret detail of the provider"}}).encode()
        head = f"HTTP/1.1 {reply.status} No\r\ncontent-type: application/json\r\n"
        await stream.send(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return True
    await stream.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    for chunk in reply.chunks:
        await _send(stream, b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await anyio.sleep(0.002)
    if reply.garbage:
        await _send(stream, reply.garbage)
    if reply.hangs:
        await stream.receive()  # until the client leaves
    if reply.is_cut:
        return False
    await _send(stream, b"data: [DONE]\n\n")
    await stream.send(b"0\r\n\r\n")
    return True


async def _send(stream: SocketStream, data: bytes) -> None:
    await stream.send(b"%x\r\n%s\r\n" % (len(data), data))


async def _request(stream: SocketStream) -> dict[str, Any]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += await stream.receive()
    return json.loads(body)
