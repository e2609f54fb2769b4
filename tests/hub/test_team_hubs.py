"""The hub looked at over REST: processes, connections and channels of one team, on all hubs."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from hub import inspection, team_hubs
from protocols.centrifugal.membership import Membership
from protocols.errors import Forbidden, InvalidRequest, NotFound
from protocols.operations.hubs import (
    ChannelsQuery,
    ClientsQuery,
    CloseClients,
    HubActivity,
    HubsNow,
    Kept,
    NamespaceActivity,
)
from protocols.principals import FIRST_TEAM, Actor, Principal, Role, TeamId
from store.addresses import Addresses
from tests.serving import Served, serving

NAMESPACES = json.dumps(
    [
        {"name": "news", "history_size": 50, "history_seconds": 60},
        {"name": "now"},
    ]
)


@asynccontextmanager
async def hub_on(addresses: Addresses) -> AsyncGenerator[Served]:
    """A hub that is on the roll, so that others ask it."""
    async with serving(addresses, limits={"namespaces": NAMESPACES}) as served:
        opened = served.hub.opened
        with anyio.fail_after(20):
            while opened.sampler.id not in await opened.store.broker.roll.rows():
                await anyio.sleep(0.02)
        yield served


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hubs of a test share one loop with it, and that a machine that may be busy."""
    monkeypatch.setattr(team_hubs, "ANSWER_SECONDS", 5.0)


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with hub_on(addresses) as served:
        await served.agent()
        yield served


class Someone:
    """A client of a hub."""

    def __init__(self, socket: ClientConnection, client: str) -> None:
        self.socket = socket
        self.id = client

    async def subscribe(self, channel: str, **request: Any) -> dict[str, Any]:
        asked = {"id": 9, "subscribe": {"channel": channel, **request}}
        await self.socket.send(json.dumps(asked))
        return (await self.next())["subscribe"]

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            return json.loads(await self.socket.recv())

    async def closed(self) -> int:
        with anyio.fail_after(5):
            await self.socket.wait_closed()
        return self.socket.close_code or 0


@asynccontextmanager
async def someone(served: Served, key: str, *channels: str) -> AsyncGenerator[Someone]:
    url = served.url.replace("http:", "ws:") + "/connection/websocket"
    async with open_socket(url, proxy=None) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": key}}))
        who = Someone(socket, json.loads(await socket.recv())["connect"]["client"])
        for channel in channels:
            await who.subscribe(channel)
        yield who


async def publish(served: Served, key: str, channel: str, data: object) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as http:
        answer = await http.post(
            "/api/publish", json={"channel": channel, "data": data}, headers={"X-API-Key": key}
        )
        assert "error" not in answer.json()


def of(found: HubsNow, hub: Served) -> HubActivity:
    return next(one for one in found.activities if one.id == hub.hub.opened.sampler.id)


def namespace(activity: HubActivity, name: str) -> NamespaceActivity:
    return next(one for one in activity.namespaces if one.name == name)


async def test_what_the_team_has_is_told_by_process_and_namespace(
    served: Served, addresses: Addresses
) -> None:
    key = await served.key()
    stranger = await served.key(team=TeamId(2))
    task = f"task:{await served.task()}"
    async with (
        hub_on(addresses) as other,
        someone(served, key, "news:a", task) as one,
        someone(other, key, "news:a", "news:b", "now:x", "tasks:1"),
        someone(other, stranger, "news:a", "news:z"),
        await served.client() as client,
    ):
        await publish(served, key, "news:a", {"goal": 1})
        await one.next()
        with anyio.fail_after(5):
            while True:
                found = await client.hubs.now()
                if namespace(of(found, other), "news").deliveries == 1:
                    break
                await anyio.sleep(0.02)
        assert (found.silent, found.is_whole) == ([], True)
        assert found.hub == served.hub.opened.sampler.id == found.processes[0].id
        here, there = of(found, served), of(found, other)
        assert (here.connections, there.connections) == (1, 1)
        told = {
            one.name: (one.kept, one.channels, one.subscribers, one.deliveries)
            for one in there.namespaces
        }
        assert told == {
            "news": (Kept.HISTORY, 2, 2, 1),
            "now": (Kept.NOTHING, 1, 1, 0),
            "tasks": (Kept.FEED, 1, 1, 0),
        }
        assert {one.name: one.kept for one in here.namespaces} == {
            "news": Kept.HISTORY,
            "task": Kept.LOG,
        }
        assert here.slow_readers == []


async def test_recoveries_are_told_with_their_source(served: Served) -> None:
    key = await served.key()
    task = f"task:{await served.task()}"
    await publish(served, key, "news:a", 1)
    async with someone(served, key) as one, await served.client() as client:
        epoch = served.store.log.epoch
        await one.subscribe(task, recover=True, offset=0, epoch=epoch)
        await one.subscribe("news:a", recover=True, offset=0, epoch="")
        await one.subscribe("tasks:1", recover=True, offset=9_999_999, epoch="other")
        activity = of(await client.hubs.now(), served)
    assert namespace(activity, "task").recoveries.from_log == 1
    assert namespace(activity, "news").recoveries.from_history == 1
    assert namespace(activity, "tasks").recoveries.not_recovered == 1
    assert namespace(activity, "tasks").kept is Kept.FEED


async def test_connections_are_found_by_id_user_and_channel_on_all_hubs(
    served: Served, addresses: Addresses
) -> None:
    key = await served.key()
    async with (
        hub_on(addresses) as other,
        someone(served, key, "news:a") as first,
        someone(other, key, "news:a", "news:b") as second,
        someone(other, await served.key(team=TeamId(2)), "news:a"),
        await served.client() as client,
    ):
        found = await client.hubs.clients(ClientsQuery())
        assert [one.client for one in found.items] == [first.id, second.id]
        assert (found.total, found.is_whole) == (2, True)
        cut = await client.hubs.clients(ClientsQuery(limit=1))
        assert ([one.client for one in cut.items], cut.total) == ([first.id], 2)
        (row,) = (await client.hubs.clients(ClientsQuery(client=second.id))).items
        assert (row.channels, row.subscriptions) == (["news:a", "news:b"], 2)
        assert (row.transport, row.protocol) == ("websocket", "json")
        assert row.hub == other.hub.opened.sampler.id
        for search, expected in (
            (second.id[:13], {second.id}),
            ("news:b", {second.id}),
            ("news:a", {first.id, second.id}),
            ("news:", set[str]()),
            (row.user.upper(), {first.id, second.id}),
        ):
            rows = (await client.hubs.clients(ClientsQuery(search=search))).items
            assert {one.client for one in rows} == expected, search


async def test_channels_are_put_together_over_hubs_and_cut_ones_are_counted(
    served: Served, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await served.key()
    async with (
        hub_on(addresses) as other,
        someone(served, key, "news:a", "now:x"),
        someone(other, key, "news:a"),
        someone(other, await served.key(team=TeamId(2)), "news:secret"),
        await served.client() as client,
    ):
        await publish(served, key, "news:a", 1)
        found = await client.hubs.channels(ChannelsQuery())
        assert [(one.name, one.subscribers) for one in found.items] == [("news:a", 2), ("now:x", 1)]
        assert found.total == 2
        assert [
            one.name for one in (await client.hubs.channels(ChannelsQuery(search="OW:"))).items
        ] == ["now:x"]
        cut = await client.hubs.channels(ChannelsQuery(limit=1))
        assert ([one.name for one in cut.items], cut.total) == (["news:a"], 2)
        monkeypatch.setattr(inspection, "MAX_CHANNELS", 1)
        cut = await client.hubs.channels(ChannelsQuery())
        assert ([one.name for one in cut.items], cut.total) == (["news:a"], 2)


async def test_a_channel_tells_its_position_who_is_in_it_and_what_came_last(
    served: Served, addresses: Addresses
) -> None:
    key = await served.key()
    foreign = await served.key(team=TeamId(2))
    task = f"task:{await served.task()}"
    async with (
        hub_on(addresses) as other,
        someone(other, key, "news:a") as one,
        await served.client() as client,
    ):
        await publish(served, key, "news:a", {"goal": 1})
        await publish(served, key, "news:a", "x" * 3000)
        found = await client.hubs.channel("news:a")
        assert (found.offset, found.total, found.kept) == (2, 1, Kept.HISTORY)
        assert [one.client for one in found.subscribers] == [one.id]
        assert [one.offset for one in found.last] == [2, 1]
        assert (found.last[0].bytes, len(found.last[0].data)) == (3002, team_hubs.SHOWN)
        assert found.last[1].data == '{"goal":1}'
        assert found.last[1].time is not None
        log = await client.hubs.channel(task)
        assert (log.offset, log.kept, log.total) == (1, Kept.LOG, 0)
        assert '"task.submitted"' in log.last[0].data
        nothing = await client.hubs.channel("now:x")
        assert (nothing.offset, nothing.epoch, nothing.last) == (0, "", [])
        for name in ("nowhere:a", "tasks:2", "task:x"):
            with pytest.raises(NotFound):
                await client.hubs.channel(name)
        async with served.with_key(foreign) as stranger:
            answer = await stranger.get("/api/v1/hub/channel", params={"name": task})
            assert answer.status_code == 404
            empty = await stranger.get("/api/v1/hub/channel", params={"name": "news:a"})
            assert (empty.json()["offset"], empty.json()["total"]) == (0, 0)


async def test_connections_are_closed_wherever_they_are_and_counted(
    served: Served, addresses: Addresses
) -> None:
    key = await served.key()
    foreign = await served.key(team=TeamId(2))
    async with (
        hub_on(addresses) as other,
        someone(other, key) as there,
        someone(served, key) as again,
        someone(other, foreign) as spared,
        await served.client() as client,
    ):
        asked = CloseClients(client=spared.id)
        assert (await client.hubs.close(asked)).closed == 0
        assert (await client.hubs.close(CloseClients(client=there.id))).closed == 1
        assert await there.closed() == 3503
        (row,) = (await client.hubs.clients(ClientsQuery())).items
        assert (
            await client.hubs.close(CloseClients(client=row.client, user="somebody else"))
        ).closed == 0
        assert (await client.hubs.close(CloseClients(user=row.user, is_final=False))).closed == 1
        assert await again.closed() == 3011
        with pytest.raises(InvalidRequest):
            await client.hubs.close(CloseClients())
        await spared.socket.send("{}")


async def test_a_hub_that_hangs_is_named_and_not_waited_for(
    served: Served, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team_hubs, "ANSWER_SECONDS", 0.3)
    async with hub_on(addresses) as other, await served.client() as client:
        name = other.hub.opened.sampler.id
        control = other.hub.opened.realtime.control
        with anyio.fail_after(10):
            while len((await client.hubs.now()).processes) < 2:
                await anyio.sleep(0.05)
            monkeypatch.setattr(control, "receive", lambda _frame: None)
            found = await client.hubs.clients(ClientsQuery())
        assert (found.is_whole, found.silent) == (False, [other.hub.opened.sampler.name])
        now = await client.hubs.now()
        assert [one.id for one in now.activities] == [served.hub.opened.sampler.id]
        assert name in {one.id for one in now.processes}


async def test_without_redis_the_hub_tells_of_itself_and_says_so(addresses: Addresses) -> None:
    away = replace(addresses, redis="redis://127.0.0.1:1/0")
    async with serving(away) as served, await served.client() as client:
        with anyio.fail_after(10):
            found = await client.hubs.now()
            assert (found.is_whole, found.silent) == (False, [])
            assert [one.id for one in found.processes] == [found.hub]
            assert not (await client.hubs.clients(ClientsQuery())).is_whole


async def test_a_reader_that_takes_nothing_is_named_as_slow(served: Served) -> None:
    key = await served.key()
    async with someone(served, key, "news:a") as who, someone(served, key, "news:a"):
        for number in range(3):
            await publish(served, key, "news:a", number)
            await who.next()
        live, inspected = served.hub.opened.live, served.hub.opened.inspection
        connection = next(one for one in served.hub.opened.sockets if one.client == who.id)
        subscriber = next(
            one
            for watched in live.fanout
            for one in watched.subscribers
            if isinstance(one.reader, Membership) and one.reader.present.client == who.id
        )
        # What a socket that is stuck looks like, for the time of one answer.
        connection._outbox.put(b"{}" * 50_000)
        live.behind.add(subscriber)
        subscriber.reached = 1
        answer = inspected.answer(inspection.CountNow(FIRST_TEAM))
        live.behind.discard(subscriber)
        (slow,) = HubActivity.model_validate_json(answer).slow_readers
        assert (slow.client, slow.channel, slow.behind) == (who.id, "news:a", 2)
        assert slow.queued_bytes == 100_000


async def test_who_may_only_look_at_tasks_is_refused(served: Served) -> None:
    viewer = Principal(actor=Actor("user:v"), team=FIRST_TEAM, role=Role.VIEWER, name="v")
    opened = served.hub.opened
    hubs = team_hubs.TeamHubs(
        opened.realtime.control, opened.inspection, opened.live, opened.sampler, viewer
    )
    with pytest.raises(Forbidden):
        await hubs.now()
    with pytest.raises(Forbidden):
        await hubs.clients(ClientsQuery())
    with pytest.raises(Forbidden):
        await hubs.channels(ChannelsQuery())
    with pytest.raises(Forbidden):
        await hubs.channel("news:a")
    with pytest.raises(Forbidden):
        await hubs.close(CloseClients(user="u"))
    async with await served.program() as program:
        assert (await program.get("/api/v1/hub", params={"x": 1})).status_code in (200, 422)
        for query in ({"limit": 201}, {"limit": 0}, {"search": "x" * 256}, {"unknown": 1}):
            answer = await program.get("/api/v1/hub/connections", params=query)
            assert answer.status_code == 422, query
