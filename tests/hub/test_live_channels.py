"""Channels under those who watch them: foreign, ended, let go, lost and opened again."""

from typing import Any

import anyio
import pytest

from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.errors import NotFound, Unavailable
from protocols.events import Event, StreamId
from protocols.operations.channels import Batch
from protocols.operations.presence import Coming
from protocols.principals import TeamId
from store.postgres.log.event_log import Head
from tests.hub.conftest import OTHER_TEAM, TEAM, Collected, Hub, dense, position, watch


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

    def notice(self, coming: Coming) -> None: ...

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
