"""The pen of an attempt against a log in memory: order, pace, waiting, and being cut off."""

import uuid
from datetime import UTC, datetime

import anyio
import pytest

from agents.recording.recorder import Claim, Recorder, joined
from protocols.errors import Fenced, InvalidRequest, LimitExceeded, Unavailable
from protocols.events import (
    AnyData,
    MessageDelta,
    MessageStarted,
    StreamId,
    TaskCompleted,
)
from protocols.events import (
    ReasoningDelta as Thought,
)
from protocols.principals import FIRST_TEAM, Actor
from store.postgres.log.event_log import Append, Appended


class Log:
    """Keeps appends, and answers as it is told to."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.answers: list[Exception] = []
        self.version = 0
        self.gate = anyio.Event()
        self.gate.set()

    async def append(self, append: Append) -> Appended:
        await self.gate.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.appends.append(append)
        self.version += len(append.data)
        return Appended(
            append.stream, self.version, self.version, datetime.now(UTC), is_repeat=False
        )

    @property
    def data(self) -> list[AnyData]:
        return [data for append in self.appends for data in append.data]


CLAIM = Claim(task=StreamId(str(uuid.uuid4())), team=FIRST_TEAM, actor=Actor("agent:a"), attempt=1)


def delta(text: str, message: str = "m") -> MessageDelta:
    return MessageDelta(message=message, text=text)


def recorder(log: Log) -> Recorder:
    return Recorder(log, CLAIM, version=0)  # pyright: ignore[reportArgumentType]  what is used of it


async def test_text_goes_out_before_any_other_event_and_in_one_append() -> None:
    log = Log()
    pen = recorder(log)
    await pen.write(MessageStarted(message="m", step="1.1"))
    await pen.write(delta("a"))
    await pen.write(delta("b"))
    await pen.write(delta("c", "other"))
    await pen.record(TaskCompleted(message="m", text="ab"), to_state=100)
    (append,) = log.appends
    assert append.data == (
        MessageStarted(message="m", step="1.1"),
        delta("ab"),
        delta("c", "other"),
        TaskCompleted(message="m", text="ab"),
    )
    assert (append.attempt, append.seq, append.to_state) == (1, 1, 100)


async def test_the_first_text_goes_at_once_and_more_is_gathered() -> None:
    log = Log()
    pen = recorder(log)
    async with anyio.create_task_group() as group:
        group.start_soon(pen.run)
        for number in range(100):
            await pen.write(delta(f"{number} "))
            await anyio.sleep(0.002)
        await pen.record(TaskCompleted(message="m", text=""))
        group.cancel_scope.cancel()
    texts = [one.text for one in log.data if isinstance(one, MessageDelta)]
    assert "".join(texts) == "".join(f"{number} " for number in range(100))
    assert texts[0] == "0 "
    assert len(texts) < 20
    assert [append.seq for append in log.appends] == list(range(1, len(log.appends) + 1))


async def test_a_log_out_of_reach_is_waited_for_and_the_same_append_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.recording.recorder.RETRY_SECONDS", 0.01)
    log = Log()
    log.answers = [Unavailable("away"), Unavailable("away")]
    pen = recorder(log)
    await pen.record(TaskCompleted(message="m", text=""))
    assert [append.seq for append in log.appends] == [1]


async def test_an_append_cut_off_by_a_cancel_is_settled_before_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.recording.recorder.RETRY_SECONDS", 10)
    log = Log()
    log.answers = [Unavailable("away")]
    pen = recorder(log)
    with anyio.move_on_after(0.05):
        await pen.record(MessageStarted(message="m", step="1.1"))
    assert log.appends == []
    await pen.record(TaskCompleted(message="m", text=""))
    assert [append.seq for append in log.appends] == [1, 2]
    assert log.appends[0].data == (MessageStarted(message="m", step="1.1"),)


async def test_a_model_waits_when_too_much_text_does() -> None:
    log = Log()
    log.gate = anyio.Event()
    pen = recorder(log)
    async with anyio.create_task_group() as group:
        group.start_soon(pen.run)
        with anyio.move_on_after(0.2) as waited:
            for _ in range(40):
                await pen.write(delta("x" * 32_768))
        assert waited.cancelled_caught
        log.gate.set()
        with anyio.fail_after(5):
            await pen.write(delta("more"))
        group.cancel_scope.cancel()


async def test_others_events_between_ours_are_noticed() -> None:
    log = Log()
    noticed = anyio.Event()
    pen = Recorder(log, CLAIM, version=0, on_foreign=noticed.set)  # pyright: ignore[reportArgumentType]  what is used of it
    await pen.record(MessageStarted(message="m", step="1.1"))
    assert not noticed.is_set()
    log.version += 1
    await pen.record(MessageStarted(message="n", step="1.1"))
    assert noticed.is_set()


async def test_a_fenced_pen_says_so() -> None:
    log = Log()
    log.answers = [Fenced("over")]
    with pytest.raises(Fenced):
        await recorder(log).record(TaskCompleted(message="m", text=""))


async def test_what_the_log_refuses_for_good_is_said_once_and_its_number_is_free() -> None:
    log = Log()
    pen = recorder(log)
    for refusal in LimitExceeded("too large", field="data"), InvalidRequest("a broken value"):
        log.answers = [refusal]
        with anyio.fail_after(5), pytest.raises(type(refusal)):
            await pen.record(TaskCompleted(message="m", text="huge"))
    await pen.record(TaskCompleted(message="m", text=""))
    assert [(append.seq, append.data) for append in log.appends] == [
        (1, (TaskCompleted(message="m", text=""),))
    ]


async def test_a_full_log_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.recording.recorder.RETRY_SECONDS", 0.01)
    log = Log()
    log.answers = [LimitExceeded("the log is behind")]
    await recorder(log).record(TaskCompleted(message="m", text=""))
    assert len(log.appends) == 1


def test_only_neighbours_of_one_message_are_joined() -> None:
    thought = Thought(message="t", text="hm")
    made = joined([delta("a"), delta("b"), thought, thought, delta("c"), delta("d", "n")])
    assert made == [delta("ab"), Thought(message="t", text="hmhm"), delta("c"), delta("d", "n")]
    texts = joined([delta("x") for _ in range(50_000)])
    assert [one.text for one in texts if isinstance(one, MessageDelta)] == ["x" * 50_000]
