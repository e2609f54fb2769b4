"""Facts: the kinds of event, their data, and the envelope every protocol carries.

Names and meaning: `docs/events.md`. They do not change without an upcaster; unknown types pass
through every hop untouched. As bytes, events are written and read in `event_encoding.py`. Nothing
here interprets them: that is the fold in `task_fold.py`.
"""

from datetime import datetime
from typing import ClassVar, NewType, get_args

import msgspec

from protocols.messages import Citation, Message
from protocols.steps import StepKind, Usage

StreamId = NewType("StreamId", str)  # a UUID in its usual spelling
Epoch = NewType("Epoch", str)

TITLE_CHARACTERS = 120


class Data(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a kind of event says. `BODY` names the fields that lie in the body."""

    TYPE: ClassVar[str]
    BODY: ClassVar[frozenset[str]] = frozenset()
    DELTA: ClassVar[bool] = False  # lies in the delta partitions; its head is null


class TaskSubmitted(Data, frozen=True):
    """A task exists. `title` is the first line of the request, cut; lists show it."""

    TYPE = "task.submitted"
    BODY = frozenset({"input"})
    agent: str
    agent_name: str
    agent_version: int
    model: str
    title: str
    input: tuple[Message, ...]
    context_id: str | None = None  # of the conversation it continues; None: it may begin one


class TaskCompleted(Data, frozen=True):
    """The task ended well; `message` is the id of the final message, `text` what it says."""

    TYPE = "task.completed"
    BODY = frozenset({"text"})
    message: str
    text: str
    usage: Usage = Usage()
    cost: int = 0  # micro-dollars
    steps: int = 0


class TaskFailed(Data, frozen=True):
    """The task ended badly; `code` is of the error tree, `reason` a sentence for people."""

    TYPE = "task.failed"
    BODY = frozenset({"reason"})
    code: str
    reason: str
    usage: Usage = Usage()
    cost: int = 0
    steps: int = 0


class TaskCanceled(Data, frozen=True):
    """The task was stopped by somebody; who stands in the event's actor."""

    TYPE = "task.canceled"
    usage: Usage = Usage()
    cost: int = 0
    steps: int = 0


class TaskRejected(Data, frozen=True):
    """The task was never begun; `reason` says why."""

    TYPE = "task.rejected"
    BODY = frozenset({"reason"})
    code: str
    reason: str


class TaskCancelRequested(Data, frozen=True):
    """Somebody asked to stop it; the attempt at work answers with `task.canceled`."""

    TYPE = "task.cancel_requested"


class TaskHandedBack(Data, frozen=True):
    """The worker is leaving and gives the task back; not counted as an attempt's death."""

    TYPE = "task.handed_back"
    worker: str


class AttemptStarted(Data, frozen=True):
    """A worker begins; what earlier attempts left unfinished is void from here on."""

    TYPE = "attempt.started"
    worker: str
    alone: bool = False  # in a process of its own, because an earlier attempt died


class AttemptFailed(Data, frozen=True):
    """An attempt died with its process; `deaths` counts those that died alone."""

    TYPE = "attempt.failed"
    BODY = frozenset({"reason"})
    code: str
    reason: str
    deaths: int = 0


class StepStarted(Data, frozen=True):
    """A unit whose result will be recorded once; ids are `attempt.ordinal`, such as `1.3`."""

    TYPE = "step.started"
    BODY = frozenset({"arguments"})
    step: str
    kind: StepKind
    name: str
    parent: str | None = None
    model: str | None = None
    call: str | None = None  # the model's id of a tool call
    arguments: msgspec.Raw = msgspec.Raw(b"null")


class StepFinished(Data, frozen=True):
    """A step's recorded result; a later attempt reads it instead of doing the step again."""

    TYPE = "step.finished"
    BODY = frozenset({"result"})
    step: str
    usage: Usage | None = None
    cost: int | None = None  # micro-dollars; None: no price is known
    model: str | None = None
    first_token: float | None = None  # seconds from the step's start
    finish_reason: str | None = None
    summary: str | None = None  # a few words beside the bar: `8 passages`
    result: msgspec.Raw = msgspec.Raw(b"null")


class StepFailed(Data, frozen=True):
    """A step ended without a result."""

    TYPE = "step.failed"
    BODY = frozenset({"reason"})
    step: str
    code: str
    reason: str


class MessageStarted(Data, frozen=True):
    """A message begins to be written, inside a step."""

    TYPE = "message.started"
    message: str
    step: str
    role: str = "assistant"


class MessageDelta(Data, frozen=True):
    """More text of a message; deltas join by concatenation."""

    TYPE = "message.delta"
    DELTA = True
    BODY = frozenset({"message", "text"})
    message: str
    text: str


class MessageFinished(Data, frozen=True):
    """A message is whole; `text` is all of it."""

    TYPE = "message.finished"
    BODY = frozenset({"text", "citations"})
    message: str
    text: str
    citations: tuple[Citation, ...] = ()


class ReasoningStarted(Data, frozen=True):
    """A model begins to think aloud, inside a step."""

    TYPE = "reasoning.started"
    message: str
    step: str


class ReasoningDelta(Data, frozen=True):
    """More of a thought."""

    TYPE = "reasoning.delta"
    DELTA = True
    BODY = frozenset({"message", "text"})
    message: str
    text: str


class ReasoningFinished(Data, frozen=True):
    """A thought is whole."""

    TYPE = "reasoning.finished"
    BODY = frozenset({"text"})
    message: str
    text: str


class BudgetReached(Data, frozen=True):
    """A limit of the agent stopped the task: `limit` names it, `value` passed `maximum`."""

    TYPE = "budget.reached"
    limit: str
    value: float
    maximum: float


class AgentCreated(Data, frozen=True):
    """An agent exists; its first version is published in the same append."""

    TYPE = "agent.created"
    name: str


class AgentVersionPublished(Data, frozen=True):
    """A new version of an agent's spec, which stands whole in the body."""

    TYPE = "agent.version_published"
    BODY = frozenset({"spec"})
    name: str
    number: int  # from 1
    model: str
    strategy: str
    description: str
    spec_hash: str
    spec: msgspec.Raw


class AgentRetired(Data, frozen=True):
    """The agent takes no more tasks."""

    TYPE = "agent.retired"


AnyData = (
    TaskSubmitted
    | TaskCompleted
    | TaskFailed
    | TaskCanceled
    | TaskRejected
    | TaskCancelRequested
    | TaskHandedBack
    | AttemptStarted
    | AttemptFailed
    | StepStarted
    | StepFinished
    | StepFailed
    | MessageStarted
    | MessageDelta
    | MessageFinished
    | ReasoningStarted
    | ReasoningDelta
    | ReasoningFinished
    | BudgetReached
    | AgentCreated
    | AgentVersionPublished
    | AgentRetired
)

KINDS: dict[str, type[AnyData]] = {kind.TYPE: kind for kind in get_args(AnyData)}


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact in its place: the envelope of every protocol.

    Attributes:
        type: As in `docs/events.md`.
        version: Its number in the stream, dense from 1; the offset of its publication.
        time: When it was appended, UTC with microseconds, by the database's clock.
        actor: `user:…`, `agent:…`, `key:…` or `system`.
        attempt: The attempt that wrote it; 0 for a decision.
        data: The kind's data, not parsed.
    """

    type: str
    version: int
    time: datetime
    actor: str
    attempt: int
    data: msgspec.Raw
