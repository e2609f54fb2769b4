"""Parts of streams are fetched once however many ask, kept within bounds, and never made up."""

from datetime import UTC, datetime

import anyio
import msgspec
import pytest

from hub import history
from hub.history import BLOCK_EVENTS, Blocks
from protocols.errors import FactoryError, Unavailable
from protocols.events import Event, StreamId
from store.postgres.log.event_log import EventLog

STREAM = StreamId("0199d7a2-4c5e-7b1a-9f3e-5d2c1b0a9e8f")


class Gated(EventLog):
    """A log of a thousand events that answers when it is let."""

    @property
    def epoch(self) -> str:
        return "e"

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []
        self.gate = anyio.Event()
        self.gate.set()
        self.is_away = False
        self.is_broken = False
        self.missing: range = range(0)
        self.event_bytes = 2

    async def read_bounded(
        self, stream: StreamId, *, after: int, limit: int, max_bytes: int
    ) -> list[Event]:
        self.reads.append((after, limit))
        await self.gate.wait()
        if self.is_away:
            raise Unavailable("the database is out of reach")
        if self.is_broken:
            raise FactoryError("the store failed")
        versions = [one for one in range(after + 1, 1001) if one not in self.missing][:limit]
        found = list[Event]()
        while versions and sum(len(one.data) for one in found) < max_bytes:
            found.append(event(versions.pop(0), size=self.event_bytes))
        return found


def event(version: int, *, size: int = 2) -> Event:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Event(
        "message.delta", version, now, "system", 1, msgspec.Raw(b"{%*s}" % (size - 2, b""))
    )


async def test_a_thousand_readers_cost_one_query():
    log = Gated()
    log.gate = anyio.Event()
    found: list[int] = []

    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)

        async def read(after: int) -> None:
            publications = await blocks.after(STREAM, after, top=1000)
            found.append(publications[0].offset)

        for number in range(1000):
            group.start_soon(read, number % 200)
        await anyio.wait_all_tasks_blocked()
        log.gate.set()

    assert log.reads == [(0, BLOCK_EVENTS)]
    assert sorted(found) == sorted(number % 200 + 1 for number in range(1000))


async def test_a_reader_that_leaves_does_not_take_the_query_along():
    log = Gated()
    log.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)
        with anyio.move_on_after(0.01):
            await blocks.after(STREAM, 0, top=1000)
        log.gate.set()
        assert len(await blocks.after(STREAM, 0, top=1000)) == BLOCK_EVENTS
    assert len(log.reads) == 1


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "CACHE_BYTES", 100_000)
    log = Gated()
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)
        for start in (0, 256, 512, 0):
            await blocks.after(STREAM, start, top=1000)
        await blocks.after(STREAM, 0, top=1000)
        assert blocks.hits == 1
    assert [start for start, _ in log.reads] == [0, 256, 512, 0]


@pytest.mark.parametrize("begin", [0, 5, 100])
@pytest.mark.parametrize("event_bytes", [100_000, 3 * history.PART_BYTES])
async def test_a_block_of_large_events_is_read_in_parts(event_bytes: int, begin: int):
    log = Gated()
    log.event_bytes = event_bytes
    offsets, sizes = [begin], list[int]()
    async with anyio.create_task_group() as group:
        stream = history.StreamHistory(log, Blocks(log, group), STREAM)
        while offsets[-1] < begin + 60:
            page = await stream.page(epoch="e", after=offsets[-1], top=1000)
            assert page
            offsets += [one.offset for one in page]
            sizes.append(sum(len(one.data) for one in page))
    assert offsets == list(range(begin, offsets[-1] + 1))
    assert max(sizes) < max(history.PAGE_BYTES, event_bytes + 200)
    a_part = max(1, history.PART_BYTES // event_bytes)
    assert len(log.reads) <= 60 // a_part + 2  # each part once


async def test_readers_of_a_large_block_share_its_parts():
    log = Gated()
    log.event_bytes = 100_000
    log.gate = anyio.Event()
    found = list[int]()
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)

        async def read() -> None:
            for after in (0, 11, 22):
                found.append((await blocks.after(STREAM, after, top=1000))[0].offset)

        for _ in range(50):
            group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        log.gate.set()
    assert [after for after, _ in log.reads] == [0, 11, 22]
    assert sorted(found) == sorted([1, 12, 23] * 50)


async def test_a_block_that_still_grows_is_not_kept():
    log = Gated()
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)
        for _ in range(2):
            await blocks.after(STREAM, 10, top=200)
    assert log.reads == [(10, 246), (10, 246)]


async def test_a_log_that_is_away_is_told_to_each_and_asked_again():
    log = Gated()
    log.is_away = True
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)
        with pytest.raises(Unavailable):
            await blocks.after(STREAM, 0, top=1000)
        log.is_away = False
        assert await blocks.after(STREAM, 0, top=1000)


async def test_a_stream_that_cannot_be_read_is_told_to_each_and_harms_no_other():
    log = Gated()
    log.is_broken = True
    async with anyio.create_task_group() as group:
        blocks = Blocks(log, group)
        for _ in range(2):
            with pytest.raises(FactoryError, match="the store failed"):
                await blocks.after(STREAM, 0, top=1000)
        log.is_broken = False
        assert await blocks.after(StreamId("0199d7a2-4c5e-7b1a-9f3e-5d2c1b0a9e90"), 0, top=1000)


async def test_compacted_versions_are_skipped_and_a_missing_end_is_no_proof():
    log = Gated()
    log.missing = range(200, 600)
    async with anyio.create_task_group() as group:
        stream = history.StreamHistory(log, Blocks(log, group), STREAM)
        first = await stream.page(epoch="e", after=198, top=1000)
        assert first is not None
        assert [one.offset for one in first] == [199]
        second = await stream.page(epoch="e", after=199, top=1000)
        assert second is not None
        assert second[0].offset == 600
        log.missing = range(900, 1001)
        assert await stream.page(epoch="e", after=899, top=1000) is None
        assert await stream.page(epoch="other", after=0, top=1000) is None
