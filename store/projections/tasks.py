"""Tasks as lists show them: a row a task, and how many of an agent's tasks are in each state.

The rules are those of the fold in `protocols/task_fold.py`, over heads alone; a test runs both over
the same histories. Rows are read in `store/task_rows.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from protocols.channels import Namespace
from protocols.events import KINDS
from protocols.principals import TeamId
from protocols.steps import StepKind
from protocols.tasks import STATE_CODES, TaskState
from store.postgres.log.event_log import Followed
from store.projection import Connection, Folded, Touched, amount, as_json, by_stream, fold_stream
from store.task_rows import (
    LANE_SEGMENTS,
    TaskRecord,
    segment_start,
    task_records,
)

Name = Annotated[str, msgspec.Meta(max_length=300)]


class _Submitted(msgspec.Struct):
    agent: UUID
    agent_name: Name
    agent_version: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    model: Name
    title: Annotated[str, msgspec.Meta(max_length=1000)]
    context_id: Name | None = None


class _StepStarted(msgspec.Struct):
    step: Name
    kind: StepKind
    name: Name


class _Used(msgspec.Struct):
    input: int = 0
    output: int = 0


class _StepFinished(msgspec.Struct):
    step: str
    usage: _Used | None = None
    cost: int | None = None


class _StepFailed(msgspec.Struct):
    step: str


class _Ended(msgspec.Struct):
    code: Name | None = None


_SUBMITTED = msgspec.json.Decoder(_Submitted)
_STEP_STARTED = msgspec.json.Decoder(_StepStarted)
_STEP_FINISHED = msgspec.json.Decoder(_StepFinished)
_STEP_FAILED = msgspec.json.Decoder(_StepFailed)
_ENDED = msgspec.json.Decoder(_Ended)

_OTHER_STREAMS = frozenset({"agent.created", "agent.version_published", "agent.retired"})
_FINAL = {
    "task.completed": STATE_CODES[TaskState.COMPLETED],
    "task.failed": STATE_CODES[TaskState.FAILED],
    "task.canceled": STATE_CODES[TaskState.CANCELED],
    "task.rejected": STATE_CODES[TaskState.REJECTED],
}


class TaskProjection:
    """Keeps `task_row`, `task_count` and `task_total`."""

    name = "tasks"

    async def fold(self, connection: Connection, events: Sequence[Followed]) -> Folded:
        """One read and one write of the touched rows, whatever the number of events."""
        streams = by_stream([event for event in events if event.type not in _OTHER_STREAMS])
        if not streams:
            return Folded()
        before = {
            str(record.id): record
            for record in await task_records(connection, [UUID(s) for s in streams])
        }
        states = {stream: record.state for stream, record in before.items()}

        folded, after = Folded(), list[TaskRecord]()
        for stream, history in streams.items():
            record, unfoldable = fold_stream(before.get(stream), history, advance)
            if unfoldable:
                folded.unfoldable.append(unfoldable)
            if record:
                after.append(record)

        await connection.execute(_WRITE_ROWS, {"rows": as_json(after)}, prepare=True)
        moves = _moves(after, states)
        if moves:
            await connection.execute(_WRITE_COUNTS, {"moves": as_json(moves)})
        folded.touched = list(_touched(after, states))
        return folded

    async def clear(self, connection: Connection) -> None:
        """No task is known."""
        await connection.execute("DELETE FROM task_row")
        await connection.execute("DELETE FROM task_count")
        await connection.execute("DELETE FROM task_total")


def advance(record: TaskRecord | None, event: Followed) -> TaskRecord | None:
    """The row after one more event of its stream; None while it has none.

    Raises:
        msgspec.ValidationError: The head does not fit its type.
        ValueError: The stream does not begin as a task does.
    """
    if record is None:
        return _first(event)
    if event.version <= record.version:
        return record
    _apply(record, event)
    record.version, record.position, record.updated_at = event.version, event.position, event.time
    return record


def _first(event: Followed) -> TaskRecord | None:
    if event.type not in KINDS:
        return None  # another kind of stream, of a newer version
    if event.type != "task.submitted":
        raise ValueError(f"the stream begins with {event.type}, not with task.submitted")
    data = _SUBMITTED.decode(event.head or b"{}")
    return TaskRecord(
        id=UUID(event.stream),
        team_id=event.team,
        title=data.title,
        state=STATE_CODES[TaskState.SUBMITTED],
        agent=data.agent,
        agent_name=data.agent_name,
        agent_version=data.agent_version,
        model=data.model,
        submitted_by=event.actor,
        submitted_at=event.time,
        updated_at=event.time,
        version=event.version,
        position=event.position,
        context_id=data.context_id or event.stream,
    )


def _apply(record: TaskRecord, event: Followed) -> None:
    head = event.head or b"{}"
    match event.type:
        case "attempt.started":
            _void(record)
            record.state, record.attempt = STATE_CODES[TaskState.WORKING], event.attempt
            record.started_at = record.started_at or event.time
        case "step.started":
            step = _STEP_STARTED.decode(head)
            record.steps += 1
            record.running.append((step.step, step.kind, step.name, _since(record, event)))
        case "step.finished":
            _step_finished(record, event, _STEP_FINISHED.decode(head))
        case "step.failed":
            _end_step(record, event, _STEP_FAILED.decode(head).step, is_failed=True)
        case "task.handed_back":
            _void(record)
            record.state = STATE_CODES[TaskState.SUBMITTED]
        case "attempt.failed":
            _void(record)
        case "task.completed" | "task.failed" | "task.canceled" | "task.rejected":
            record.code = _ENDED.decode(head).code
            _end(record, event)
        case _:
            pass  # what is said, and what a newer version says


def _step_finished(record: TaskRecord, event: Followed, data: _StepFinished) -> None:
    if not _end_step(record, event, data.step, is_failed=False):
        return
    used = data.usage or _Used()
    record.input_tokens += amount(used.input)
    record.output_tokens += amount(used.output)
    record.cost += amount(data.cost)


def _end_step(record: TaskRecord, event: Followed, step: str, *, is_failed: bool) -> bool:
    running = next((item for item in record.running if item[0] == step), None)
    if running is None:
        return False  # void, or never begun
    record.running = [item for item in record.running if item is not running]
    _, kind, _, start = running
    record.lane.append((kind, start, _since(record, event), is_failed))
    record.lane.sort(key=segment_start)
    del record.lane[:-LANE_SEGMENTS]
    return True


def _void(record: TaskRecord) -> None:
    record.steps -= len(record.running)
    record.running = []


def _end(record: TaskRecord, event: Followed) -> None:
    for step, _, _, _ in list(record.running):
        _end_step(record, event, step, is_failed=False)
    record.state, record.ended_at = _FINAL[event.type], event.time


def _since(record: TaskRecord, event: Followed) -> int:
    return round((event.time - record.submitted_at).total_seconds() * 1000)


def _moves(after: Sequence[TaskRecord], states: dict[str, int]) -> list[dict[str, object]]:
    sums: dict[tuple[int, UUID, int], int] = {}
    for record in after:
        old = states.get(str(record.id))
        if old != record.state:
            _add(sums, record, record.state, 1)
            if old is not None:
                _add(sums, record, old, -1)
    return [
        {"team_id": team, "agent": agent, "state": state, "tasks": tasks}
        for (team, agent, state), tasks in sums.items()
        if tasks
    ]


def _add(sums: dict[tuple[int, UUID, int], int], record: TaskRecord, state: int, by: int) -> None:
    key = (record.team_id, record.agent, state)
    sums[key] = sums.get(key, 0) + by


def _touched(after: Sequence[TaskRecord], states: dict[str, int]) -> Iterator[Touched]:
    for record in after:
        team, is_moved = TeamId(record.team_id), states.get(str(record.id)) != record.state
        yield Touched(Namespace.TASKS, team, str(record.id), is_urgent=is_moved)
        if is_moved:
            yield Touched(Namespace.AGENTS, team, str(record.agent), is_urgent=False)


# One parameter for all rows: the columns are those of the table's own row type.
_WRITE_ROWS = """
    INSERT INTO task_row
    SELECT *
    FROM jsonb_populate_recordset(NULL::task_row, %(rows)s::jsonb)
    ON CONFLICT (id) DO UPDATE
    SET state = excluded.state, started_at = excluded.started_at, ended_at = excluded.ended_at,
        updated_at = excluded.updated_at, attempt = excluded.attempt, steps = excluded.steps,
        input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
        cost = excluded.cost, code = excluded.code, lane = excluded.lane,
        running = excluded.running, version = excluded.version, position = excluded.position
"""

_WRITE_COUNTS = """
    WITH moves AS (
      SELECT team_id, agent, state, tasks
      FROM jsonb_populate_recordset(NULL::task_count, %(moves)s::jsonb)
    ), totals AS (
      INSERT INTO task_total AS t (team_id, state, tasks)
      SELECT team_id, state, sum(tasks)
      FROM moves
      GROUP BY team_id, state
      ON CONFLICT (team_id, state) DO UPDATE
      SET tasks = t.tasks + excluded.tasks
    )
    INSERT INTO task_count AS c (team_id, agent, state, tasks)
    SELECT team_id, agent, state, tasks
    FROM moves
    ON CONFLICT (team_id, agent, state) DO UPDATE
    SET tasks = c.tasks + excluded.tasks
"""
