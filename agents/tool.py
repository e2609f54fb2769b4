"""The promise of a tool: something a strategy may call, with checked arguments and a JSON result.

The keepers lie in `tools/`. A tool does its work and knows nothing of steps, events or models;
recording lies in `context.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from agents.model import ToolOffer
from protocols.errors import ToolFailed
from protocols.knowledge import SearchAnswer, SearchRequest
from protocols.principals import TeamId
from protocols.steps import StepKind

Arguments = TypeVar("Arguments", bound=BaseModel)

_SHOWN_ERRORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a tool may know and use of the task that calls it.

    Attributes:
        team: Whose task it is; nothing of another team is within reach.
        collections: What the agent may search; empty: all of the team's.
        search: The knowledge search, as that team.
        reserve: Takes so many numbers and gives the first; passages are numbered over the task.
    """

    team: TeamId
    collections: tuple[str, ...]
    search: Callable[[SearchRequest], Awaitable[SearchAnswer]]
    reserve: Callable[[int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came out: `value` is plain JSON for the model, `summary` a few words for the lane."""

    value: Mapping[str, object]
    summary: str | None = None


class Tool(Protocol):
    """Something a strategy may call."""

    @property
    def name(self) -> str:
        """As models and specs say it."""
        ...

    @property
    def kind(self) -> StepKind:
        """Of the step a call is recorded as."""
        ...

    @property
    def description(self) -> str:
        """For the model: what it does and when to call it."""
        ...

    @property
    def parameters(self) -> dict[str, object]:
        """JSON schema of the arguments."""
        ...

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        """The result; the same call again gives the same or a newer one, and harms nothing.

        Raises:
            ToolFailed: A sentence the model can act on: wrong arguments, or no result.
            Unavailable: What it stands on is out of reach.
        """
        ...


def offer(tool: Tool) -> ToolOffer:
    """The tool as a model is told of it."""
    return ToolOffer(name=tool.name, description=tool.description, parameters=tool.parameters)


def schema(arguments: type[BaseModel]) -> dict[str, object]:
    """The JSON schema of a tool's arguments, without the titles no model needs."""
    return _untitled(arguments.model_json_schema())


def _untitled(node: dict[str, object]) -> dict[str, object]:
    return {
        name: _untitled(value) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]  # JSON
        for name, value in node.items()
        if name != "title" or isinstance(value, dict)
    }


def checked(tool: str, arguments: object, *, against: type[Arguments]) -> Arguments:
    """The arguments as their type.

    Raises:
        ToolFailed: They do not fit; the sentence names each field and the rule.
    """
    try:
        return against.model_validate(arguments)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'arguments'}: {fault['msg']}"
            for fault in faults[:_SHOWN_ERRORS]
        )
        raise ToolFailed(f"{tool} was called with wrong arguments: {told}") from None
