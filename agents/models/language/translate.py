"""Our requests and answers in pydantic-ai's words, and back. Values only; no call is made here."""

import json
from collections.abc import Sequence

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as TheirRequest
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from agents.model import Entry, Responded, ToolAnswer, ToolCall, ToolOffer
from agents.models.language import keeping
from protocols.messages import Message
from protocols.steps import Usage

MOST_TOKENS = 10**9  # of one answer; a provider that says more, or less than none, is wrong


def messages(conversation: Sequence[Entry], *, instructions: str) -> list[ModelMessage]:
    """The conversation with neighbours of one side joined, as providers want it."""
    told: list[ModelMessage] = []
    requested: list[ModelRequestPart] = []
    for entry in conversation:
        if isinstance(entry, ToolAnswer):
            requested.append(_tool_return(entry))
        elif isinstance(entry, Message) and entry.role == "user":
            requested.append(UserPromptPart(content=entry.text))
        else:
            if requested:
                told.append(TheirRequest(parts=requested, instructions=instructions or None))
                requested = []
            told.append(_answer(entry))
    if requested or not told:
        told.append(TheirRequest(parts=requested, instructions=instructions or None))
    return told


def _answer(entry: Message | Responded) -> ModelResponse:
    if isinstance(entry, Responded) and (response := keeping.restored(entry.kept)):
        return response
    return ModelResponse(parts=_said(entry))


def _said(entry: Message | Responded) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = [TextPart(content=entry.text)] if entry.text else []
    if isinstance(entry, Responded):
        parts += [
            ToolCallPart(tool_name=call.name, args=_arguments(call), tool_call_id=call.id)
            for call in entry.tool_calls
        ]
    return parts


def _arguments(call: ToolCall) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)


def _tool_return(answer: ToolAnswer) -> ToolReturnPart:
    return ToolReturnPart(
        tool_name=answer.name,
        content=answer.content,
        tool_call_id=answer.call,
        outcome="failed" if answer.is_error else "success",
    )


def tools(offers: Sequence[ToolOffer]) -> list[ToolDefinition]:
    """The offers as definitions; argument schemas go as they are."""
    return [
        ToolDefinition(
            name=offer.name,
            description=offer.description,
            parameters_json_schema=offer.parameters,
            strict=False,
        )
        for offer in offers
    ]


def responded(
    response: ModelResponse, *, asked: str, finish_reason: str, cost: int | None
) -> Responded:
    """The finished answer; what is neither text, thought nor tool call is left out."""
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    thoughts = [part.content for part in response.parts if isinstance(part, ThinkingPart)]
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    return Responded(
        text=text,
        reasoning="".join(thoughts),
        tool_calls=tuple(
            ToolCall(id=part.tool_call_id, name=part.tool_name, arguments=_parsed(part.args))
            for part in calls
        ),
        usage=usage(response.usage),
        finish_reason="tool_call" if calls and finish_reason == "stop" else finish_reason,
        model=response.model_name or asked,
        cost=cost,
        kept=keeping.kept(response),
    )


def _parsed(arguments: object) -> object:
    if arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def usage(theirs: RequestUsage) -> Usage:
    """Tokens by kind; theirs already count the cached ones as input."""
    return Usage(
        input=_tokens(theirs.input_tokens),
        output=_tokens(theirs.output_tokens),
        cached_read=_tokens(theirs.cache_read_tokens),
        cached_write=_tokens(theirs.cache_write_tokens),
        reasoning=_tokens(theirs.output_reasoning_tokens),
    )


def _tokens(told: int) -> int:
    return min(max(told, 0), MOST_TOKENS)
