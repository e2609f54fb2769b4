"""Application channels: published to once, seen by every hub, and no gap that is not said."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from redis.asyncio import Redis

from protocols import channels, namespaces
from protocols.channels import ApplicationPublication, Channel, Publication, StreamPosition
from protocols.errors import Forbidden, LimitExceeded
from protocols.principals import Actor, Principal, Role, TeamId
from store.addresses import Addresses
from store.redis.keys import application_channel
from tests.conftest import OwnValkey
from tests.hub.conftest import OTHER_TEAM, TEAM, Collected, Hub, dense, hub_on, offsets, watch

NAMESPACES = namespaces.parse(
    '[{"name":"news","history_size":50,"history_seconds":60,"publish":"operators"},'
    '{"name":"short","history_size":3,"history_seconds":60,"publish":"viewers","max_bytes":100},'
    '{"name":"now","publish":"subscribers"}]'
)
NEWS, SHORT, NOW = (channels.parse(f"{name}:a", NAMESPACES) for name in ("news", "short", "now"))
VIEWER = Principal(actor=Actor("key:v"), team=TeamId(1), role=Role.VIEWER, name="v")


@asynccontextmanager
async def two_hubs(addresses: Addresses) -> AsyncGenerator[tuple[Hub, Hub]]:
    async with hub_on(addresses, NAMESPACES) as one, hub_on(addresses, NAMESPACES) as other:
        yield one, other


async def publish(
    hub: Hub,
    *texts: str,
    channel: Channel = NEWS,
    principal: Principal = TEAM,
    is_subscribed: bool = True,
) -> None:
    for text in texts:
        await hub.live.publish(
            principal, channel, data=text.encode(), info=b"", is_subscribed=is_subscribed
        )


async def numbers(hub: Hub, first: int, last: int, *, channel: Channel = NEWS) -> None:
    await publish(hub, *map(str, dense(first, last)), channel=channel)


def texts(publications: list[Publication]) -> list[str]:
    return [publication.data.decode() for publication in publications]


async def epoch_of(hub: Hub, channel: Channel = NEWS) -> str:
    return (await hub.live.top(channel, TEAM.team)).epoch


async def test_what_one_hub_publishes_is_seen_by_all_in_one_order(addresses: Addresses):
    async with two_hubs(addresses) as hubs:
        readers = [await watch(hub.live, NEWS) for hub in hubs]
        async with anyio.create_task_group() as group:
            for hub in hubs:
                group.start_soon(numbers, hub, 1, 20)

        for reader in readers:
            await reader.until(40)
            assert reader.offsets == dense(1, 40)
        assert texts(readers[0].publications) == texts(readers[1].publications)


async def test_who_comes_back_gets_what_was_missed_and_then_what_comes(addresses: Addresses):
    async with two_hubs(addresses) as (hub, other):
        await numbers(hub, 1, 10)
        epoch = await epoch_of(other)
        reader = await watch(other.live, NEWS, StreamPosition(epoch, 4))
        await numbers(hub, 11, 12)
        await reader.until(12)
        assert reader.offsets == dense(5, 12)
        assert texts(reader.publications) == [str(n) for n in dense(5, 12)]

        for since, recovered in [(StreamPosition("_", 12), False), (StreamPosition("", 12), True)]:
            again = await hub.live.subscribe(TEAM, Collected(), channel=NEWS, since=since)
            assert (again.recovered, again.offset) == (recovered, 12)
            again.close()


async def test_what_is_no_more_kept_is_not_recovered(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        await numbers(hub, 1, 10, channel=SHORT)
        epoch = await epoch_of(hub, SHORT)

        for offset, recovered in [(6, False), (7, True), (10, True), (11, False)]:
            since = StreamPosition(epoch, offset)
            found = await hub.live.subscribe(TEAM, Collected(), channel=SHORT, since=since)
            assert (found.recovered, found.epoch) == (recovered, epoch)
            assert found.offset == (offset if recovered else 10)


async def test_a_reader_that_is_slow_reads_up_or_is_told(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        slow, too_slow = await watch(hub.live, NEWS), await watch(hub.live, SHORT)
        for reader in (slow, too_slow):
            reader.shut()
        await numbers(hub, 1, 30)
        await numbers(hub, 1, 30, channel=SHORT)
        await (await watch(hub.live, NEWS, StreamPosition("", 0))).until(30)
        for reader in (slow, too_slow):
            reader.open()

        await slow.until(30)
        await too_slow.until_lost()
        assert slow.offsets == dense(1, 30)
        assert too_slow.publications == []


async def test_teams_have_channels_of_their_own_by_the_same_name(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        ours, theirs = await watch(hub.live, NEWS), Collected()
        subscription = await hub.live.subscribe(OTHER_TEAM, theirs, channel=NEWS, since=None)
        subscription.start()

        await publish(hub, '"ours"')
        await publish(hub, '"theirs"', principal=OTHER_TEAM)
        await ours.until(1)
        await theirs.until(1)

        assert texts(ours.publications) == ['"ours"']
        assert texts(theirs.publications) == ['"theirs"']
        page = await hub.live.history(OTHER_TEAM, NEWS, since=None, limit=9, reverse=False)
        assert page is not None
        assert texts(list(page.publications)) == ['"theirs"']


async def test_history_is_read_in_pages_and_backwards(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        await numbers(hub, 1, 10)
        epoch = await epoch_of(hub)

        async def page(offset: int | None, limit: int, *, reverse: bool = False) -> list[int]:
            since = None if offset is None else StreamPosition(epoch, offset)
            found = await hub.live.history(TEAM, NEWS, since=since, limit=limit, reverse=reverse)
            assert found is not None
            assert found.position == StreamPosition(epoch, 10)
            return offsets(found.publications)

        assert await page(None, 0) == []
        assert await page(None, 3) == [1, 2, 3]
        assert await page(3, 3) == [4, 5, 6]
        assert await page(9, 100) == [10]
        assert await page(None, 3, reverse=True) == [10, 9, 8]
        assert await page(8, 3, reverse=True) == [7, 6, 5]
        other = StreamPosition("_", 3)
        assert await hub.live.history(TEAM, NEWS, since=other, limit=3, reverse=False) is None


async def test_only_who_may_publishes_and_only_what_fits(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        with pytest.raises(Forbidden, match="news:a"):
            await publish(hub, "1", principal=VIEWER)
        with pytest.raises(Forbidden, match="now:a"):
            await publish(hub, "1", channel=NOW, is_subscribed=False)
        with pytest.raises(Forbidden):
            await publish(hub, "1", channel=hub.write.new_stream())
        with pytest.raises(LimitExceeded, match="100 bytes"):
            await publish(hub, f'"{"x" * 100}"', channel=SHORT)

        await publish(hub, "1", principal=VIEWER, channel=SHORT)
        await publish(hub, "1", principal=VIEWER, channel=NOW)


async def test_a_channel_without_history_has_only_what_comes_now(addresses: Addresses):
    async with two_hubs(addresses) as (hub, other):
        await publish(hub, "0", channel=NOW)
        reader = await watch(other.live, NOW, StreamPosition("", 0))
        full = await watch(other.live, NOW)
        full.shut()

        await publish(hub, "1", "2", channel=NOW)

        with anyio.fail_after(5):
            while len(reader.publications) < 2:
                await anyio.sleep(0.01)
        assert texts(reader.publications) == ["1", "2"]
        assert reader.offsets == [0, 0]
        assert reader.lost == []
        assert full.lost == ["now:a"]


class Lossy:
    """In place of a hub's: loses every frame."""

    def __init__(self) -> None:
        self.lost = 0

    def __call__(self, key: str, frame: bytes) -> None:
        self.lost += 1

    async def until(self, count: int) -> None:
        with anyio.fail_after(5):
            while self.lost < count:
                await anyio.sleep(0.005)


async def test_a_gap_is_filled_before_what_follows_it(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
):
    async with two_hubs(addresses) as (hub, other):
        reader = await watch(other.live, NEWS)
        with monkeypatch.context() as broken:
            broken.setattr(other.live.fanout, "receive", lossy := Lossy())
            await numbers(hub, 1, 5)
            await lossy.until(5)
        await numbers(hub, 6, 6)

        await reader.until(6)
        assert reader.offsets == dense(1, 6)
        assert other.live.fanout.counters.gaps == 1


async def test_a_quiet_channel_whose_last_frames_were_lost_is_healed_within_five_seconds(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
):
    async with hub_on(addresses, NAMESPACES) as hub:
        reader = await watch(hub.live, NEWS)
        monkeypatch.setattr(hub.live.fanout, "receive", Lossy())
        await numbers(hub, 1, 5)

        await reader.until(5, seconds=5)
        assert reader.offsets == dense(1, 5)
        assert reader.lost == []


async def test_a_redis_that_was_emptied_is_another_epoch_and_never_a_silent_gap(
    database: str, own_valkey: OwnValkey
):
    addresses = Addresses(database=database, redis=own_valkey.url)
    async with hub_on(addresses, NAMESPACES) as hub:
        async with own_valkey.running():
            with anyio.fail_after(10):
                while not hub.live.hears_redis:
                    await anyio.sleep(0.01)
            reader = await watch(hub.live, NEWS)
            await numbers(hub, 1, 5)
            await reader.until(5)
            before = StreamPosition(await epoch_of(hub), 5)
            redis = Redis.from_url(own_valkey.url)
            await redis.flushall()
            await redis.aclose()

        async with own_valkey.running():
            await reader.until_lost()
            again = await hub.live.subscribe(TEAM, reader, channel=NEWS, since=before)
            assert not again.recovered
            assert again.epoch != before.epoch
            again.start()
            await numbers(hub, 6, 6)
            with anyio.fail_after(5):
                while len(reader.publications) < 6:
                    await anyio.sleep(0.01)
        assert reader.lost == ["news:a"]


async def test_who_published_is_told_with_what_they_published(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        reader = await watch(hub.live, NEWS)
        info = b'{"user":"u","client":"c"}'
        await hub.live.publish(TEAM, NEWS, data=b"1", info=info, is_subscribed=True)
        await reader.until(1)

        (publication,) = reader.publications
        assert isinstance(publication, ApplicationPublication)
        assert publication.info == info
        assert publication.time > 0


async def test_a_frame_that_is_none_ends_nothing(addresses: Addresses):
    async with hub_on(addresses, NAMESPACES) as hub:
        reader = await watch(hub.live, NEWS)
        redis = Redis.from_url(addresses.redis)
        name = f"{addresses.redis_prefix}:c:{application_channel(TEAM.team, str(NEWS))}"
        for frame in (b"=", b"=e 1", b"no frame", b"=e 1 1 9 9 9\n{}"):
            assert await redis.publish(name, frame) == 1
        await redis.aclose()
        await numbers(hub, 1, 1)
        await reader.until(1)
        assert reader.lost == []


CACHED = namespaces.parse(
    '[{"name":"state","history_size":5,"history_seconds":60,"recovery":"cache",'
    '"publish":"viewers"},'
    '{"name":"score","history_size":1,"history_seconds":0.3,"recovery":"cache",'
    '"auto_cache_recover":true,"publish":"viewers"}]'
)
STATE, SCORE = (channels.parse(f"{name}:a", CACHED) for name in ("state", "score"))


async def test_who_comes_back_to_a_cache_gets_the_newest_alone(addresses: Addresses):
    async with hub_on(addresses, CACHED) as hub, hub_on(addresses, CACHED) as other:
        await numbers(hub, 1, 20, channel=STATE)
        epoch = await epoch_of(other, STATE)

        for since in (StreamPosition(epoch, 3), StreamPosition("_", 0), StreamPosition("", 0)):
            reader = await watch(other.live, STATE, since)
            assert reader.offsets == [20]
        subscription = await hub.live.subscribe(
            TEAM, Collected(), channel=STATE, since=StreamPosition(epoch, 20)
        )
        assert (subscription.recovered, subscription.offset) == (True, 20)
        assert subscription.publications == ()
        assert (await watch(hub.live, STATE)).offsets == []

        await numbers(hub, 21, 22, channel=STATE)
        await reader.until(22)
        assert reader.offsets == [20, 21, 22]


async def test_who_comes_first_can_get_it_too_while_it_is_kept(addresses: Addresses):
    async with hub_on(addresses, CACHED) as hub:
        empty = await hub.live.subscribe(TEAM, Collected(), channel=SCORE, since=None)
        assert not empty.recovered
        await numbers(hub, 1, 3, channel=SCORE)
        assert (await watch(hub.live, SCORE)).offsets == [3]

        with anyio.fail_after(5):
            while (await watch(hub.live, SCORE)).offsets:
                await anyio.sleep(0.05)
        gone = await hub.live.subscribe(
            TEAM, Collected(), channel=SCORE, since=StreamPosition("", 2)
        )
        assert (gone.recovered, gone.offset) == (False, 3)
