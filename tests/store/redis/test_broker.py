"""Feeds are recoverable from their history; frames may be lost, and say so."""

import anyio
import anyio.lowlevel
import pytest

from protocols.channels import Publication, StreamPosition
from protocols.errors import InvalidRequest, Unavailable
from store.redis.broker import FEED_ENTRIES, Broker, make_frame, open_broker, parse_frame
from store.redis.keys import LOG
from store.redis.listener import Listener, Reconnected


async def heard(listener: Listener) -> tuple[str, bytes]:
    with anyio.fail_after(5):
        async for item in listener:
            if not isinstance(item, Reconnected):
                return item
    raise AssertionError


async def connected(listener: Listener) -> None:
    with anyio.fail_after(5):
        async for item in listener:
            if isinstance(item, Reconnected):
                return


def test_a_frame_is_an_epoch_an_offset_and_unparsed_lines():
    frame = make_frame("e1", 7, [b'{"a":1}', b"not json"])

    assert frame == b'e1 7\n{"a":1}\nnot json'
    assert parse_frame(frame) == ("e1", 7, [b'{"a":1}', b"not json"])


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"e1", b"e1 7", b"e1 7\n", b"e1 x\n{}", b"7\n{}"),
        *(b"\xff 7\n{}", b"e1 " + b"7" * 5000 + b"\n{}"),
    ],
    ids=lambda frame: repr(frame[:8]),
)
def test_what_is_no_frame_is_refused(frame: bytes):
    with pytest.raises(InvalidRequest):
        parse_frame(frame)


@pytest.mark.parametrize("turns", range(6))
async def test_what_is_told_while_it_ends_is_dropped(broker: Broker, turns: int):
    """Whatever moment the listener's connection is let go at."""
    async with anyio.create_task_group() as group, broker.listen() as listener:
        await connected(listener)
        assert await listener.subscribe("task:a")
        group.start_soon(listener.unsubscribe, "task:a")
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()


async def test_frames_arrive_in_order_and_the_log_follower_is_woken(broker: Broker):
    async with broker.listen() as listener:
        await connected(listener)
        assert await listener.subscribe("task:a")
        assert await listener.subscribe(LOG)

        await broker.publish_frames([("task:a", b"e 1\n1"), ("task:b", b"e 1\n1")], position=41)
        await broker.publish_frames([("task:a", b"e 2\n2")], position=42)

        assert [await heard(listener) for _ in range(4)] == [
            ("task:a", b"e 1\n1"),
            (LOG, b"41"),
            ("task:a", b"e 2\n2"),
            (LOG, b"42"),
        ]
    assert broker.counters.frames_published == 3


async def test_nothing_arrives_after_unsubscribe(broker: Broker):
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe("task:a")
        await listener.unsubscribe("task:a")
        await listener.subscribe("task:b")

        await broker.publish_frames([("task:a", b"e 1\n1"), ("task:b", b"e 1\n1")], position=1)

        assert await heard(listener) == ("task:b", b"e 1\n1")


async def test_a_feed_is_recovered_from_its_history(broker: Broker):
    start = await broker.read_feed("tasks:1", after=None, limit=10)
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe("tasks:1")
        await broker.publish_feed("tasks:1", [b"a", b"b"])
        await broker.publish_feed("tasks:1", [b"c"])

        assert parse_frame((await heard(listener))[1]) == (start.epoch, 1, [b"a", b"b"])
        assert parse_frame((await heard(listener))[1]) == (start.epoch, 3, [b"c"])

    page = await broker.read_feed("tasks:1", after=StreamPosition(start.epoch, 1), limit=10)
    assert page.is_complete
    assert page.top == 3
    assert page.publications == [Publication(2, b"b"), Publication(3, b"c")]


@pytest.mark.parametrize(
    ("epoch", "offset", "limit", "found"),
    [("_", 3, 10, 0), ("", 4, 10, 0), ("", 0, 2, 2)],
    ids=["epoch", "above", "cut"],
)
async def test_what_cannot_be_proved_gap_free_is_not_complete(
    broker: Broker, epoch: str, offset: int, limit: int, found: int
):
    await broker.publish_feed("tasks:1", [b"a", b"b", b"c"])

    page = await broker.read_feed("tasks:1", after=StreamPosition(epoch, offset), limit=limit)

    assert not page.is_complete
    assert len(page.publications) == found
    assert page.top == 3


async def test_a_history_is_bounded_and_what_fell_out_is_known_to_be_missing(broker: Broker):
    await broker.publish_feed("tasks:1", [b"%d" % n for n in range(FEED_ENTRIES + 2)])

    too_old = await broker.read_feed("tasks:1", after=StreamPosition("", 1), limit=1000)
    kept = await broker.read_feed("tasks:1", after=StreamPosition("", 2), limit=1000)

    assert not too_old.is_complete
    assert kept.is_complete
    assert len(kept.publications) == FEED_ENTRIES


async def test_no_redis_loses_frames_within_two_seconds_without_an_error(own_valkey):
    async with open_broker(own_valkey.url, prefix="t") as broker:
        with anyio.fail_after(3):
            await broker.publish_frames([("task:a", b"e 1\n1")], position=1)
        with anyio.fail_after(0.8):  # less than a try would take
            await broker.publish_frames([("task:a", b"e 2\n2")], position=2)
        with pytest.raises(Unavailable):
            await broker.publish_feed("tasks:1", [b"a"])
        with pytest.raises(Unavailable):
            await broker.read_feed("tasks:1", after=None, limit=1)

    assert broker.counters.frames_lost == 2


async def test_a_listener_comes_back_with_its_subscriptions(own_valkey):
    async with open_broker(own_valkey.url, prefix="t") as broker, broker.listen() as listener:
        assert not await listener.subscribe("task:a")
        for round_number in range(2):
            async with own_valkey.running():
                await connected(listener)
                assert listener.is_connected
                await broker.publish_frames([("task:a", b"e 1\n%d" % round_number)], position=1)
                assert await heard(listener) == ("task:a", b"e 1\n%d" % round_number)


async def test_a_url_of_another_kind_is_refused():
    with pytest.raises(InvalidRequest, match="unix://"):
        async with open_broker("http://localhost", prefix="t"):
            pass
