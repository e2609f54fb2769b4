"""The SDK: a factory from one's own programs. Its users import it as `pygent`.

    import pygent

    with pygent.Client() as client:
        print(client.run("guide", "What is an attempt?"))

It is a client of the public API like any other: it stands on `protocols/rest/client.py`, imports no
server's code, and adds no rule of its own. `docs/sdk.md` shows all of it.
"""

from importlib.metadata import PackageNotFoundError, version

from protocols import events
from protocols.agents import AgentSpec, AgentState, Limits
from protocols.errors import (
    AlreadyExists,
    BudgetExceeded,
    Conflict,
    FactoryError,
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    LimitExceeded,
    ModelFailed,
    NotFound,
    ToolFailed,
    Unauthenticated,
    Unavailable,
    Unreadable,
    WrongVersion,
)
from protocols.event_encoding import decode
from protocols.events import Event
from protocols.knowledge import (
    Chunk,
    Collection,
    CollectionUse,
    Document,
    DocumentState,
    Passage,
    SearchAnswer,
)
from protocols.messages import Citation, Message, TextPart, user_message
from protocols.operations.agents import Agent, AgentRow, AgentVersion, SpecCheck, SpecProblem
from protocols.operations.conversations import Conversation
from protocols.operations.models import ModelTried
from protocols.operations.overview import Overview
from protocols.operations.system import Part, PartState, System
from protocols.operations.tasks import TaskReceipt, TaskRow
from protocols.rest.resources import Me, ModelProvider
from protocols.sdk.answers import Answer, Piece, Text, Voided
from protocols.sdk.blocking import Client
from protocols.sdk.blocking_streams import Stream, TextStream
from protocols.sdk.blocking_tasks import TaskHandle
from protocols.sdk.client import AsyncClient
from protocols.sdk.errors import TaskCanceled, TaskFailed, TimedOut
from protocols.sdk.streams import AsyncStream, AsyncTextStream
from protocols.sdk.tasks import AsyncTaskHandle
from protocols.steps import StepKind, Usage
from protocols.task_fold import fold
from protocols.tasks import Attempt, Said, Step, StepState, Task, TaskState

__all__ = [
    "Agent",
    "AgentRow",
    "AgentSpec",
    "AgentState",
    "AgentVersion",
    "AlreadyExists",
    "Answer",
    "AsyncClient",
    "AsyncStream",
    "AsyncTaskHandle",
    "AsyncTextStream",
    "Attempt",
    "BudgetExceeded",
    "Chunk",
    "Citation",
    "Client",
    "Collection",
    "CollectionUse",
    "Conflict",
    "Conversation",
    "Document",
    "DocumentState",
    "Event",
    "FactoryError",
    "Forbidden",
    "InvalidRequest",
    "InvalidTransition",
    "LimitExceeded",
    "Limits",
    "Me",
    "Message",
    "ModelFailed",
    "ModelProvider",
    "ModelTried",
    "NotFound",
    "Overview",
    "Part",
    "PartState",
    "Passage",
    "Piece",
    "Said",
    "SearchAnswer",
    "SpecCheck",
    "SpecProblem",
    "Step",
    "StepKind",
    "StepState",
    "Stream",
    "System",
    "Task",
    "TaskCanceled",
    "TaskFailed",
    "TaskHandle",
    "TaskReceipt",
    "TaskRow",
    "TaskState",
    "Text",
    "TextPart",
    "TextStream",
    "TimedOut",
    "ToolFailed",
    "Unauthenticated",
    "Unavailable",
    "Unreadable",
    "Usage",
    "Voided",
    "WrongVersion",
    "__version__",
    "decode",
    "events",
    "fold",
    "user_message",
]

try:
    __version__ = version("pygent-factory")
except PackageNotFoundError:  # a checkout that is on the path, but not installed
    __version__ = "0"
