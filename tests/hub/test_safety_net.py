"""What Redis loses, the heads find: nothing is lost to a reader, and in order."""

import contextlib
import os
import signal
from collections.abc import Sequence

import anyio
import psycopg
import pytest
from redis.asyncio import Redis

from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.errors import FactoryError
from protocols.events import StreamId
from protocols.operations.channels import Reset
from store.addresses import Addresses
from store.postgres.log import epoch
from store.postgres.log.event_log import Head
from store.redis.broker import make_frame
from tests.conftest import OwnValkey
from tests.hub.conftest import TEAM, Collected, Hub, dense, hub_on, position, watch


class LossyPublishing:
    """In place of the broker's: takes every frame and loses it."""

    def __init__(self) -> None:
        self.lost = anyio.Event()

    async def __call__(self, frames: Sequence[tuple[str, bytes]], *, position: int) -> None:
        self.lost.set()


async def cut_readers(database: str) -> None:
    """End every connection to the database but the log's writer."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name <> 'pygent-writer'"
        )


async def test_lost_publications_are_found_within_seconds(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    readers = [await watch(hub.live, channel) for _ in range(3)]
    monkeypatch.setattr(hub.store.broker, "publish_frames", LossyPublishing())

    await hub.write.append(channel, 1500)

    for reader in readers:
        await reader.until(1501, seconds=3)
        assert reader.offsets == dense(2, 1501)


async def test_what_arrives_while_heads_are_compared_is_no_loss(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    heads, compared = hub.store.log.heads, anyio.Event()

    async def heads_of_a_moment_ago(streams: Sequence[StreamId]) -> dict[StreamId, Head]:
        found = await heads(streams)
        await hub.write.append(channel)
        await reader.until(2)
        compared.set()
        return found

    monkeypatch.setattr(hub.store.log, "heads", heads_of_a_moment_ago)
    with anyio.fail_after(10):
        await compared.wait()
    monkeypatch.undo()
    await hub.write.append(channel)
    await reader.until(reader.offsets[-1] + 1)

    assert reader.lost == []


async def test_a_gap_is_filled_from_the_log_before_what_follows_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    with monkeypatch.context() as broken:
        broken.setattr(hub.store.broker, "publish_frames", lossy := LossyPublishing())
        await hub.write.append(channel, 10)
        with anyio.fail_after(5):
            await lossy.lost.wait()

    await hub.write.append(channel)

    await reader.until(12)
    assert reader.offsets == dense(2, 12)
    assert hub.live.fanout.counters.gaps == 1  # not the look, which comes every two seconds


async def test_frames_out_of_order_and_repeated_ones_are_put_right(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    await hub.write.append(channel, 4)
    await reader.until(5)

    def frame(first: int, count: int, epoch: str = hub.store.log.epoch) -> bytes:
        return make_frame(epoch, first, [b"again"] * count)

    for again in (frame(2, 3), frame(5, 1), frame(6, 1, "a-foreign-epoch")):
        hub.live.fanout.receive(str(channel), again)
    hub.live.fanout.receive(str(channel), frame(4, 3))  # 4 and 5 are known, 6 is new

    await reader.until(6)
    assert reader.offsets == dense(2, 6)
    assert reader.publications[-1] == Publication(6, b"again")


async def test_everything_flows_while_redis_is_away_and_after(database: str, own_valkey: OwnValkey):
    addresses = Addresses(database=database, redis=own_valkey.url)
    async with hub_on(addresses) as hub:  # Redis is away at the start
        channel = hub.write.new_stream()
        await hub.write.append(channel)
        reader = await watch(hub.live, channel)
        await hub.write.append(channel, 9)
        await reader.until(10, seconds=2)

        async with own_valkey.running() as server:
            with anyio.fail_after(10):
                while not hub.live.hears_redis:
                    await anyio.sleep(0.01)
            async with anyio.create_task_group() as group:
                group.start_soon(hub.write.append_many, channel, 5000)
                await reader.until(500)
                os.kill(server.pid, signal.SIGKILL)
            await reader.until(5010)
        late = await watch(hub.live, channel, position(hub, 5000))
        await hub.write.append(channel)
        await late.until(5011, seconds=2)

        async with own_valkey.running():
            with anyio.fail_after(10):
                while not hub.live.hears_redis:
                    await anyio.sleep(0.01)
            await hub.write.append(channel)
            await reader.until(5012)

        assert reader.offsets == dense(2, 5012)
        assert late.offsets == dense(5001, 5012)


async def test_a_redis_that_stands_still_delays_nobody_for_long(
    database: str, own_valkey: OwnValkey
):
    addresses = Addresses(database=database, redis=own_valkey.url)
    async with own_valkey.running() as server, hub_on(addresses) as hub:
        channels = [hub.write.new_stream() for _ in range(20)]
        for channel in channels:
            await hub.write.append(channel)
        first = await watch(hub.live, channels[0])
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with anyio.fail_after(4):  # clients give up on a subscribe after five seconds
                readers = [await watch(hub.live, channel) for channel in channels[1:]]
            assert not hub.live.hears_redis
            for channel in channels:
                await hub.write.append(channel)
            for reader in (first, *readers):
                await reader.until(2, seconds=2)
        finally:
            os.kill(server.pid, signal.SIGCONT)

        with anyio.fail_after(15):
            while not hub.live.hears_redis:
                await anyio.sleep(0.01)
        for channel in channels:
            await hub.write.append(channel)
        for reader in (first, *readers):
            await reader.until(3, seconds=5)  # a publish may still rest; the look of 2 s finds it
            assert reader.offsets == [2, 3]


async def test_a_feed_that_redis_forgot_is_said_to_be_lost(hub: Hub, redis_url: str):
    channel = Channel(Namespace.TASKS, str(TEAM.team))
    reader = await watch(hub.live, channel)
    await hub.store.broker.publish_feed(str(channel), [b"1"])
    await reader.until(1)
    keys = hub.store.broker.keys
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(keys.meta(str(channel)), keys.history(str(channel)))

    await hub.store.broker.publish_feed(str(channel), [b"2"])

    await reader.until_lost()
    assert reader.lost == [str(channel)]
    again = await watch(hub.live, channel)
    await hub.store.broker.publish_feed(str(channel), [b"3"])
    await again.until(2)


async def test_a_restored_log_resets_every_reader(hub: Hub, database: str):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)
    reader = await watch(hub.live, channel)
    before = position(hub, 3)

    async with hub.live.follow(TEAM, channel, after=before) as items:
        await new_epoch(hub, database)
        with anyio.fail_after(6):
            reset = await anext(items)
        assert reset == Reset(position(hub, 3))
        assert reset != Reset(before)

    await reader.until_lost()
    found = await hub.live.subscribe(TEAM, Collected(), channel=channel, since=before)
    assert not found.recovered
    assert found.epoch == hub.store.log.epoch


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch, "LOOK_SECONDS", 0.2)


@pytest.mark.usefixtures("looks_often")
async def test_an_epoch_begun_by_hand_resets_every_reader_on_old_connections(
    hub: Hub, database: str
):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)
    reader = await watch(hub.live, channel)
    before = position(hub, 3)

    async with hub.live.follow(TEAM, channel, after=before) as items:
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute("SELECT pygent.rotate_epoch()")
        with anyio.fail_after(6):
            reset = await anext(items)
        assert reset == Reset(position(hub, 3))
        assert reset != Reset(before)
    await reader.until_lost()


async def new_epoch(hub: Hub, database: str) -> None:
    """As after a restore: a new epoch, seen by the next new connections."""
    before = hub.store.log.epoch
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("SELECT pygent.rotate_epoch()")
    await cut_readers(database)
    with anyio.fail_after(10):
        while hub.store.log.epoch == before:
            with contextlib.suppress(FactoryError):
                await hub.store.log.head(StreamId("0199d7a2-4c5e-7b1a-9f3e-5d2c1b0a9e8f"))
            await anyio.sleep(0.01)


async def test_readers_go_on_after_postgres_cut_every_connection(
    hub: Hub, database: str, monkeypatch: pytest.MonkeyPatch
):
    channel = hub.write.new_stream()
    await hub.write.append(channel, 3)
    reader = await watch(hub.live, channel, StreamPosition("", 0))
    monkeypatch.setattr(hub.store.broker, "publish_frames", LossyPublishing())

    await cut_readers(database)
    await hub.write.append(channel, 2)

    await reader.until(5)
    assert reader.offsets == dense(1, 5)
    assert reader.lost == []
