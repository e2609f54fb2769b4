"""The promise of a language model: a request goes in, a stream of text and one answer come out.

Strategies and the recorded steps of `context.py` stand on it; the keepers lie in `models/`. It
knows neither tasks nor the log: recording, limits and cancellation lie above it, HTTP below it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from protocols.messages import Message
from protocols.steps import Usage

NO_USAGE = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOffer:
    """A tool as a model is told of it; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool.

    Attributes:
        id: The model's own id of the call; unique within its answer.
        name: Of the tool; nobody has checked that there is one.
        arguments: The parsed JSON, or the text as it came when it is no JSON.
    """

    id: str
    name: str
    arguments: object


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """What a tool answered to a call: JSON text for the model to read."""

    call: str
    name: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks aloud."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """The whole answer, last in every stream.

    Attributes:
        cost: Micro-dollars; None when no price is known.
        model: The name the provider gave, which may be more exact than the one asked for.
        kept: JSON of the model's own that it wants back with this answer, such as signed thoughts;
            nobody else reads it.
    """

    text: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = NO_USAGE
    finish_reason: str = "stop"
    model: str
    cost: int | None = None
    kept: object = None


ModelEvent = TextDelta | ReasoningDelta | Responded
Entry = Message | Responded | ToolAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked.

    Attributes:
        conversation: In order; each tool call of an answer is followed by its tool answer.
        seconds: The whole answer must be there by then.
    """

    instructions: str
    conversation: tuple[Entry, ...]
    tools: tuple[ToolOffer, ...] = ()
    temperature: float | None = None
    max_output_tokens: int | None = None
    seconds: float = 300.0


class Model(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """As steps show it."""
        ...

    def respond(
        self, request: ModelRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[ModelEvent]]:
        """Deltas as they come, then exactly one `Responded` whose text is all of them joined.

        Leaving the context early ends the call at the provider. Nothing is repeated once the first
        delta was given.

        Raises:
            ModelFailed: While the stream is opened or read; a sentence without the provider's text.
            InvalidRequest: The model cannot be asked at all, such as for want of a key.
        """
        ...
