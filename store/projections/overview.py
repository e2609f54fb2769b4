"""The team's counters: what happened in each minute and in each hour, in all and by model.

A task's tokens and cost count for the model its agent named at submission. Open tasks are
remembered with that model and their time, so that nothing but the log is needed. What is open now
is no business of this file: `task_total` knows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from protocols.channels import Namespace
from protocols.principals import TeamId
from store.postgres.log.event_log import Followed
from store.projection import (
    UNFOLDABLE,
    Connection,
    Folded,
    Touched,
    Unfoldable,
    amount,
    as_json,
    by_stream,
)

_FINAL = frozenset({"task.completed", "task.failed", "task.rejected", "task.canceled"})


class _Submitted(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(max_length=300)]


class _Used(msgspec.Struct):
    input: int = 0
    output: int = 0


class _StepFinished(msgspec.Struct):
    usage: _Used | None = None
    cost: int | None = None


_SUBMITTED = msgspec.json.Decoder(_Submitted)
_STEP_FINISHED = msgspec.json.Decoder(_StepFinished)


class _OpenTask(msgspec.Struct):
    id: UUID
    model: str
    submitted_at: datetime


class _Minute(msgspec.Struct):
    team_id: int
    minute: datetime
    submitted: int = 0
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    cost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    events: int = 0
    seconds: float = 0.0


class _ModelMinute(msgspec.Struct):
    team_id: int
    minute: datetime
    model: str
    cost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tasks: int = 0


class _Sums:
    """What a batch adds."""

    def __init__(self, tasks: dict[str, _OpenTask]) -> None:
        self.tasks = tasks
        self.minutes: dict[tuple[int, datetime], _Minute] = {}
        self.models: dict[tuple[int, datetime, str], _ModelMinute] = {}
        self.opened: dict[str, _OpenTask] = {}
        self.ended: set[str] = set()

    def add(self, event: Followed) -> None:
        """Count one event.

        Raises:
            msgspec.ValidationError: Its head does not fit its type.
        """
        minute = self._minute(event)
        if event.type == "task.submitted":
            self._submit(event, minute, _SUBMITTED.decode(event.head or b"{}"))
        elif event.type == "step.finished":
            self._use(event, minute, _STEP_FINISHED.decode(event.head or b"{}"))
        elif event.type in _FINAL:
            self._end(event, minute)
        minute.events += 1

    def _submit(self, event: Followed, minute: _Minute, data: _Submitted) -> None:
        task = _OpenTask(UUID(event.stream), data.model, event.time)
        self.tasks[event.stream] = self.opened[event.stream] = task
        minute.submitted += 1
        self._model(event, data.model).tasks += 1

    def _use(self, event: Followed, minute: _Minute, data: _StepFinished) -> None:
        used, cost = data.usage or _Used(), amount(data.cost)
        tokens = amount(used.input), amount(used.output)
        minute.input_tokens += tokens[0]
        minute.output_tokens += tokens[1]
        minute.cost += cost
        if task := self.tasks.get(event.stream):
            model = self._model(event, task.model)
            model.input_tokens += tokens[0]
            model.output_tokens += tokens[1]
            model.cost += cost

    def _end(self, event: Followed, minute: _Minute) -> None:
        minute.completed += event.type == "task.completed"
        minute.failed += event.type in ("task.failed", "task.rejected")
        minute.canceled += event.type == "task.canceled"
        if task := self.tasks.pop(event.stream, None):
            minute.seconds += (event.time - task.submitted_at).total_seconds()
        self.opened.pop(event.stream, None)
        self.ended.add(event.stream)

    def _minute(self, event: Followed) -> _Minute:
        start = event.time.replace(second=0, microsecond=0)
        key = (event.team, start)
        if key not in self.minutes:
            self.minutes[key] = _Minute(event.team, start)
        return self.minutes[key]

    def _model(self, event: Followed, model: str) -> _ModelMinute:
        start = event.time.replace(second=0, microsecond=0)
        key = (event.team, start, model)
        if key not in self.models:
            self.models[key] = _ModelMinute(event.team, start, model)
        return self.models[key]


class OverviewProjection:
    """Keeps `overview_minute`, `model_minute`, the same by hours, and `overview_task`."""

    name = "overview"

    async def fold(self, connection: Connection, events: Sequence[Followed]) -> Folded:
        """One read and one write, whatever the number of events."""
        folded = Folded()
        streams = by_stream(events)
        sums = _Sums(await _open_tasks(connection, list(streams)))
        for history in streams.values():
            for event in history:
                try:
                    sums.add(event)
                except UNFOLDABLE as error:
                    folded.unfoldable.append(Unfoldable(event, str(error)))
                    break
        await connection.execute(
            _WRITE,
            {
                "minutes": as_json(list(sums.minutes.values())),
                "models": as_json(list(sums.models.values())),
                "opened": as_json(list(sums.opened.values())),
                "ended": [UUID(stream) for stream in sums.ended],
            },
            prepare=True,
        )
        folded.touched = [
            Touched(Namespace.OVERVIEW, TeamId(team), minute.isoformat(), is_urgent=False)
            for team, minute in sums.minutes
        ]
        return folded

    async def clear(self, connection: Connection) -> None:
        """Nothing was counted."""
        await connection.execute("DELETE FROM overview_minute")
        await connection.execute("DELETE FROM model_minute")
        await connection.execute("DELETE FROM overview_hour")
        await connection.execute("DELETE FROM model_hour")
        await connection.execute("DELETE FROM overview_task")


async def _open_tasks(connection: Connection, streams: Sequence[str]) -> dict[str, _OpenTask]:
    async with connection.cursor(row_factory=class_row(_OpenTask)) as cursor:
        await cursor.execute(_READ_OPEN, {"tasks": [UUID(s) for s in streams]}, prepare=True)
        return {str(task.id): task for task in await cursor.fetchall()}


_READ_OPEN = """
    SELECT id, model, submitted_at
    FROM overview_task
    WHERE id = ANY (%(tasks)b::uuid[])
"""

_WRITE = """
    WITH minutes AS (
      INSERT INTO overview_minute AS m
      SELECT *
      FROM jsonb_populate_recordset(NULL::overview_minute, %(minutes)s::jsonb)
      ON CONFLICT (team_id, minute) DO UPDATE
      SET submitted = m.submitted + excluded.submitted,
          completed = m.completed + excluded.completed,
          failed = m.failed + excluded.failed, canceled = m.canceled + excluded.canceled,
          cost = m.cost + excluded.cost, input_tokens = m.input_tokens + excluded.input_tokens,
          output_tokens = m.output_tokens + excluded.output_tokens,
          events = m.events + excluded.events, seconds = m.seconds + excluded.seconds
    ), models AS (
      INSERT INTO model_minute AS m
      SELECT *
      FROM jsonb_populate_recordset(NULL::model_minute, %(models)s::jsonb)
      ON CONFLICT (team_id, minute, model) DO UPDATE
      SET cost = m.cost + excluded.cost, input_tokens = m.input_tokens + excluded.input_tokens,
          output_tokens = m.output_tokens + excluded.output_tokens, tasks = m.tasks + excluded.tasks
    ), hours AS (
      INSERT INTO overview_hour AS h
      SELECT team_id, date_trunc('hour', minute, 'UTC'), sum(submitted), sum(completed),
             sum(failed), sum(canceled), sum(cost), sum(input_tokens), sum(output_tokens),
             sum(events), sum(seconds)
      FROM jsonb_populate_recordset(NULL::overview_minute, %(minutes)s::jsonb)
      GROUP BY 1, 2
      ON CONFLICT (team_id, hour) DO UPDATE
      SET submitted = h.submitted + excluded.submitted,
          completed = h.completed + excluded.completed,
          failed = h.failed + excluded.failed, canceled = h.canceled + excluded.canceled,
          cost = h.cost + excluded.cost, input_tokens = h.input_tokens + excluded.input_tokens,
          output_tokens = h.output_tokens + excluded.output_tokens,
          events = h.events + excluded.events, seconds = h.seconds + excluded.seconds
    ), model_hours AS (
      INSERT INTO model_hour AS h
      SELECT team_id, date_trunc('hour', minute, 'UTC'), model, sum(cost), sum(input_tokens),
             sum(output_tokens), sum(tasks)
      FROM jsonb_populate_recordset(NULL::model_minute, %(models)s::jsonb)
      GROUP BY 1, 2, 3
      ON CONFLICT (team_id, hour, model) DO UPDATE
      SET cost = h.cost + excluded.cost, input_tokens = h.input_tokens + excluded.input_tokens,
          output_tokens = h.output_tokens + excluded.output_tokens, tasks = h.tasks + excluded.tasks
    ), opened AS (
      INSERT INTO overview_task
      SELECT *
      FROM jsonb_populate_recordset(NULL::overview_task, %(opened)s::jsonb)
    )
    DELETE FROM overview_task
    WHERE id = ANY (%(ended)s::uuid[])
"""
