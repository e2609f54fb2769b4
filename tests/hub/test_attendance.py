"""Who is in channels by way of a hub: renewed by it, back when Redis forgot, told to all hubs."""

from collections.abc import Mapping, Sequence

import anyio
import pytest
from redis.asyncio import Redis

from hub import attendance
from protocols import channels, namespaces
from protocols.errors import Unavailable
from protocols.operations.presence import Present
from protocols.principals import TeamId
from store.addresses import Addresses
from store.redis.presence import Presence
from tests.conftest import OwnValkey
from tests.hub.conftest import OTHER_TEAM, TEAM, Collected, Hub, hub_on, watch

NAMESPACES = namespaces.parse('[{"name":"room","presence":true,"join_leave":true}]')
Owned = Mapping[tuple[TeamId, str], Sequence[Present]]
ROOM = channels.parse("room:a", NAMESPACES)
ANN = Present("c1", "ann", b'{"user":"ann","client":"c1"}')
BOB = Present("c2", "bob", b'{"user":"bob","client":"c2"}')


async def clients(hub: Hub) -> list[str]:
    page = await hub.live.attendance.read(TEAM, ROOM, is_subscribed=True, limit=10)
    return [one.client for one in page.members]


async def until_told(reader: Collected, count: int) -> None:
    with anyio.fail_after(5):
        while len(reader.comings) < count:
            await anyio.sleep(0.005)


async def test_who_comes_and_goes_is_told_in_every_hub_to_the_team_alone(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub, hub_on(addresses, NAMESPACES) as other:
        readers = [await watch(one.live, ROOM) for one in (hub, other)]
        foreign = Collected()
        (await hub.live.subscribe(OTHER_TEAM, foreign, channel=ROOM, since=None)).start()

        hub.live.attendance.announce(TEAM.team, ROOM, ANN.info, is_join=True)
        hub.live.attendance.announce(TEAM.team, ROOM, ANN.info, is_join=False)

        for reader in readers:
            await until_told(reader, 2)
            told = [(one.channel, one.info, one.is_join) for one in reader.comings]
            assert told == [("room:a", ANN.info, True), ("room:a", ANN.info, False)]
        assert foreign.comings == []


async def test_a_redis_that_was_emptied_knows_them_again_as_soon_as_it_is_back(
    database: str, own_valkey: OwnValkey
):
    addresses = Addresses(database=database, redis=own_valkey.url)
    async with hub_on(addresses, NAMESPACES) as hub:
        async with own_valkey.running():
            with anyio.fail_after(10):
                while not hub.live.hears_redis:
                    await anyio.sleep(0.01)
            await hub.live.attendance.enter(TEAM.team, ROOM, ANN)
            await watch(hub.live, ROOM)
        async with own_valkey.running():  # with nothing in it
            with anyio.fail_after(10):
                while await clients(hub) != ["c1"]:
                    await anyio.sleep(0.05)


async def test_who_leaves_while_all_are_renewed_is_not_entered_anew(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
):
    async with hub_on(addresses, NAMESPACES) as hub:
        ours = hub.live.attendance
        for one in (ANN, BOB):
            await ours.enter(TEAM.team, ROOM, one)
        renewed = anyio.Event()
        renew = Presence.renew

        async def late(presence: Presence, owned: Owned) -> int:
            await ours.leave(TEAM.team, [(ROOM, "c1")])
            renewed.set()
            return await renew(presence, owned)

        monkeypatch.setattr(Presence, "renew", late)
        ours.renew_now()
        with anyio.fail_after(5):
            await renewed.wait()
            while ours.is_renewing:
                await anyio.sleep(0.005)

        assert await clients(hub) == ["c2"]
        assert len(ours) == 1


async def test_who_left_while_redis_did_not_answer_is_gone_soon_after(
    database: str, own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attendance, "RETRY_SECONDS", 0.2)
    addresses = Addresses(database=database, redis=own_valkey.url)
    async with own_valkey.running(), hub_on(addresses, NAMESPACES) as hub:
        ours = hub.live.attendance
        for one in (ANN, BOB):
            await ours.enter(TEAM.team, ROOM, one)
        async with Redis.from_url(own_valkey.url) as redis:
            await redis.execute_command("CLIENT", "PAUSE", 4000, "ALL")

            with anyio.fail_after(4):  # clients wait five seconds for an answer
                await ours.leave(TEAM.team, [(ROOM, "c1"), (ROOM, "c2")])
            with pytest.raises(Unavailable):
                await ours.enter(TEAM.team, ROOM, BOB)
        with anyio.fail_after(10):
            while True:
                try:
                    await ours.enter(TEAM.team, ROOM, BOB)
                    break
                except Unavailable:
                    await anyio.sleep(0.05)
            while await clients(hub) != ["c2"]:
                await anyio.sleep(0.05)
