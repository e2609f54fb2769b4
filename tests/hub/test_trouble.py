"""What one channel, one frame or one look runs into stays there: the hub goes on for everybody."""

import io
from collections.abc import Awaitable, Callable, Sequence

import pytest

from hub import relay
from protocols.channels import Channel, Namespace, StreamPosition
from protocols.errors import FactoryError, Unavailable
from protocols.events import Event, StreamId
from store.postgres.log.event_log import Head
from tests.hub.conftest import TEAM, Collected, Hub, dense, position, watch
from tests.hub.test_safety_net import LossyPublishing
from tests.serving import logging_to

MAKES_PAGES = 4000  # bytes of each event, so that a first page does not hold all

ReadBounded = Callable[..., Awaitable[list[Event]]]


class Broken:
    """In place of the log's reading: one stream cannot be read, the others can."""

    def __init__(self, hub: Hub, channel: Channel, error: FactoryError, *, times: int = 10**9):
        self.left = times
        self._read: ReadBounded = hub.store.log.read_bounded
        self._stream = StreamId(channel.key)
        self._error = error

    async def __call__(
        self, stream: StreamId, *, after: int, limit: int, max_bytes: int
    ) -> list[Event]:
        if stream == self._stream and self.left:
            self.left -= 1
            raise self._error
        return await self._read(stream, after=after, limit=limit, max_bytes=max_bytes)


async def test_a_reader_whose_history_cannot_be_read_is_sent_away_and_others_go_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    spoilt, sound = hub.write.new_stream(), hub.write.new_stream()
    await hub.write.append(spoilt, 600, size=MAKES_PAGES)
    await hub.write.append(sound)
    late, other = Collected(), await watch(hub.live, sound)
    subscription = await hub.live.subscribe(TEAM, late, channel=spoilt, since=position(hub, 0))
    monkeypatch.setattr(
        hub.store.log, "read_bounded", Broken(hub, spoilt, FactoryError("the store failed"))
    )

    said = io.StringIO()
    with logging_to(said):
        subscription.start()
        await late.until_lost()

    assert "a reader could not catch up" in said.getvalue()
    await hub.write.append(sound)
    await other.until(2)
    monkeypatch.undo()
    again = await watch(hub.live, spoilt, position(hub, 0))
    await again.until(600)
    assert again.offsets == dense(1, 600)


async def test_a_gap_that_cannot_be_read_loses_its_readers_and_no_others(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    spoilt, sound = hub.write.new_stream(), hub.write.new_stream()
    for channel in (spoilt, sound):
        await hub.write.append(channel)
    reader, other = await watch(hub.live, spoilt), await watch(hub.live, sound)
    monkeypatch.setattr(
        hub.store.log, "read_bounded", Broken(hub, spoilt, FactoryError("the store failed"))
    )
    monkeypatch.setattr(hub.store.broker, "publish_frames", LossyPublishing())

    for channel in (spoilt, sound):
        await hub.write.append(channel)

    await reader.until_lost()
    await other.until(2)
    assert other.lost == []


async def test_a_gap_is_filled_when_the_log_is_back(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    broken = Broken(hub, channel, Unavailable("the database is out of reach"), times=2)
    monkeypatch.setattr(hub.store.log, "read_bounded", broken)
    monkeypatch.setattr(hub.store.broker, "publish_frames", LossyPublishing())

    await hub.write.append(channel, 3)

    await reader.until(4)
    assert reader.offsets == dense(2, 4)
    assert (broken.left, reader.lost) == (0, [])


@pytest.mark.parametrize(
    ("error", "lines"), [(Unavailable("the database is away"), 1), (ValueError("a mistake"), 2)]
)
async def test_a_look_that_fails_is_followed_by_the_next(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, error: Exception, lines: int
):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    heads, left = hub.store.log.heads, 2

    async def failing_twice(streams: Sequence[StreamId]) -> dict[StreamId, Head]:
        nonlocal left
        if left:
            left -= 1
            raise error
        return await heads(streams)

    monkeypatch.setattr(hub.store.log, "heads", failing_twice)
    monkeypatch.setattr(hub.store.broker, "publish_frames", LossyPublishing())
    monkeypatch.setattr(relay, "LOOK_SECONDS", 0.1)
    said = io.StringIO()
    with logging_to(said):
        await hub.write.append(channel)
        await reader.until(2)
    assert said.getvalue().count("watched heads are not compared") == lines


async def test_a_frame_of_garbage_is_passed_over(hub: Hub):
    channel = hub.write.new_stream()
    await hub.write.append(channel)
    reader = await watch(hub.live, channel)
    for frame in (b"", b"\xff 2\n{}", b"e " + b"2" * 5000 + b"\n{}"):
        await hub.store.broker.publish_frames([(str(channel), frame)], position=1)
    await hub.write.append(channel)
    await reader.until(2)
    assert reader.offsets == [2]


async def test_the_history_of_a_feed_pages_both_ways(hub: Hub):
    channel = Channel(Namespace.TASKS, str(TEAM.team))
    await hub.store.broker.publish_feed(str(channel), [b"%d" % number for number in range(1, 6)])
    epoch = (await hub.live.top(channel, TEAM.team)).epoch

    async def page(since: int | None, limit: int, *, reverse: bool = False) -> list[int]:
        found = await hub.live.history(
            TEAM,
            channel,
            since=None if since is None else StreamPosition(epoch, since),
            limit=limit,
            reverse=reverse,
        )
        assert found is not None
        assert found.position == StreamPosition(epoch, 5)
        return [one.offset for one in found.publications]

    assert await page(None, 0) == []
    assert await page(None, 2) == [1, 2]
    assert await page(3, 5) == [4, 5]
    assert await page(None, 2, reverse=True) == [5, 4]
    assert await page(3, 5, reverse=True) == [2, 1]
    unknown = StreamPosition("_", 1)
    assert (await hub.live.history(TEAM, channel, since=unknown, limit=1, reverse=False)) is None
