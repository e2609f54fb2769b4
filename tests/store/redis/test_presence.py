"""Who is in a channel: entered, renewed, gone by leaving or by silence, counted and paged."""

from collections.abc import AsyncGenerator

import anyio
import pytest
from redis.asyncio import Redis

from protocols.errors import InvalidRequest, Unavailable
from protocols.operations.presence import PresenceStats, Present
from protocols.principals import TeamId
from store.redis.keys import Keys, application_channel
from store.redis.presence import Presence
from store.redis.realtime import Realtime, open_realtime
from tests.store.redis.hearing import deaf

TEAM = TeamId(1)
NEWS = (TEAM, "news")
ANN = Present("c1", "ann", b'{"user":"ann"}')
BOB = Present("c2", "bob", b"")
CROWD = [Present(f"c{n:04}", f"u{n % 300}", b'{"n":%d}' % n) for n in range(1000)]


@pytest.fixture
def presence(realtime: Realtime) -> Presence:
    return realtime.presence


@pytest.fixture
async def fleeting(redis_url: str, redis_prefix: str) -> AsyncGenerator[Presence]:
    """On the same keys, for those who do not stay long."""
    async with open_realtime(
        redis_url, prefix=redis_prefix, node="two", hear=deaf, stay_seconds=0.2
    ) as realtime:
        yield realtime.presence


async def clients(presence: Presence, channel: str = "news") -> list[str]:
    return [member.client for member in (await presence.read(TEAM, channel)).members]


async def test_who_joins_is_there_until_they_leave(presence: Presence):
    assert await presence.join(*NEWS, BOB)
    assert await presence.join(*NEWS, ANN)
    assert not await presence.join(*NEWS, ANN)

    page = await presence.read(*NEWS)
    assert page.members == [ANN, BOB]
    assert page.cursor is None
    assert (await presence.read(TeamId(2), "news")).members == []
    assert (await presence.read(TEAM, "other")).members == []

    assert await presence.leave(*NEWS, "c1")
    assert not await presence.leave(*NEWS, "c1")
    assert await clients(presence) == ["c2"]


async def test_who_is_not_renewed_is_gone(presence: Presence, fleeting: Presence):
    await fleeting.join(*NEWS, ANN)
    await presence.join(*NEWS, BOB)
    assert await presence.stats(*NEWS) == PresenceStats(clients=2, users=2)

    with anyio.fail_after(5):
        while await clients(presence) != ["c2"]:
            await anyio.sleep(0.01)

    assert await presence.stats(*NEWS) == PresenceStats(clients=1, users=1)
    assert not await presence.leave(*NEWS, "c1")
    assert await presence.join(*NEWS, ANN)


async def test_who_is_gone_is_new_when_they_join_again_and_counted_once(
    presence: Presence, fleeting: Presence, redis_url: str, redis_prefix: str
):
    """Also when nobody has looked meanwhile, so that the old entry is still kept."""
    await presence.join(*NEWS, BOB)
    await fleeting.join(*NEWS, ANN)
    await presence.join(*NEWS, BOB)  # keeps the keys
    await gone_by_redis(redis_url, redis_prefix, "c1")

    assert await presence.join(*NEWS, ANN)
    assert await presence.stats(*NEWS) == PresenceStats(clients=2, users=2)
    await presence.leave(*NEWS, "c1")
    assert await presence.stats(*NEWS) == PresenceStats(clients=1, users=1)


async def gone_by_redis(url: str, prefix: str, client: str) -> None:
    expiries = Keys(prefix).presence(application_channel(*NEWS)).expiries
    async with Redis.from_url(url) as redis:
        with anyio.fail_after(5):
            while True:
                seconds, micros = await redis.time()
                score = await redis.zscore(expiries, client)
                if score is not None and score <= seconds * 1000 + micros // 1000:
                    return
                await anyio.sleep(0.01)


async def test_who_is_renewed_stays(fleeting: Presence):
    await fleeting.join(*NEWS, ANN)
    await fleeting.join(TEAM, "other", BOB)

    with anyio.fail_after(5):
        for _ in range(10):  # longer than anybody stays
            assert await fleeting.renew({NEWS: [ANN]}) == 0
            await anyio.sleep(0.05)

    assert await clients(fleeting) == ["c1"]
    assert await clients(fleeting, "other") == []


async def test_a_renewal_enters_anew_whom_redis_has_forgotten(
    presence: Presence, redis_url: str, redis_prefix: str
):
    owned = {(TEAM, f"room{n}"): [Present(f"c{n}", "ann", b"1")] for n in range(3000)}
    owned[NEWS] = CROWD
    assert await presence.renew(owned) == 4000
    assert await presence.renew(owned) == 0
    async with Redis.from_url(redis_url) as client:
        names = Keys(redis_prefix).presence(application_channel(TEAM, "room7"))
        assert await client.delete(*names) == 4

    assert await presence.renew(owned) == 1
    assert await clients(presence, "room7") == ["c7"]
    assert await presence.stats(*NEWS) == PresenceStats(clients=1000, users=300)


async def test_a_thousand_clients_are_counted_in_one_call(
    presence: Presence, redis_url: str, redis_prefix: str
):
    await presence.renew({NEWS: CROWD})
    async with Redis.from_url(redis_url) as client:
        before = await calls(client)
        assert await presence.stats(*NEWS) == PresenceStats(clients=1000, users=300)
        assert await calls(client) == before + 1

    await presence.leave(*NEWS, "c0000")
    await presence.leave(*NEWS, "c0001")
    assert await presence.stats(*NEWS) == PresenceStats(clients=998, users=300)
    for n in (301, 601, 901):
        await presence.leave(*NEWS, f"c{n:04}")
    assert await presence.stats(*NEWS) == PresenceStats(clients=995, users=299)


async def calls(client: Redis) -> int:
    """Of scripts, by anybody on this server: nothing else runs now."""
    return (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]


async def test_all_who_are_nobody_in_particular_are_one_user(presence: Presence):
    for n in range(3):
        await presence.join(*NEWS, Present(f"c{n}", "", b"{}"))
    assert await presence.stats(*NEWS) == PresenceStats(clients=3, users=1)

    await presence.join(*NEWS, Present("c9", "7:ann", b"9:x"))
    assert await presence.stats(*NEWS) == PresenceStats(clients=4, users=2)
    assert (await presence.read(*NEWS)).members[-1] == Present("c9", "7:ann", b"9:x")


async def test_a_client_that_becomes_another_user_is_counted_as_that_one(presence: Presence):
    await presence.join(*NEWS, ANN)
    await presence.join(*NEWS, Present("c1", "bob", b"{}"))
    await presence.join(*NEWS, BOB)

    assert await presence.stats(*NEWS) == PresenceStats(clients=2, users=1)


async def test_pages_hold_everybody_once(presence: Presence):
    await presence.renew({NEWS: CROWD})
    found: list[Present] = []
    sizes: list[int] = []
    cursor = None
    with anyio.fail_after(5):
        while not sizes or cursor is not None:
            page = await presence.read(*NEWS, limit=300, cursor=cursor)
            found += page.members
            sizes.append(len(page.members))
            cursor = page.cursor
            await presence.leave(*NEWS, found[0].client)
            await presence.join(*NEWS, Present(f"a{len(sizes)}", "late", b"{}"))

    assert sizes == [300, 300, 300, 100]
    assert found == CROWD
    assert (await presence.read(*NEWS, limit=1000, cursor="zzz")).members == []


async def test_thousands_who_go_at_once_are_never_counted_in_part(
    presence: Presence, fleeting: Presence, redis_url: str, redis_prefix: str
):
    """They are forgotten in steps, for nobody to wait long, and none of the steps is seen."""
    crowd = [Present(f"d{n:05}", f"u{n}", b"{}") for n in range(5000)]
    await fleeting.renew({NEWS: crowd})
    await presence.join(*NEWS, BOB)
    for client in (crowd[0], crowd[-1]):
        await gone_by_redis(redis_url, redis_prefix, client.client)

    assert await presence.stats(*NEWS) == PresenceStats(clients=1, users=1)
    assert await clients(presence) == ["c2"]


async def test_an_empty_channel_leaves_nothing_behind(
    presence: Presence, fleeting: Presence, redis_url: str, redis_prefix: str
):
    await presence.join(TEAM, "left", ANN)
    await presence.leave(TEAM, "left", "c1")
    await fleeting.renew({NEWS: [ANN, BOB]})

    async with Redis.from_url(redis_url) as client:
        with anyio.fail_after(5):
            while await client.keys(f"{redis_prefix}*"):
                await anyio.sleep(0.01)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_has_a_size(presence: Presence, limit: int):
    with pytest.raises(InvalidRequest, match="1 to 1000"):
        await presence.read(*NEWS, limit=limit)


async def test_users_are_online_while_they_are_seen(
    realtime: Realtime, redis_url: str, redis_prefix: str
):
    async with open_realtime(
        redis_url, prefix=redis_prefix, node="two", hear=deaf, stay_seconds=0.1
    ) as fleeting:
        await realtime.statuses.seen(TEAM, ["ann", "bob", "", *(f"u{n}" for n in range(600))])

        ann, bob, cid, nobody = await realtime.statuses.status(TEAM, ["ann", "bob", "cid", ""])
        assert ann.is_online
        assert bob.is_online
        assert nobody.is_online
        assert (cid.seen_at, cid.is_online) == (None, False)
        assert (await realtime.statuses.status(TeamId(2), ["ann"]))[0].seen_at is None

        with anyio.fail_after(5):
            while (await fleeting.statuses.status(TEAM, ["ann"]))[0].is_online:
                await anyio.sleep(0.01)
        [later] = await fleeting.statuses.status(TEAM, ["ann"])
        assert later.seen_at == ann.seen_at
        await fleeting.statuses.seen(TEAM, ["ann"])
        [again] = await fleeting.statuses.status(TEAM, ["ann"])
        assert again.is_online
        assert again.seen_at is not None
        assert later.seen_at is not None
        assert again.seen_at > later.seen_at

        crowd = await realtime.statuses.status(TEAM, [f"u{n}" for n in range(1200)])
        assert [one.is_online for one in crowd] == [n < 600 for n in range(1200)]
        await realtime.statuses.seen(TEAM, [])
        assert await realtime.statuses.status(TEAM, []) == []


async def test_redis_taken_away_is_said_and_a_renewal_brings_everybody_back(own_valkey):
    async with open_realtime(own_valkey.url, prefix="t", node="one", hear=deaf) as realtime:
        presence, statuses = realtime.presence, realtime.statuses
        async with own_valkey.running():
            await presence.join(*NEWS, ANN)
            async with Redis.from_url(own_valkey.url) as client:
                await client.flushall()
        for attempt in (
            lambda: presence.join(*NEWS, ANN),
            lambda: presence.leave(*NEWS, "c1"),
            lambda: presence.renew({NEWS: [ANN]}),
            lambda: presence.read(*NEWS),
            lambda: presence.stats(*NEWS),
            lambda: statuses.seen(TEAM, ["ann"]),
            lambda: statuses.status(TEAM, ["ann"]),
        ):
            with anyio.fail_after(2), pytest.raises(Unavailable):
                await attempt()

        async with own_valkey.running():
            assert await clients(presence) == []
            assert await presence.renew({NEWS: [ANN, BOB]}) == 2
            assert await clients(presence) == ["c1", "c2"]
