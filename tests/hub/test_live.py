"""Whoever watches a stream gets every event once, in order, from wherever she begins."""

import anyio
import pytest

from protocols.channels import Channel, Publication, StreamPosition
from protocols.operations.channels import Reset
from tests.hub.conftest import TEAM, Collected, Hub, dense, offsets, position, watch


async def test_live_events_arrive_in_order_as_envelopes(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    readers = [await watch(hub.live, channel) for _ in range(5)]

    for _ in range(20):
        await hub.write.append(channel, 2)

    for reader in readers:
        await reader.until(41)
        assert reader.offsets == dense(2, 41)
    assert readers[0].publications[0].data.startswith(b'{"type":"message.delta","version":2,')
    assert hub.live.fanout.counters.deliveries == 5 * 40
    assert hub.live.fanout.counters.gaps == 0


async def test_a_subscription_starts_at_the_top_and_nothing_flows_before_its_start(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)
    reader = Collected()

    subscription = await hub.live.subscribe(TEAM, reader, channel=channel, since=None)
    other = await watch(hub.live, channel)
    await hub.write.append(channel, 2)
    await other.until(5)

    assert (subscription.offset, subscription.recovered) == (3, False)
    assert subscription.epoch == hub.store.log.epoch
    assert reader.offsets == []
    subscription.start()
    await reader.until(5)
    assert reader.offsets == [4, 5]


@pytest.mark.parametrize("epoch", ["own", ""])
async def test_recovery_continues_the_asked_offset(hub: Hub, epoch: str):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 10)
    since = StreamPosition(hub.store.log.epoch if epoch else "", 4)

    reader = Collected()
    subscription = await hub.live.subscribe(TEAM, reader, channel=channel, since=since)

    assert (subscription.recovered, subscription.offset) == (True, 4)
    assert offsets(subscription.publications) == dense(5, 10)
    subscription.start()
    await hub.write.append(channel)
    await reader.until(11)
    assert reader.offsets == [11]


async def test_having_missed_nothing_is_recovered_too(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)

    subscription = await hub.live.subscribe(
        TEAM, Collected(), channel=channel, since=position(hub, 3)
    )

    assert subscription.recovered
    assert subscription.publications == ()


@pytest.mark.parametrize(("epoch", "offset"), [("_", 0), ("other", 2), ("", 4)])
async def test_what_cannot_be_continued_is_not_recovered(hub: Hub, epoch: str, offset: int):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)

    reader = Collected()
    subscription = await hub.live.subscribe(
        TEAM, reader, channel=channel, since=StreamPosition(epoch, offset)
    )

    assert not subscription.recovered
    assert (subscription.epoch, subscription.offset) == (hub.store.log.epoch, 3)
    assert subscription.publications == ()
    subscription.start()
    await hub.write.append(channel)
    await reader.until(4)
    assert reader.offsets == [4]


async def test_a_late_reader_gets_five_thousand_events_in_pages_while_more_come(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append_many(channel, 5000)

    readers: list[Collected] = []
    async with anyio.create_task_group() as group:
        group.start_soon(hub.write.append_many, channel, 1000)
        readers += [await watch(hub.live, channel, position(hub, 0)) for _ in range(5)]
    for reader in readers:
        await reader.until(6000)

    assert all(reader.offsets == dense(1, 6000) for reader in readers)
    assert hub.live.fanout.blocks.reads < 5 * 6000 / 256  # blocks are shared


async def test_a_first_page_is_bounded(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 100, size=10_000)
    reader = Collected()

    subscription = await hub.live.subscribe(TEAM, reader, channel=channel, since=position(hub, 0))
    page = list(subscription.publications)
    subscription.start()
    await reader.until(100)

    assert sum(len(one.data) for one in page) <= 256 * 1024
    assert offsets(page) + reader.offsets == dense(1, 100)


async def test_a_full_reader_reads_the_rest_from_the_log_when_it_has_room(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    slow = await watch(hub.live, channel, position(hub, 0))
    quick = await watch(hub.live, channel, position(hub, 0))
    slow.shut()

    await hub.write.append_many(channel, 999)
    await quick.until(1000)
    assert slow.offsets == [1]
    slow.open()
    await hub.write.append(channel)

    await slow.until(1001)
    assert slow.offsets == quick.offsets == dense(1, 1001)


async def test_following_gives_what_was_missed_then_what_comes(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)

    async with hub.live.follow(TEAM, channel, after=position(hub, 1)) as items:
        assert await anext(items) == Publication(2, (await data_of(hub, channel, 2)))
        assert (await anext(items)).offset == 3  # pyright: ignore[reportAttributeAccessIssue]
        await hub.write.append(channel)
        assert (await anext(items)).offset == 4  # pyright: ignore[reportAttributeAccessIssue]
        hub.live.end_followers()
        assert [item async for item in items] == []


async def data_of(hub: Hub, channel: Channel, version: int) -> bytes:
    page = await hub.live.history(
        TEAM, channel, since=position(hub, version - 1), limit=1, reverse=False
    )
    assert page is not None
    return page.publications[0].data


async def test_following_from_another_epoch_begins_with_a_reset(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)

    async with hub.live.follow(TEAM, channel, after=StreamPosition("_", 1)) as items:
        assert await anext(items) == Reset(position(hub, 3))


async def test_history_pages_both_ways(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 10)

    async def page(since: int | None, limit: int, *, reverse: bool = False) -> list[int]:
        found = await hub.live.history(
            TEAM,
            channel,
            since=None if since is None else position(hub, since),
            limit=limit,
            reverse=reverse,
        )
        assert found is not None
        assert found.position == position(hub, 10)
        return offsets(found.publications)

    assert await page(None, 0) == []
    assert await page(None, 3) == [1, 2, 3]
    assert await page(8, 5) == [9, 10]
    assert await page(None, 3, reverse=True) == [10, 9, 8]
    assert await page(3, 5, reverse=True) == [2, 1]
    assert (
        await hub.live.history(TEAM, channel, since=StreamPosition("_", 1), limit=1, reverse=False)
        is None
    )
