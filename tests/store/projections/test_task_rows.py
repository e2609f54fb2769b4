from datetime import datetime

import msgspec
import pytest

from protocols.event_encoding import split
from protocols.events import StepStarted
from protocols.operations.tasks import TaskRow
from protocols.steps import StepKind
from protocols.task_fold import advance
from protocols.tasks import Step, StepState, Task, TaskId
from store.postgres.log.event_log import Followed
from store.projections import tasks
from store.task_rows import LANE_SEGMENTS, TaskRecord, task_row
from tests.store.histories import TASK, History


@pytest.mark.parametrize("seed", range(150))
def test_a_row_says_what_the_fold_says_at_every_version(seed: int) -> None:
    task, record = Task(id=TaskId(TASK)), None
    for event, followed in History(seed).events():
        advance(task, event)
        if followed is not None:
            record = tasks.advance(record, followed)
            assert record is not None
            _compare(record, task)
    assert task.state.is_final


def _compare(record: TaskRecord, task: Task) -> None:
    row = task_row(record)
    assert row.lane == _lane(task)[-LANE_SEGMENTS:]
    running = [step for step in task.steps if step.state is StepState.RUNNING]
    assert (row.activity, row.activity_kind) == (
        (running[-1].name, running[-1].kind) if running else (None, None)
    )
    assert (row.steps, row.cost) == (len(task.steps), task.cost)
    assert (row.input_tokens, row.output_tokens) == (task.usage.input, task.usage.output)
    shared = set(TaskRow.model_fields) & set(Task.__struct_fields__) - {"steps"}
    assert len(shared) == 17
    for name in shared:
        assert getattr(row, name) == getattr(task, name), name


def _lane(task: Task) -> list[tuple[str, int, int | None, bool]]:
    assert task.submitted_at is not None
    return [_segment(step, task.submitted_at) for step in task.steps]


def _segment(step: Step, since: datetime) -> tuple[str, int, int | None, bool]:
    def milliseconds(time: datetime) -> int:
        return round((time - since).total_seconds() * 1000)

    end = None if step.ended_at is None else milliseconds(step.ended_at)
    return step.kind, milliseconds(step.started_at), end, step.state is StepState.FAILED


def test_a_lane_keeps_its_newest_segments() -> None:
    record = None
    for _, followed in History(1).events(steps=1500):
        if followed is not None:
            record = tasks.advance(record, followed)
    assert record is not None
    assert record.steps > LANE_SEGMENTS
    assert len(record.lane) == LANE_SEGMENTS
    assert record.lane[0][1] < record.lane[-1][1]


def test_an_older_event_changes_nothing() -> None:
    record = None
    for _, followed in History(2).events():
        if followed is not None:
            record = tasks.advance(record, followed)
    before = msgspec.structs.asdict(record) if record else {}
    for _, followed in History(2).events():
        if followed is not None:
            record = tasks.advance(record, followed)
    assert record is not None
    assert msgspec.structs.asdict(record) == before


@pytest.mark.parametrize("change", ["type", "head"])
def test_a_stream_that_begins_otherwise_cannot_be_folded(change: str) -> None:
    _, first = next(History(3).events())
    assert first is not None
    head, _ = split(StepStarted(step="1.1", kind=StepKind.TOOL, name="x"))
    kind = "step.started" if change == "type" else first.type
    odd = Followed(
        first.position, first.stream, first.team, 1, kind, first.time, first.actor, 0, head
    )
    with pytest.raises(ValueError, match=r"begins with|missing required field"):
        tasks.advance(None, odd)
