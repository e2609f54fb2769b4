"""A task in the terminal: the answer on standard output, everything else beside it."""

from datetime import UTC, datetime

import msgspec
import pytest

from hub.cli import drawing, tables
from protocols import events
from protocols.event_encoding import join, split
from protocols.events import AnyData, Event
from protocols.messages import Citation
from protocols.steps import StepKind
from protocols.tasks import TaskState


def event(data: AnyData, *, attempt: int = 1) -> Event:
    line = join(*split(data))
    return Event(
        type=data.TYPE,
        version=1,
        time=datetime.now(UTC),
        actor="agent:a",
        attempt=attempt,
        data=msgspec.Raw(line),
    )


def drawn(*all_data: AnyData, steps: bool = True) -> drawing.LiveTask:
    live = drawing.LiveTask(steps=steps)
    for data in all_data:
        live.draw(event(data))
    return live


STEP = events.StepStarted(step="1.1", kind=StepKind.MODEL, name="scripted")
BEGIN = events.MessageStarted(message="1.1", step="1.1")


def delta(text: str) -> events.MessageDelta:
    return events.MessageDelta(message="1.1", text=text)


def finished(text: str, *citations: Citation) -> events.MessageFinished:
    return events.MessageFinished(message="1.1", text=text, citations=citations)


def test_the_answer_alone_stands_on_standard_output(capsys: pytest.CaptureFixture[str]):
    completed = events.TaskCompleted(message="1.1", text="one two", cost=1500, steps=1)
    live = drawn(STEP, BEGIN, delta("one "), delta("two"), finished("one two"), completed)
    said = capsys.readouterr()
    assert said.out == "one two\n"
    assert "scripted" in said.err
    assert "completed" in said.err
    assert "$0.0015" in said.err
    assert live.state is TaskState.COMPLETED


def test_text_of_models_moves_no_cursor_and_turns_no_line_around(
    capsys: pytest.CaptureFixture[str],
):
    drawn(BEGIN, delta("a\x1b[2J\x07\u202eb\r[red]c[/red]\n"))
    assert capsys.readouterr().out == "a�[2J��b�[red]c[/red]\n"


def test_what_a_dead_attempt_wrote_is_said_to_be_void(capsys: pytest.CaptureFixture[str]):
    live = drawn(BEGIN, delta("half"))
    live.draw(event(events.AttemptStarted(worker="w"), attempt=2))
    live.draw(event(delta("whole")))
    said = capsys.readouterr()
    assert said.out.splitlines() == ["half", "whole"]
    assert "attempt 2 answers again" in said.err


def test_sources_and_failures_stand_beside_the_answer(capsys: pytest.CaptureFixture[str]):
    failed = events.TaskFailed(code="model_failed", reason="no luck")
    live = drawn(STEP, events.StepFailed(step="1.1", code="model_failed", reason="away"), failed)
    said = capsys.readouterr()
    assert said.out == ""
    assert "scripted failed: away" in said.err
    assert "no luck" in said.err
    assert (live.state, live.reason) == (TaskState.FAILED, "no luck")


def test_quiet_hides_the_steps(capsys: pytest.CaptureFixture[str]):
    drawn(STEP, BEGIN, delta("x\n"), steps=False)
    assert "scripted" not in capsys.readouterr().err


def test_a_piped_list_is_lines_of_tabs(capsys: pytest.CaptureFixture[str]):
    tables.table(["A", "B"], [["1", drawing.state(TaskState.FAILED)], ["2\t3", "x\ny"]])
    assert capsys.readouterr().out == "1\t✕ failed\n2 3\tx y\n"


@pytest.mark.parametrize(
    ("value", "text"), [(0.001, "0.00 s"), (59.99, "59.99 s"), (192.4, "3 min 12 s")]
)
def test_durations_are_for_people(value: float, text: str):
    assert drawing.seconds(value) == text
