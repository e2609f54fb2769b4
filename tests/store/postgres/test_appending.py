"""What the log accepts, what it refuses, and what a refusal leaves behind: nothing."""

import uuid
from typing import Any

import anyio
import pytest
from psycopg import AsyncConnection

from protocols.errors import (
    AlreadyExists,
    Fenced,
    Gap,
    InvalidRequest,
    InvalidTransition,
    LimitExceeded,
    NotFound,
    WrongVersion,
)
from protocols.events import StreamId, TaskCompleted
from store.postgres.log.event_log import EventLog
from tests.store.postgres.streams import (
    CANCELED,
    COMPLETED,
    DELTA,
    END,
    NOTE,
    OTHER_TEAM,
    START,
    STEP,
    SUBMITTED,
    WORKING,
    append,
    counted,
    job,
    new_stream,
    new_task,
    together,
    versions,
)

Root = AsyncConnection[Any]


async def test_a_decision_is_refused_at_another_version_and_leaves_nothing(
    log: EventLog, root: Root
) -> None:
    stream = await new_task(log)
    before = await counted(root)
    jobs = (job(stream),)
    with pytest.raises(WrongVersion, match=f"task {stream} is at version 1, not at 5"):
        await log.append(append(stream, NOTE, NOTE, expected=5, jobs=jobs))
    with pytest.raises(WrongVersion, match="exists already, at version 1"):
        await log.append(append(stream, expected=0, jobs=jobs))
    with pytest.raises(WrongVersion):
        await log.append(append(new_stream(), expected=5, jobs=jobs))
    with pytest.raises(InvalidTransition, match="cannot become completed now"):
        await log.append(append(stream, expected=1, to_state=COMPLETED, jobs=jobs))
    with pytest.raises(NotFound, match=f"there is no task {stream}"):
        await log.append(append(stream, team=OTHER_TEAM, expected=1, jobs=jobs))
    with pytest.raises(NotFound):
        await log.append(append(stream, team=OTHER_TEAM, attempt=1, jobs=jobs))
    assert await counted(root) == before


async def test_the_job_is_there_if_and_only_if_the_event_is(log: EventLog, root: Root) -> None:
    stream = new_stream()
    submit = append(stream, expected=0, to_state=SUBMITTED, jobs=(job(stream),))
    await log.append(submit)
    with pytest.raises(WrongVersion):
        await log.append(submit)
    cursor = await root.execute(
        "SELECT queue_name, task_name, lock, args FROM pygent.procrastinate_jobs"
    )
    assert await cursor.fetchall() == [("tasks", "attempt", f"task:{stream}", {"team": 1})]


async def test_a_repeated_key_gets_the_old_answer_and_enqueues_nothing(
    log: EventLog, root: Root
) -> None:
    key = uuid.uuid4()
    first, second = new_stream(), new_stream()
    was = await log.append(
        append(first, expected=0, to_state=SUBMITTED, key=key, jobs=(job(first),))
    )
    await log.append(append(first))
    before = await counted(root)
    again = await log.append(
        append(second, expected=0, to_state=SUBMITTED, key=key, jobs=(job(second),))
    )
    assert (again.stream, again.version, again.position) == (first, 1, was.position)
    assert again.is_repeat
    assert not was.is_repeat
    assert again.time == was.time
    assert await counted(root) == before


async def test_a_key_is_refused_for_another_request(log: EventLog) -> None:
    key, stream = uuid.uuid4(), new_stream()
    await log.append(append(stream, expected=0, key=key, request_hash=b"one"))
    with pytest.raises(AlreadyExists):
        await log.append(append(new_stream(), expected=0, key=key, request_hash=b"two"))
    with pytest.raises(AlreadyExists):
        await log.append(append(new_stream(), expected=0, key=key))
    other = append(new_stream(), expected=0, key=key, request_hash=b"two", team=OTHER_TEAM)
    assert not (await log.append(other)).is_repeat  # keys are a team's own


async def test_an_attempt_is_fenced_by_the_next_and_knows_its_own_repeats(
    log: EventLog, root: Root
) -> None:
    stream, mine = await new_task(log), uuid.uuid4()

    async def step(attempt: int, seq: int, count: int = 1, **rest: Any) -> tuple[int, bool]:
        done = await log.append(append(stream, *[STEP] * count, attempt=attempt, seq=seq, **rest))
        return done.version, done.is_repeat

    with pytest.raises(Fenced):
        await step(1, 1)  # never started
    assert await step(1, 0, key=mine, to_state=WORKING) == (2, False)
    assert await step(1, 0, key=mine, to_state=WORKING) == (2, True)
    with pytest.raises(Fenced):  # another worker with the same number
        await step(1, 0, key=uuid.uuid4())
    assert await step(1, 1, 3) == (5, False)
    await log.append(append(stream, expected=5))  # a person writes meanwhile
    assert await step(1, 1, 3) == (5, True)  # the old answer, not the head
    with pytest.raises(Gap, match="append 3 of attempt 1"):
        await step(1, 3)
    assert await step(1, 2, 2) == (8, False)
    assert await step(2, 0, key=uuid.uuid4()) == (9, False)

    before = await counted(root)
    for seq in (0, 1, 2, 3):
        with pytest.raises(Fenced):
            await step(1, seq)
    assert await counted(root) == before
    assert await step(2, 1, to_state=COMPLETED) == (10, False)
    assert await step(2, 1, to_state=COMPLETED) == (10, True)
    with pytest.raises(Fenced):  # the task is over
        await step(2, 2)
    with pytest.raises(InvalidTransition):
        await step(3, 0, to_state=WORKING)


async def test_each_append_of_one_batch_gets_its_own_answer(log: EventLog, root: Root) -> None:
    mine, other, key = await new_task(log, attempts=1), new_stream(), uuid.uuid4()
    batches = log.counters.batch_sizes.count
    answers = await together(
        log,
        [
            *[append(mine, STEP, DELTA, attempt=1, seq=seq) for seq in (1, 2, 3)],
            append(mine, expected=8),
            append(mine, expected=8),
            append(mine, attempt=1, seq=4),
            append(other, expected=0, to_state=SUBMITTED, key=key),
            append(new_stream(), expected=0, to_state=SUBMITTED, key=key),
            append(other, expected=1, to_state=CANCELED, jobs=(job(other),)),
            append(mine, team=OTHER_TEAM),
        ],
    )
    assert log.counters.batch_sizes.count == batches + 1
    assert versions(answers) == [4, 6, 8, 9, WrongVersion, 10, 1, 1, 2, NotFound]
    cursor = await root.execute(
        "SELECT version FROM pygent.event WHERE stream_id = %s ORDER BY position", (mine,)
    )
    assert [row[0] for row in await cursor.fetchall()] == list(range(1, 11))
    assert (await counted(root))[3] == 1


async def test_a_broken_append_fails_alone(log: EventLog, root: Root) -> None:
    good, bad = await new_task(log, attempts=1), await new_task(log, attempts=1)
    broken = append(bad, STEP, attempt=1, seq=1, actor="agent:\0")
    answers = await together(
        log,
        [
            append(good, STEP, attempt=1, seq=1),
            broken,
            append(good, STEP, attempt=1, seq=2),
            append(bad, STEP, attempt=1, seq=2),
        ],
    )
    assert versions(answers) == [3, InvalidRequest, 4, Gap]
    assert log.counters.failed == 1


async def test_what_cannot_be_an_event_is_refused_before_it_is_sent(log: EventLog) -> None:
    with pytest.raises(InvalidRequest, match="is not the id of a stream"):
        await log.append(append(StreamId(str(uuid.uuid4()).upper())))
    with pytest.raises(InvalidRequest, match="is not the id of a stream"):
        await log.append(append(StreamId("1")))
    with pytest.raises(InvalidRequest, match="text that is not Unicode"):
        await log.append(append(new_stream(), TaskCompleted(message="1", text="\ud800")))
    with pytest.raises(LimitExceeded, match="the limit is 16777216 bytes"):
        await log.append(append(new_stream(), TaskCompleted(message="1", text="x" * 2**24)))
    assert log.counters.batch_sizes.count == 0


async def test_zero_characters_and_line_breaks_in_content_are_content(log: EventLog) -> None:
    stream = new_stream()
    await log.append(append(stream, TaskCompleted(message="\0\n", text="\0\n")))
    events = await log.read(stream)
    assert bytes(events[0].data).count(b"\n") == 0
    assert b'"text":"\\u0000\\n"' in bytes(events[0].data)


async def test_the_append_of_a_caller_that_left_before_it_was_sent_is_not_done(
    log: EventLog,
) -> None:
    stream = await new_task(log, attempts=1)
    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as left:
            tasks.start_soon(log.append, append(new_stream(), expected=0))
            left.cancel()
            await log.append(append(stream, STEP, attempt=1, seq=1))
    head = await log.head(stream)
    assert head is not None
    assert head.version == 2


async def test_the_start_of_an_attempt_raises_the_heads(log: EventLog) -> None:
    stream = await new_task(log, attempts=2)
    await log.append(append(stream, STEP, attempt=2, seq=1))
    head = await log.head(stream)
    assert head is not None
    assert (head.attempt, head.seq, head.state, head.version) == (2, 1, WORKING, 4)
    done = await log.append(append(stream, END, attempt=2, seq=2, to_state=COMPLETED))
    head = await log.head(stream)
    assert head is not None
    assert (head.state, head.last_position, head.updated_at) == (
        COMPLETED,
        done.position,
        done.time,
    )


async def test_all_events_of_a_batch_bear_one_time(log: EventLog) -> None:
    streams = [new_stream(), new_stream()]
    await together(log, [append(stream, START, NOTE) for stream in streams])
    times = {event.time for stream in streams for event in await log.read(stream)}
    assert len(times) == 1
