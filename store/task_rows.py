"""Rows of tasks: as they lie in `task_row`, and as lists and feeds show them.

Written by the projection of tasks alone; read by the operations and the feed.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from protocols.operations.tasks import TaskRow
from protocols.steps import StepKind
from protocols.tasks import STATES
from store.postgres.pool import Connection

LANE_SEGMENTS = 60

Segment = tuple[str, int, int | None, bool]
Running = tuple[str, str, str, int]  # step, kind, name, start ms


class TaskRecord(msgspec.Struct, kw_only=True):
    """A row of `task_row`, column for column."""

    id: UUID
    team_id: int
    title: str
    state: int
    agent: UUID
    agent_name: str
    agent_version: int
    model: str
    submitted_by: str
    submitted_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime
    attempt: int = 0
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    code: str | None = None
    lane: list[Segment] = []
    running: list[Running] = []
    version: int
    position: int
    context_id: str | None = None  # None: written before there were conversations


def task_row(record: TaskRecord) -> TaskRow:
    """The row as lists and feeds show it."""
    _, kind, name, _ = record.running[-1] if record.running else ("", None, None, 0)
    lane: list[Segment] = [
        *record.lane,
        *((kind, start, None, False) for _, kind, _, start in record.running),
    ]
    lane.sort(key=segment_start)
    return TaskRow(
        id=str(record.id),
        context_id=record.context_id or str(record.id),
        title=record.title,
        state=STATES[record.state],
        agent=str(record.agent),
        agent_name=record.agent_name,
        agent_version=record.agent_version,
        model=record.model,
        submitted_by=record.submitted_by,
        submitted_at=record.submitted_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        updated_at=record.updated_at,
        attempt=record.attempt,
        steps=record.steps,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cost=record.cost,
        code=record.code,
        activity=name,
        activity_kind=None if kind is None else StepKind(kind),
        lane=lane[-LANE_SEGMENTS:],
        version=record.version,
        position=record.position,
    )


async def task_rows(connection: Connection, tasks: Sequence[str]) -> list[TaskRow]:
    """The rows of these tasks, as far as they are known."""
    return [
        task_row(record)
        for record in await task_records(connection, [UUID(task) for task in tasks])
    ]


def segment_start(segment: Segment) -> int:
    """What orders a lane."""
    return segment[1]


async def task_records(connection: Connection, tasks: Sequence[UUID]) -> list[TaskRecord]:
    """The records of these tasks, as far as they are known."""
    async with connection.cursor(row_factory=class_row(TaskRecord)) as cursor:
        await cursor.execute(_READ_ROWS, {"tasks": list(tasks)}, prepare=True)
        return await cursor.fetchall()


_READ_ROWS = """
    SELECT *
    FROM task_row
    WHERE id = ANY (%(tasks)b::uuid[])
"""
