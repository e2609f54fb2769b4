"""Tasks: their states, and what a task is made of at one version.

How a stream of events becomes a `Task` stands in `task_fold.py`.
"""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from protocols.messages import Citation, Message
from protocols.steps import StepKind, Usage

TaskId = NewType("TaskId", str)


class TaskState(StrEnum):
    """A2A's states. The last four are final."""

    SUBMITTED = "submitted"
    WORKING = "working"
    INPUT_REQUIRED = "input-required"
    AUTH_REQUIRED = "auth-required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self in FINAL


FINAL = frozenset(
    {TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELED, TaskState.REJECTED},
)

STATE_CODES: dict[TaskState, int] = {  # as stored in `stream_head.state`; 100 and above are final
    TaskState.SUBMITTED: 1,
    TaskState.WORKING: 2,
    TaskState.INPUT_REQUIRED: 3,
    TaskState.AUTH_REQUIRED: 4,
    TaskState.COMPLETED: 100,
    TaskState.FAILED: 101,
    TaskState.CANCELED: 102,
    TaskState.REJECTED: 103,
}
STATES = {code: state for state, code in STATE_CODES.items()}


class StepState(StrEnum):
    """Where a step is; `stopped` is one that ran when its task ended."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


class Step(msgspec.Struct, kw_only=True):
    """One unit of work as it stands."""

    id: str
    kind: StepKind
    name: str
    state: StepState
    attempt: int
    version: int  # of its step.started
    last_version: int  # of its last event
    started_at: datetime
    ended_at: datetime | None = None
    parent: str | None = None
    call: str | None = None
    model: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")
    usage: Usage | None = None
    cost: int | None = None
    first_token: float | None = None
    finish_reason: str | None = None
    summary: str | None = None
    code: str | None = None
    reason: str | None = None


class Said(msgspec.Struct, kw_only=True):
    """A message or a thought of the agent, as far as it is written."""

    id: str
    step: str
    kind: str  # message, reasoning
    attempt: int
    version: int
    started_at: datetime
    text: str = ""
    is_finished: bool = False
    citations: tuple[Citation, ...] = ()


class Attempt(msgspec.Struct, kw_only=True):
    """One worker's try."""

    number: int
    worker: str
    is_alone: bool
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None  # completed, failed, canceled, handed_back, died
    code: str | None = None
    reason: str | None = None


class Task(msgspec.Struct, kw_only=True):
    """A task at one version: what the page draws and `GET /tasks/{id}` answers.

    Attributes:
        context_id: Of its conversation: A2A's contextId; its own id where it began one.
        version: Of the last event folded in; resume every transport after it.
        cost: Micro-dollars of all recorded steps.
        answer: The final message's text once completed.
    """

    id: str
    context_id: str = ""
    title: str = ""
    state: TaskState = TaskState.SUBMITTED
    version: int = 0
    attempt: int = 0
    agent: str = ""
    agent_name: str = ""
    agent_version: int = 0
    model: str = ""
    submitted_by: str = ""
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    input: tuple[Message, ...] = ()
    said: list[Said] = []
    steps: list[Step] = []
    attempts: list[Attempt] = []
    usage: Usage = Usage()
    cost: int = 0
    cancel_requested_by: str | None = None
    message: str | None = None
    answer: str | None = None
    code: str | None = None
    reason: str | None = None
