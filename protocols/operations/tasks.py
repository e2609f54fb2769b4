"""What may be asked about tasks. Kept by the store and by the REST client."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.events import Event
from protocols.operations.listings import Listing
from protocols.steps import StepKind
from protocols.tasks import Task, TaskState

CONTEXT = r"^[A-Za-z0-9._:-]{1,128}$"


class TaskRow(BaseModel):
    """A task in a list, from its projection; `version` and `position` say how fresh it is."""

    model_config = ConfigDict(frozen=True)

    id: str
    context_id: str = Field(description="Of its conversation; its own id where it began one.")
    title: str
    state: TaskState
    agent: str
    agent_name: str
    agent_version: int
    model: str
    submitted_by: str
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime
    attempt: int
    steps: int
    input_tokens: int
    output_tokens: int
    cost: int = Field(description="Micro-dollars.")
    code: str | None
    activity: str | None = Field(description="What it is doing now: the running step's name.")
    activity_kind: StepKind | None
    lane: list[tuple[str, int, int | None, bool]] = Field(
        description="Steps as [kind, start ms, end ms or null, failed], from its submission.",
    )
    version: int
    position: int


class TaskQuery(BaseModel):
    """What a list of tasks shows; newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: tuple[TaskState, ...] = ()
    agent: str | None = Field(default=None, description="Id or name.")
    text: str | None = Field(default=None, max_length=200, description="Words of the title.")
    submitted_by: str | None = None
    context_id: str | None = Field(
        default=None, max_length=128, description="The tasks of one conversation."
    )
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    min_position: int | None = Field(
        default=None,
        description="Wait until the projection has reached this log position.",
    )


class SubmitTask(BaseModel):
    """A request to one agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str = Field(min_length=1, max_length=128, description="Id or name.")
    input: str | Annotated[tuple[dict[str, object], ...], Field(fail_fast=True)] = Field(
        description="Text, or messages as {role, parts: [{type: text, text}]}.",
    )
    context_id: str | None = Field(
        default=None,
        pattern=CONTEXT,
        description="Of the conversation it continues: any name, or the id of its first task. "
        "The agent is given what was asked and answered there before.",
    )


class TaskReceipt(BaseModel):
    """What a command on a task answers: enough to watch it from here on."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: TaskState
    channel: str
    version: int
    position: int
    epoch: str


class EventPage(BaseModel):
    """Part of a stream: `events` in version order, and where the stream stood when it was read."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    events: Sequence[Event]
    version: int = Field(description="The head's version.")
    epoch: str


class Tasks(Protocol):
    """Requests to agents. A task of another team answers `NotFound`, as an absent one does."""

    async def submit(self, request: SubmitTask, *, key: str | None = None) -> TaskReceipt:
        """A task exists and is queued, both or neither.

        Args:
            request: Which agent, and what is asked of it.
            key: `Idempotency-Key`; the same key with the same request gives the same task.

        Raises:
            NotFound: There is no such agent.
            AlreadyExists: The key was used for another request.
            InvalidRequest: The input is empty or malformed, or the agent is retired.
            LimitExceeded: The input is over 1 MiB.
        """
        ...

    async def get(self, task_id: str) -> tuple[Task, str]:
        """The task folded at its head, and the epoch of the log."""
        ...

    async def receipt(self, task_id: str) -> TaskReceipt:
        """Where a task stands, from its head row alone."""
        ...

    async def list(self, query: TaskQuery) -> Listing[TaskRow]:
        """Tasks of the team, newest first."""
        ...

    async def events(self, task_id: str, *, after: int = 0, limit: int = 500) -> EventPage:
        """Events with a version above `after`, at most `limit` (1 to 1,000), oldest first."""
        ...

    async def events_before(self, task_id: str, *, before: int, limit: int = 500) -> EventPage:
        """The events just below `before`, in version order."""
        ...

    async def cancel(self, task_id: str) -> TaskReceipt:
        """A submitted task is canceled; one at work is asked to stop and answers within a second.

        Repeating it is harmless while the task is open.

        Raises:
            InvalidTransition: The task is over.
        """
        ...
