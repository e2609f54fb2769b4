"""Whoever watches a stream gets every event once, in order, however Redis fares."""

from typing import Any

import anyio
import pytest

from hub.live import Live
from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.errors import NotFound, Unavailable
from protocols.events import Event, StreamId
from protocols.operations.channels import Batch, Reset
from protocols.principals import TeamId
from store.postgres.log.event_log import Head
from tests.hub.conftest import OTHER_TEAM, TEAM, Collected, Hub, dense, offsets, position


async def watch(live: Live, channel: Channel, since: StreamPosition | None = None) -> Collected:
    reader = Collected()
    subscription = await live.subscribe(TEAM, reader, channel=channel, since=since)
    reader.publications += subscription.publications
    subscription.start()
    return reader


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


@pytest.mark.parametrize("namespace", [Namespace.TASK, Namespace.TASKS])
async def test_another_teams_channel_answers_as_an_absent_one(hub: Hub, namespace: Namespace):
    if namespace is Namespace.TASK:
        channel = hub.write.new_stream()
        await hub.write.append(channel)
        absent = hub.write.new_stream()
    else:
        channel, absent = Channel(namespace, "1"), Channel(namespace, "77")

    for one in (channel, absent):
        with pytest.raises(NotFound, match="there is no"):
            await hub.live.subscribe(OTHER_TEAM, Collected(), channel=one, since=None)
        with pytest.raises(NotFound, match="there is no"):
            await hub.live.history(OTHER_TEAM, one, since=None, limit=5, reverse=False)
    assert hub.live.subscriptions == 0


async def test_a_feed_is_live_and_recovers_from_its_history(hub: Hub):
    channel = Channel(Namespace.TASKS, str(TEAM.team))
    reader = Collected()
    subscription = await hub.live.subscribe(TEAM, reader, channel=channel, since=None)
    subscription.start()

    await hub.store.broker.publish_feed(str(channel), [b"{}", b"[]"])
    await reader.until(2)
    late = await watch(hub.live, channel, StreamPosition(subscription.epoch, 0))
    await hub.store.broker.publish_feed(str(channel), [b"1"])
    await late.until(3)

    assert late.publications == [Publication(1, b"{}"), Publication(2, b"[]"), Publication(3, b"1")]
    unknown = await hub.live.subscribe(
        TEAM, Collected(), channel=channel, since=StreamPosition("_", 1)
    )
    assert not unknown.recovered


class Ended:
    """A reader that takes nothing any more, and never lets anybody wait for room."""

    def __init__(self) -> None:
        self.offers = 0

    def offer(self, batch: Batch) -> bool:
        self.offers += 1
        assert self.offers < 1000, "nobody else gets a turn"
        return False

    async def room(self) -> None:
        return

    def lose(self, channel: str) -> None: ...


async def test_a_reader_that_has_ended_holds_nobody_up(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append_many(channel, 700)  # whole blocks, which are kept
    ended = Ended()
    subscription = await hub.live.subscribe(TEAM, ended, channel=channel, since=position(hub, 0))

    subscription.start()
    with anyio.fail_after(5):
        while not ended.offers:
            await anyio.sleep(0.01)
    await anyio.sleep(0.1)
    subscription.close()

    assert ended.offers < 5


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


async def test_a_channel_nobody_watches_is_let_go(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    subscription = await hub.live.subscribe(TEAM, Collected(), channel=channel, since=None)
    subscription.start()

    subscription.close()
    subscription.close()

    with anyio.fail_after(10):
        while list(hub.live.fanout):
            await anyio.sleep(0.02)
    assert TeamId(1) == TEAM.team


async def test_a_channel_lost_while_one_subscribes_is_said_to_be_unavailable(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)
    other = await watch(hub.live, channel)
    read = hub.store.log.read_bounded

    async def read_and_lose(*args: Any, **options: Any) -> list[Event]:
        for watched in hub.live.fanout:
            hub.live.fanout.lose(watched)
        return await read(*args, **options)

    monkeypatch.setattr(hub.store.log, "read_bounded", read_and_lose)
    with pytest.raises(Unavailable, match="subscribe again"):
        await watch(hub.live, channel, position(hub, 0))

    assert other.lost == [str(channel)]
    monkeypatch.undo()
    again = await watch(hub.live, channel, position(hub, 0))
    await hub.write.append(channel)
    await again.until(4)
    assert again.offsets == dense(1, 4)


async def test_who_waits_for_a_channel_opens_it_when_the_first_one_leaves(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    head = hub.store.log.head
    is_asked, gate = anyio.Event(), anyio.Event()

    async def slow_head(stream: StreamId) -> Head | None:
        is_asked.set()
        await gate.wait()
        return await head(stream)

    monkeypatch.setattr(hub.store.log, "head", slow_head)
    readers: list[Collected] = []

    async def join() -> None:
        readers.append(await watch(hub.live, channel))

    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as first:
            first.start_soon(watch, hub.live, channel)
            await is_asked.wait()
            group.start_soon(join)
            await anyio.wait_all_tasks_blocked()
            first.cancel_scope.cancel()
        gate.set()
    await hub.write.append(channel)
    await readers[0].until(2)
