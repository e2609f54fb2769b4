"""A task that is folded on from where it was is the task folded from the beginning, always."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import anyio
import msgspec
import pytest

from protocols.event_encoding import decode
from protocols.events import (
    AnyData,
    AttemptFailed,
    AttemptStarted,
    Event,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningStarted,
    StepStarted,
    StreamId,
)
from protocols.principals import Actor
from protocols.steps import StepKind
from protocols.task_fold import fold
from protocols.tasks import Task, TaskId
from store import folded as folding
from store.connect import Store
from store.folded import FoldedTasks
from store.postgres.log.event_log import TASK, Append, EventLog, Head
from store.postgres.pool import open_connection
from store.postgres.retention import compact_deltas
from tests.store.histories import History
from tests.store.people import TEAM


class Story(History):
    """Deaths and hand-backs, with thoughts and messages of which some are never finished."""

    def _say(self) -> Iterator[AnyData]:
        step = f"{self.attempt}.{self.ordinal}"
        message, thought = f"{step}.{self.version}", f"{step}.{self.version} thought"
        yield ReasoningStarted(message=thought, step=step)
        for _ in range(self.random.randint(0, 4)):
            yield ReasoningDelta(message=thought, text="hm ")
        if self.random.random() < 0.8:
            yield ReasoningFinished(message=thought, text="hm, hm")
        yield MessageStarted(message=message, step=step)
        text = ""
        for number in range(self.random.randint(0, 6)):
            text += f"{number} "
            yield MessageDelta(message=message, text=f"{number} ")
        if self.random.random() < 0.6:
            yield MessageFinished(message=message, text=text)


async def write(store: Store, stream: StreamId, *data: AnyData, begins: bool = False) -> Head:
    await store.log.append(
        Append(
            stream=stream,
            team=TEAM,
            kind=TASK,
            actor=Actor("agent:guide"),
            data=data,
            to_state=1 if begins else None,
        )
    )
    return await head_of(store, stream)


async def head_of(store: Store, stream: StreamId) -> Head:
    head = await store.log.head(stream)
    assert head is not None
    return head


async def new_message(store: Store, *, deltas: int) -> StreamId:
    stream = StreamId(str(uuid.uuid4()))
    await write(
        store,
        stream,
        AttemptStarted(worker="w"),
        StepStarted(step="1.1", kind=StepKind.MODEL, name="m"),
        MessageStarted(message="1.1", step="1.1"),
        begins=True,
    )
    if deltas:
        await write(store, stream, *(MessageDelta(message="1.1", text="a ") for _ in range(deltas)))
    return stream


def json(task: Task) -> bytes:
    return msgspec.json.encode(task)


async def fresh(store: Store, stream: StreamId) -> bytes:
    """From the beginning, in the two ways there are: as little as is needed, and everything."""
    task = fold(TaskId(stream), await store.log.read_state(stream))
    assert json(await FoldedTasks(store.log).at(await head_of(store, stream))) == json(task)
    return json(task)


@pytest.mark.parametrize("seed", range(4))
async def test_the_kept_task_is_the_fresh_one_at_every_version(
    store: Store, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(folding, "PART_VERSIONS", 3)  # many borders of parts
    often, seldom = FoldedTasks(store.log), FoldedTasks(store.log)
    story = Story(seed)
    stream = StreamId(str(uuid.uuid4()))
    history: list[Event] = []
    for event, _ in story.events(steps=25):
        data = decode(event)
        assert data is not None
        head = await write(store, stream, data, begins=not history)
        (stored,) = await store.log.read(stream, after=head.version - 1)
        history.append(stored)
        expected = json(fold(TaskId(stream), history))
        assert json(await often.at(head)) == expected, head.version
        assert await fresh(store, stream) == expected, head.version
        if story.random.random() < 0.1:
            assert json(await seldom.at(head)) == expected, head.version
        if story.random.random() < 0.05:
            async with store.log_pool.connection() as connection:
                await compact_deltas(connection, older_than=timedelta(0), rows=1000)
    assert json(await seldom.at(await head_of(store, stream))) == json(
        fold(TaskId(stream), history)
    )


async def test_a_second_read_asks_for_nothing_and_a_later_one_for_what_is_new(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await new_message(store, deltas=2500)
    read_part, asked = EventLog.read_part, list[tuple[int, int]]()

    async def counted(self: EventLog, where: Head, *, after: int, through: int, needs: object):
        asked.append((after, through))
        return await read_part(self, where, after=after, through=through, needs=needs)  # pyright: ignore[reportArgumentType]  passed on

    monkeypatch.setattr(EventLog, "read_part", counted)
    head = await head_of(store, stream)
    first = await store.folded.at(head)
    assert asked == [(0, 1000), (1000, 2000), (2000, 2503)]
    assert json(await store.folded.at(head)) == json(first)
    assert len(asked) == 3
    head = await write(store, stream, MessageDelta(message="1.1", text="more"))
    later = await store.folded.at(head)
    assert asked[3:] == [(2503, 2504)]
    assert later.said[0].text == first.said[0].text + "more"
    assert json(later) == await fresh(store, stream)


async def test_what_a_reader_got_does_not_change_when_another_reads_on(store: Store) -> None:
    stream = await new_message(store, deltas=3)
    first = await store.folded.at(await head_of(store, stream))
    before = json(first)
    await write(store, stream, MessageFinished(message="1.1", text="a a a"))
    await write(store, stream, AttemptFailed(code="lost", reason="x", deaths=1))
    second = await store.folded.at(await head_of(store, stream))
    assert json(first) == before
    second.said.clear()
    second.steps.clear()
    assert await fresh(store, stream) == json(await store.folded.at(await head_of(store, stream)))


async def test_a_reader_who_gave_up_leaves_nothing_half_done_to_those_after(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await new_message(store, deltas=50)
    early = await head_of(store, stream)
    late = await write(store, stream, MessageFinished(message="1.1", text="whole"))
    monkeypatch.setattr(folding, "PART_VERSIONS", 10)
    read_part, parts = EventLog.read_part, 0

    async def stuck(self: EventLog, where: Head, *, after: int, through: int, needs: object):
        nonlocal parts
        parts += 1
        if parts == 3:
            await anyio.sleep_forever()
        return await read_part(self, where, after=after, through=through, needs=needs)  # pyright: ignore[reportArgumentType]  passed on

    monkeypatch.setattr(EventLog, "read_part", stuck)
    with anyio.move_on_after(0.5):
        await store.folded.at(late)
    assert parts == 3  # at version 20 of 54, without one of the deltas
    # Who saw the head before the message ended must not get a text without its deltas.
    task = await store.folded.at(early)
    assert (task.version, task.said[0].text) == (late.version, "whole")


async def test_many_who_read_at_once_are_given_the_same_and_it_is_folded_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await new_message(store, deltas=3000)
    head = await head_of(store, stream)
    read_part, parts, answers = EventLog.read_part, 0, list[bytes]()

    async def counted(self: EventLog, where: Head, *, after: int, through: int, needs: object):
        nonlocal parts
        parts += 1
        return await read_part(self, where, after=after, through=through, needs=needs)  # pyright: ignore[reportArgumentType]  passed on

    async def read() -> None:
        answers.append(json(await store.folded.at(head)))

    monkeypatch.setattr(EventLog, "read_part", counted)
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(read)
    assert parts == 4
    assert len(set(answers)) == 1


async def test_what_is_kept_is_bounded(store: Store) -> None:
    tasks = FoldedTasks(store.log, max_bytes=20_000)
    for _ in range(6):
        stream = await new_message(store, deltas=200)
        assert json(await tasks.at(await head_of(store, stream))) == await fresh(store, stream)
    assert 0 < tasks.size <= 20_000
    large = await new_message(store, deltas=2000)
    assert json(await tasks.at(await head_of(store, large))) == await fresh(store, large)
    assert tasks.size <= 20_000


async def test_an_event_that_cannot_be_folded_leaves_nothing_behind(
    store: Store, database: str
) -> None:
    stream = await new_message(store, deltas=1)
    async with open_connection(database) as connection:
        await connection.execute(
            "UPDATE pygent.event SET body = '{' WHERE stream_id = %s AND version = 4", (stream,)
        )
    for _ in range(2):
        with pytest.raises(msgspec.DecodeError):
            await store.folded.at(await head_of(store, stream))
    assert store.folded.size == 0
