"""The official clients get what they wish for: certain tags, or what changed."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from centrifuge import Client, DeltaType, Filter

from protocols import namespaces
from protocols.centrifugal.wire.form import Form
from protocols.principals import TeamId
from store.addresses import Addresses
from store.redis.publications import NewPublication, PublishOptions
from tests.conformance.clients import NODE, install_js_client
from tests.conformance.conftest import Served, served_on
from tests.conformance.test_sockets import FORMS
from tests.conformance.watching import Watching, watching
from tests.hub.conftest import dense

NAMESPACES = namespaces.parse(
    """[{"name": "news", "history_size": 100, "history_seconds": 300, "tags_filter": true},
        {"name": "price", "history_size": 100, "history_seconds": 300, "delta": true},
        {"name": "tick", "delta": true},
        {"name": "state", "history_size": 5, "history_seconds": 300, "recovery": "cache",
         "auto_cache_recover": true},
        {"name": "room", "presence": true, "join_leave": true},
        {"name": "plain"}]"""
)
HISTORY = PublishOptions(history_size=100, history_seconds=300)
BUILDS = pytest.mark.parametrize("build", ["centrifuge", "centrifuge/build/protobuf"])


def described(number: int) -> dict[str, Any]:
    """Long, and different from the one before it in two places, one of them not in ASCII."""
    text = "what stays as it is from one publication to the next " * 4
    return {"n": number, "text": text, "who": "\u00e4\u00f6" * (number % 3), "end": [text, number]}


async def publish(
    served: Served,
    channel: str,
    *datas: Any,
    options: PublishOptions = HISTORY,
    **tags: str,
) -> None:
    for data in datas:
        text = json.dumps(data, ensure_ascii=False).encode()
        new = NewPublication(data=text, tags=tags)
        await served.application.publish(TeamId(1), channel, new, options)


def offsets(one: Watching) -> list[int]:
    return [publication.offset for publication in one.publications]


@FORMS
async def test_a_client_gets_the_tags_it_wishes_for_also_of_what_it_missed(
    addresses: Addresses, form: Form
):
    wish = Filter.all(Filter.eq("kind", "goal"), Filter.negate(Filter.eq("by", "them")))
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url, "team-1", is_binary=form.is_binary, channel="news:a", tags_filter=wish
        ) as one,
        watching(served.url, "team-1", is_binary=form.is_binary, channel="news:a") as everything,
    ):
        for _ in range(3):
            await publish(served, "news:a", {"n": 1}, kind="goal", by="us")
            await publish(served, "news:a", {"n": 2}, kind="goal", by="them")
            await publish(served, "news:a", {"n": 3})
        await one.until_offset(7)
        one.cut()
        for _ in range(3):
            await publish(served, "news:a", {"n": 3}, kind="foul")
            await publish(served, "news:a", {"n": 1}, kind="goal")

        await one.until_offset(15)
        await everything.until_offset(15)
        assert offsets(one) == [1, 4, 7, 11, 13, 15]
        assert offsets(everything) == dense(1, 15)
        assert one.publications[0].tags == {"kind": "goal", "by": "us"}
        assert one.subscribed == [(False, False), (True, True)]


@pytest.mark.parametrize("channel", ["plain:a", "price:a"])
async def test_tags_are_refused_where_they_are_not_allowed(addresses: Addresses, channel: str):
    async with served_on(addresses, NAMESPACES) as served:
        client = Client(served.url, token="team-1", proxy=None)
        one = Watching(client, channel, is_binary=False, tags_filter=Filter.eq("a", "b"))
        await client.connect()
        await one.subscription.subscribe()
        with anyio.fail_after(10):
            while not one.ended:
                await anyio.sleep(0.01)
        assert one.ended == [107]
        await client.disconnect()


@FORMS
@pytest.mark.parametrize(
    ("channel", "options"), [("price:a", HISTORY), ("tick:a", PublishOptions())]
)
async def test_a_client_gets_what_changed_and_others_the_whole(
    addresses: Addresses, form: Form, channel: str, options: PublishOptions
):
    datas = [described(number) for number in dense(1, 30)]
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url,
            "team-1",
            is_binary=form.is_binary,
            channel=channel,
            delta=DeltaType.FOSSIL,
        ) as one,
        watching(served.url, "team-1", is_binary=form.is_binary, channel=channel) as other,
    ):
        await publish(served, channel, *datas, options=options)
        await one.until(30)
        await other.until(30)
        for watched in (one, other):
            assert [watched.read(publication) for publication in watched.publications] == datas
        assert [publication.delta for publication in one.publications] == [False] + [True] * 29
        assert not any(publication.delta for publication in other.publications)


@FORMS
async def test_what_was_missed_begins_with_a_whole_and_goes_on_in_changes(
    addresses: Addresses, form: Form
):
    datas = [described(number) for number in dense(1, 30)]
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url,
            "team-1",
            is_binary=form.is_binary,
            channel="price:a",
            delta=DeltaType.FOSSIL,
        ) as one,
    ):
        await publish(served, "price:a", *datas[:10])
        await one.until(10)
        one.cut()
        await publish(served, "price:a", *datas[10:20])
        await one.until(20)
        await publish(served, "price:a", *datas[20:])
        await one.until(30)
        assert [one.read(publication) for publication in one.publications] == datas
        assert offsets(one) == dense(1, 30)
        wholes = [n for n, publication in enumerate(one.publications, 1) if not publication.delta]
        assert wholes[0] == 1
        assert len(wholes) <= 3
        assert one.subscribed == [(False, False), (True, True)]


async def test_what_stands_beside_the_history_breaks_no_chain(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url, "team-1", is_binary=False, channel="price:a", delta=DeltaType.FOSSIL
        ) as one,
    ):
        await publish(served, "price:a", described(1), described(2))
        await publish(served, "price:a", described(3), options=PublishOptions())
        await publish(served, "price:a", described(4), described(5))
        await one.until(5)
        datas = [one.read(publication) for publication in one.publications]
        assert datas == [described(number) for number in dense(1, 5)]
        flags = [publication.delta for publication in one.publications]
        assert flags == [False, True, False, False, True]


@asynccontextmanager
async def js(
    url: str, build: str, channel: str, wishes: object, *, transport: str = "websocket"
) -> AsyncGenerator[list[Any]]:
    """What the npm client heard, as it hears it."""
    heard: list[Any] = []
    installed = await anyio.to_thread.run_sync(install_js_client)
    script = Path(__file__).parent / "wishes.mjs"
    command = [NODE / "node", "--experimental-eventsource", script, installed, build]
    command += [transport, url, "team-1", channel, json.dumps(wishes)]
    async with (
        await anyio.open_process([str(word) for word in command], stderr=None) as process,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listen, process, heard)
        try:
            await until(heard, 1)
            yield heard
        finally:
            process.terminate()
            group.cancel_scope.cancel()


async def listen(process: Process, heard: list[Any]) -> None:
    assert process.stdout is not None
    lines = BufferedByteReceiveStream(process.stdout)
    while True:
        try:
            heard.append(json.loads(await lines.receive_until(b"\n", 100_000)))
        except anyio.IncompleteRead:
            return


async def until(heard: list[Any], count: int) -> None:
    with anyio.fail_after(20):
        while len(heard) < count:
            await anyio.sleep(0.01)


@pytest.mark.parametrize(
    ("build", "transport"),
    [
        ("centrifuge", "websocket"),
        ("centrifuge/build/protobuf", "websocket"),
        ("centrifuge", "http_stream"),
        ("centrifuge/build/protobuf", "http_stream"),
        ("centrifuge", "sse"),
    ],
)
async def test_the_npm_client_gets_what_changed(addresses: Addresses, build: str, transport: str):
    datas = [described(number) for number in dense(1, 30)]
    async with served_on(addresses, NAMESPACES) as served:
        await publish(served, "price:a", *datas[:10])
        wishes = {"delta": "fossil", "since": {"offset": 0, "epoch": ""}}
        async with js(served.url, build, "price:a", wishes, transport=transport) as heard:
            await publish(served, "price:a", *datas[10:])
            await until(heard, 31)
            assert heard[0] == {"subscribed": True}
            assert [one["data"] for one in heard[1:]] == datas
            assert [one["offset"] for one in heard[1:]] == dense(1, 30)


@pytest.mark.parametrize(
    ("build", "transport"),
    [("centrifuge", "sse"), ("centrifuge/build/protobuf", "websocket")],
)
async def test_the_npm_client_is_told_who_is_there_and_comes_and_goes(
    addresses: Addresses, build: str, transport: str
):
    async with (
        served_on(addresses, NAMESPACES) as served,
        js(served.url, build, "room:a", {"joinLeave": True}, transport=transport) as heard,
    ):
        await until(heard, 3)
        async with watching(served.url, "viewer-1", is_binary=False, channel="room:a"):
            await until(heard, 4)
        await until(heard, 5)
        assert {"join": "key:team"} in heard[:3]
        assert {
            "users": ["key:team"],
            "stats": {"numClients": 1, "numUsers": 1},
        } in heard[:3]
        assert heard[3:] == [{"join": "key:viewer"}, {"leave": "key:viewer"}]


@BUILDS
async def test_the_npm_client_gets_the_newest_and_what_comes_then(addresses: Addresses, build: str):
    async with served_on(addresses, NAMESPACES) as served:
        await publish(served, "state:a", *dense(1, 20))
        async with (
            js(served.url, build, "state:a", {"since": {"offset": 3, "epoch": ""}}) as back,
            js(served.url, build, "state:a", {}) as new,
        ):
            await publish(served, "state:a", 21)
            for heard in (back, new):
                await until(heard, 3)
                assert [one["data"] for one in heard[1:]] == [20, 21]
                assert [one["offset"] for one in heard[1:]] == [20, 21]


@BUILDS
async def test_the_npm_client_gets_the_tags_it_wishes_for(addresses: Addresses, build: str):
    async with (
        served_on(addresses, NAMESPACES) as served,
        js(
            served.url,
            build,
            "news:a",
            {"tagsFilter": {"key": "n", "cmp": "gt", "val": "1"}},
        ) as heard,
    ):
        for number in dense(1, 4):
            await publish(served, "news:a", number, n=str(number))
        await until(heard, 4)
        assert [(one["offset"], one["tags"]) for one in heard[1:]] == [
            (number, {"n": str(number)}) for number in (2, 3, 4)
        ]
