"""The official client of the HTTP API, unmodified, at one of two hubs."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from cent import (
    AsyncClient,
    BatchRequest,
    BroadcastRequest,
    CentApiResponseError,
    CentUnauthorizedError,
    ChannelsRequest,
    DisconnectRequest,
    HistoryRemoveRequest,
    HistoryRequest,
    InfoRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
)

from store.addresses import Addresses
from tests.hub.test_server_api import Client, client_of
from tests.serving import Served, serving

NAMESPACES = json.dumps(
    [{"name": "news", "history_size": 50, "history_seconds": 60, "presence": True}]
)


@dataclass
class Two:
    """A hub that is spoken to by `cent`, and another one that a client is on."""

    hub: Served
    other: Served
    cent: AsyncClient
    client: Client


@pytest.fixture
async def two(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Two]:
    limits = {"namespaces": NAMESPACES}
    async with (
        serving(addresses, limits=limits) as hub,
        serving(addresses, limits=limits) as other,
    ):
        key = await hub.key()
        async with client_of(other, key, "news:a", "news:b") as client:
            cent = AsyncClient(f"{hub.url}/api", key)
            yield Two(hub, other, cent, client)
            await cent._session.close()


async def test_it_publishes_and_reads_and_removes_a_history(two: Two):
    cent = two.cent
    first = await cent.publish(PublishRequest(channel="news:a", data={"goal": 1}))
    assert (first.offset, len(first.epoch)) == (1, 8)
    assert (await two.client.next())["push"]["pub"]["data"] == {"goal": 1}
    sent = await cent.broadcast(BroadcastRequest(channels=["news:a", "x:y"], data=2))
    good, bad = sent.responses
    assert (good.result and good.result.offset, bad.error and bad.error.code) == (2, 102)

    since = StreamPosition(offset=1, epoch=first.epoch)
    page = await cent.history(HistoryRequest(channel="news:a", limit=9, since=since))
    assert [one.data for one in page.publications] == [2]
    await cent.history_remove(HistoryRemoveRequest(channel="news:a"))
    page = await cent.history(HistoryRequest(channel="news:a", limit=9))
    assert (page.publications, page.offset) == ([], 2)


async def test_it_sees_and_ends_what_is_on_other_hubs(two: Two):
    found = await two.cent.channels(ChannelsRequest(pattern="news:*"))
    assert {name: one.num_clients for name, one in found.channels.items()} == {
        "news:a": 1,
        "news:b": 1,
    }
    present = await two.cent.presence(PresenceRequest(channel="news:a"))
    assert list(present.presence) == [two.client.id]
    stats = await two.cent.presence_stats(PresenceStatsRequest(channel="news:a"))
    assert (stats.num_clients, stats.num_users) == (1, 1)
    nodes = (await two.cent.info(InfoRequest())).nodes
    assert sorted(node.num_clients for node in nodes) == [0, 1]
    (visitor,) = [one.visitor for one in two.other.hub.opened.sockets]
    assert visitor is not None
    await two.cent.disconnect(DisconnectRequest(user=visitor.user))
    assert await two.client.closed() == (3503, "force disconnect")


async def test_it_puts_a_client_into_a_channel_and_takes_it_out(two: Two):
    (visitor,) = [one.visitor for one in two.other.hub.opened.sockets]
    assert visitor is not None
    user, channel = visitor.user, "news:c"
    await two.cent.subscribe(SubscribeRequest(user=user, channel=channel, data={"n": 1}))
    push = (await two.client.next())["push"]
    assert (push["channel"], push["subscribe"]["data"]) == ("news:c", {"n": 1})
    await two.cent.unsubscribe(UnsubscribeRequest(user=user, channel=channel))
    assert (await two.client.next())["push"]["unsubscribe"]["code"] == 2000
    await two.cent.refresh(RefreshRequest(user=user, expired=True))
    assert (await two.client.closed())[0] == 3005


async def test_it_sends_many_at_once(two: Two):
    requests = [
        PublishRequest(channel="news:a", data=3),
        PublishRequest(channel="news:a", data=4),
        HistoryRequest(channel="news:a"),
    ]
    batch = await two.cent.batch(BatchRequest(requests=requests, parallel=False))
    assert [one.model_dump()["offset"] for one in batch.replies] == [1, 2, 2]


async def test_it_is_told_what_it_may_not(two: Two):
    with pytest.raises(CentApiResponseError) as refused:
        await two.cent.publish(PublishRequest(channel="tasks:1", data=1))
    assert refused.value.code == 103
    wrong = AsyncClient(f"{two.hub.url}/api", "wrong")
    with pytest.raises(CentUnauthorizedError):
        await wrong.info(InfoRequest())
    await wrong._session.close()
