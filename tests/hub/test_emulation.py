"""Streams whose commands come to another hub than theirs, as behind any load balancer."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pytest
from redis.asyncio import Redis

from hub import emulation
from hub.neighbours import Hearing, new_node
from protocols.centrifugal.transports.routes import EMULATION_PATH, HTTP_STREAM_PATH
from protocols.centrifugal.transports.sessions import MAX_WAITING_BYTES, Inbox, Sessions
from protocols.errors import InvalidRequest
from store.addresses import Addresses
from store.redis.keys import Keys, control_channel
from store.redis.messages import Form, Message
from tests.serving import Served, serving


@dataclass
class Stream:
    """A stream of one hub, spoken to by way of another."""

    http: httpx.AsyncClient
    lines: Any
    session: str
    node: str

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            return json.loads(await anext(self.lines))

    async def send(self, by: Served, *ids: int, **changes: str) -> httpx.Response:
        data = "\n".join(json.dumps({"id": number, "rpc": {}}) for number in ids)
        body = {"session": self.session, "node": self.node, "data": data, **changes}
        return await self.http.post(by.url + EMULATION_PATH, json=body)


@asynccontextmanager
async def stream_of(served: Served) -> AsyncGenerator[Stream]:
    frame = json.dumps({"id": 1, "connect": {"token": await served.key()}})
    async with (
        httpx.AsyncClient(timeout=10, trust_env=False) as http,
        http.stream("POST", served.url + HTTP_STREAM_PATH, content=frame) as answer,
    ):
        lines = answer.aiter_lines()
        told = json.loads(await anext(lines))["connect"]
        yield Stream(http, lines, told["session"], told["node"])


async def test_a_command_reaches_its_stream_by_any_hub_and_the_order_stays(
    served: Served, addresses: Addresses
) -> None:
    async with serving(addresses) as other, stream_of(served) as stream:
        assert stream.node == served.hub.opened.sampler.id  # one name, for all that has one
        numbers = list(range(2, 82))
        for number in numbers:
            answer = await stream.send(other if number % 3 else served, number)
            assert (answer.status_code, answer.content) == (204, b"")
        assert [(await stream.next())["id"] for _ in numbers] == numbers

        # Many at once, by one connection each: none is lost, whatever their order.
        async with anyio.create_task_group() as group:
            for number in range(100, 150):
                group.start_soon(stream.send, other, number, number + 1000)
        got = [(await stream.next())["id"] for _ in range(100)]
        assert sorted(got) == [*range(100, 150), *range(1100, 1150)]
        assert all(got.index(n) < got.index(n + 1000) for n in range(100, 150))


async def test_what_is_nowhere_is_404_in_the_same_words_on_every_hub(
    served: Served, addresses: Addresses
) -> None:
    async with serving(addresses) as other:
        async with stream_of(served) as stream:
            wrong: list[dict[str, str]] = [
                {"session": "x" * 32},
                {"session": ""},
                {"node": new_node()},
                {"node": ""},
                {"node": "*"},
                {"node": "x" * 65},
                {"node": f"{stream.node}\n"},
                {"session": f"{'x' * 31}\n"},
            ]
            answers = [await stream.send(by, 2, **one) for by in (served, other) for one in wrong]
            assert [answer.status_code for answer in answers] == [404] * 16
            assert len({answer.json()["detail"] for answer in answers}) == 1
        gone = await stream_after(stream, other)
        assert gone == 404


async def stream_after(stream: Stream, other: Served) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        stream.http = http
        with anyio.fail_after(5):
            while (answer := await stream.send(other, 2)).status_code == 204:
                await anyio.sleep(0.01)
        return answer.status_code


async def test_a_hub_that_hangs_is_waited_for_no_longer_than_is_said(
    served: Served, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "ACKNOWLEDGE_SECONDS", 0.3)
    node = new_node()
    redis = Redis.from_url(addresses.redis)
    heard = redis.pubsub()
    await heard.subscribe(Keys(addresses.redis_prefix).pubsub(control_channel(node)))
    try:
        async with stream_of(served) as stream:
            started = anyio.current_time()
            answer = await stream.send(served, 2, node=node)
            assert answer.status_code == 503
            assert anyio.current_time() - started < 3
            assert (await stream.send(served, 3)).status_code == 204
            assert (await stream.next())["id"] == 3
    finally:
        await heard.aclose()
        await redis.aclose()


async def test_without_redis_a_hubs_own_streams_are_served_and_others_said_to_be_away(
    addresses: Addresses,
) -> None:
    away = Addresses(
        database=addresses.database,
        redis="redis://127.0.0.1:1/0",
        redis_prefix=addresses.redis_prefix,
    )
    async with serving(away) as served, stream_of(served) as stream:
        assert (await stream.send(served, 2)).status_code == 204
        assert (await stream.next())["id"] == 2
        assert (await stream.send(served, 2, node=new_node())).status_code == 503


def handed(session: str, frame: bytes) -> Message:
    return Message(Form.ASK, emulation.KIND, "other", 1, session.encode() + b"\n" + frame)


async def test_what_is_handed_over_is_taken_refused_or_too_much() -> None:
    here, inbox = Sessions("here"), Inbox(b"first")
    with here.opened(inbox) as session:
        assert emulation.hear(here, handed(session, b"a\nb")) == b"taken"
        assert [await inbox.take(), await inbox.take()] == [b"first", b"a\nb"]
        assert emulation.hear(here, handed(session, b"x" * MAX_WAITING_BYTES)) == b"taken"
        assert emulation.hear(here, handed(session, b"x")) == b"full"
        assert emulation.hear(here, handed("other", b"x")) is None
    assert emulation.hear(here, handed(session, b"x")) is None
    assert emulation.hear(here, Message(Form.ASK, emulation.KIND, "other", 1, b"\xff")) is None


def test_each_kind_of_message_is_heard_once_and_others_not_at_all() -> None:
    hearing = Hearing()
    hearing.on("greeting", lambda message: message.body)
    assert hearing(Message(Form.ASK, "greeting", "other", 1, b"hello")) == b"hello"
    assert hearing(Message(Form.ASK, "of a newer version", "other", 1, b"hello")) is None
    with pytest.raises(ValueError, match="greeting"):
        hearing.on("greeting", lambda _: None)
    with pytest.raises(InvalidRequest):
        hearing.on("two words", lambda _: None)
