"""Reading streams by version, their state, their heads, and the whole log by position."""

from typing import Any

import pytest
from psycopg import AsyncConnection

from protocols.errors import InvalidRequest
from protocols.event_encoding import envelope
from protocols.events import (
    AttemptStarted,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFinished,
    StepStarted,
    StreamId,
    TaskSubmitted,
)
from protocols.messages import user_message
from protocols.steps import StepKind
from protocols.task_fold import fold
from protocols.tasks import TaskId
from store.postgres.log.event_log import EventLog
from tests.store.postgres.streams import (
    DELTA,
    NOTE,
    OTHER_TEAM,
    START,
    STEP,
    TEAM,
    Told,
    append,
    new_stream,
    new_task,
)

Root = AsyncConnection[Any]
BEGIN = TaskSubmitted(
    agent="a",
    agent_name="guide",
    agent_version=1,
    model="scripted",
    title="Why?",
    input=(user_message("Why?"),),
)


async def test_pages_of_a_stream_join_without_a_gap(log: EventLog) -> None:
    stream = await new_task(log, attempts=1)
    for seq in range(1, 11):
        await log.append(append(stream, STEP, DELTA, DELTA, attempt=1, seq=seq))
    whole = await log.read(stream)
    assert [event.version for event in whole] == list(range(1, 33))
    pages, after = [], 0
    while page := await log.read(stream, after=after, limit=5):
        assert len(page) <= 5
        pages += page
        after = page[-1].version
    assert pages == whole
    assert await log.read(stream, after=32) == []
    assert await log.read(stream, after=1000) == []
    assert await log.read(new_stream()) == []
    assert await log.read(StreamId("nonsense")) == []
    with pytest.raises(InvalidRequest, match="limit must be 1 to 5000, not 0"):
        await log.read(stream, limit=0)


async def test_a_read_is_bounded_by_bytes_and_gives_one_event_at_least(log: EventLog) -> None:
    stream = await new_task(log, attempts=1)
    for seq in range(1, 9):
        large = MessageDelta(message="m", text="x" * 10_000)
        await log.append(append(stream, large, DELTA, attempt=1, seq=seq))
    whole = await log.read(stream)
    for max_bytes in (1, 10_000, 35_000, 10**6):
        found, after = [], 0
        while page := await log.read_bounded(stream, after=after, limit=7, max_bytes=max_bytes):
            assert len(page) <= 7
            large_ones = sum(len(event.data) > 10_000 for event in page)
            assert large_ones <= max_bytes // 10_000 + 1
            found += page
            after = page[-1].version
        assert found == whole
    assert len(await log.read_bounded(stream, after=2, limit=100, max_bytes=25_000)) == 5
    assert len(await log.read_bounded(stream, after=2, limit=100, max_bytes=10**6)) == 16
    assert await log.read_bounded(new_stream(), after=0, limit=5, max_bytes=10) == []
    with pytest.raises(InvalidRequest, match="limit must be 1 to 5000, not 0"):
        await log.read_bounded(stream, after=0, limit=0, max_bytes=1)


async def test_kept_events_are_read_without_the_deltas_between_them(log: EventLog) -> None:
    stream = await new_task(log, attempts=1)
    for seq in range(1, 6):
        await log.append(append(stream, STEP, *[DELTA] * 99, attempt=1, seq=seq))
    kept = await log.read(stream, deltas=False)
    assert [event.version for event in kept] == [1, 2, 3, 103, 203, 303, 403]
    page = await log.read(stream, deltas=False, after=3, limit=2)
    assert [event.version for event in page] == [103, 203]


async def test_deltas_that_were_dropped_are_passed_over(log: EventLog, root: Root) -> None:
    stream = await new_task(log, attempts=1)
    await log.append(append(stream, *[DELTA] * 5000, attempt=1, seq=1))
    await log.append(append(stream, STEP, NOTE, attempt=1, seq=2))
    await root.execute("DELETE FROM pygent.event_delta WHERE stream_id = %s", (stream,))
    page = await log.read(stream, after=1, limit=2)
    assert [event.version for event in page] == [2, 5003]
    assert [event.version for event in await log.read(stream, after=5003)] == [5004]


async def test_what_is_read_is_what_was_published_byte_for_byte(log: EventLog, told: Told) -> None:
    stream = new_stream()
    await log.append(append(stream, BEGIN, expected=0))
    await log.append(append(stream, START, NOTE, DELTA, attempt=1, actor='user:"é"'))
    read = await log.read(stream)
    assert [envelope(event) for event in read] == told.lines(stream)
    assert f'"{log.epoch} '.encode() not in b"".join(told.lines(stream))
    assert {frame.split(b" ")[0] for _, frame in told.frames} == {log.epoch.encode()}
    head = await log.head(stream)
    assert head is not None
    assert told.position == head.last_position


async def test_the_state_is_read_without_deltas_of_finished_messages(log: EventLog) -> None:
    stream = new_stream()
    await log.append(append(stream, BEGIN, expected=0))

    async def attempt(number: int, *, ends: bool) -> None:
        first, second = f"{number}.1", f"{number}.2"
        await log.append(append(stream, AttemptStarted(worker="w"), attempt=number))
        await log.append(
            append(
                stream,
                StepStarted(step=first, kind=StepKind.MODEL, name="m"),
                MessageStarted(message=first, step=first),
                *[MessageDelta(message=first, text=f"{n} ") for n in range(50)],
                MessageFinished(message=first, text="all of it"),
                StepFinished(step=first),
                StepStarted(step=second, kind=StepKind.MODEL, name="m"),
                MessageStarted(message=second, step=second),
                *[MessageDelta(message=second, text=f"{n} ") for n in range(7)],
                attempt=number,
                seq=1,
            )
        )
        if ends:
            done = MessageFinished(message=second, text="and more")
            await log.append(append(stream, done, attempt=number, seq=2))

    await attempt(1, ends=False)
    await _same_state(log, stream, deltas=7)
    await attempt(2, ends=False)
    await _same_state(log, stream, deltas=14)
    await attempt(3, ends=True)
    await _same_state(log, stream, deltas=14)
    assert await log.read_state(new_stream()) == []


async def _same_state(log: EventLog, stream: StreamId, *, deltas: int) -> None:
    whole = await log.read(stream, limit=5000)
    state = await log.read_state(stream)
    assert fold(TaskId(stream), state) == fold(TaskId(stream), whole)
    assert len([event for event in state if event.type == "message.delta"]) == deltas


async def test_heads_are_told_for_those_that_exist(log: EventLog) -> None:
    streams = [await new_task(log, attempts=number) for number in range(3)]
    other = await new_task(log, team=OTHER_TEAM)
    heads = await log.heads([*streams, other, new_stream(), StreamId("nonsense")])
    assert {stream: head.attempt for stream, head in heads.items()} == {
        **dict(zip(streams, range(3), strict=True)),
        other: 0,
    }
    assert (heads[other].team, heads[streams[0]].team) == (OTHER_TEAM, TEAM)
    assert await log.heads([]) == {}


async def test_a_follower_sees_kept_events_in_order_with_their_heads(log: EventLog) -> None:
    first, second = await new_task(log, attempts=1), await new_task(log, team=OTHER_TEAM)
    await log.append(append(first, DELTA, STEP, attempt=1, seq=1))
    seen, after = [], 0
    while page := await log.follow(after=after, limit=2):
        seen += page
        after = page[-1].position
    assert [(event.stream, event.version, event.type) for event in seen] == [
        (first, 1, "task.cancel_requested"),
        (first, 2, "attempt.started"),
        (second, 1, "task.cancel_requested"),
        (first, 4, "step.finished"),
    ]
    assert [event.head for event in seen] == [
        None,
        b'{"worker":"w","alone":false}',
        None,
        b'{"step":"1.1"}',
    ]
    assert [event.team for event in seen] == [TEAM, TEAM, OTHER_TEAM, TEAM]
    assert await log.follow(after=after) == []
    assert await log.follow(after=0, shard=1) == []
