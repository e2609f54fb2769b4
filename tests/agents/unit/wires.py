"""Anthropic and Google under one hand, so that a test can ask the same of both."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import SecretStr

from agents.model import ModelEvent, ModelRequest, Responded
from agents.models import MODELS
from agents.models.providers import Access, Outside
from protocols.agents import AgentSpec
from protocols.messages import user_message
from tests.agents.unit import anthropic_wire as anthropic
from tests.agents.unit import google_wire as google
from tests.agents.unit.http_server import Reply

ASKED = ModelRequest(instructions="Be brief.", conversation=(user_message("2 + 2?"),), seconds=20)


@dataclass(frozen=True)
class Wire:
    """A provider: how its server says a thing.

    Attributes:
        texts: A whole answer.
        unended: One without an end.
        refusals: Errors by status.
        overloaded: The error inside an answer.
    """

    provider: str
    model: str
    key: str
    url: str
    texts: Callable[[list[str]], list[bytes]]
    unended: Callable[[list[str]], list[bytes]]
    refusals: dict[int, Reply]
    overloaded: bytes

    def __str__(self) -> str:
        return self.provider


ANTHROPIC = Wire(
    provider="anthropic",
    model=anthropic.MODEL,
    key="ANTHROPIC_API_KEY",
    url="ANTHROPIC_BASE_URL",
    texts=lambda pieces: anthropic.answer(anthropic.text_block(pieces)),
    unended=lambda pieces: anthropic.answer(anthropic.text_block(pieces))[:-3],
    refusals={
        400: anthropic.refusal(400, "invalid_request_error"),
        401: anthropic.refusal(401, "authentication_error"),
        404: anthropic.refusal(404, "not_found_error"),
        429: anthropic.refusal(429, "rate_limit_error"),
        500: anthropic.refusal(500, "api_error"),
        503: anthropic.refusal(529, "overloaded_error"),
    },
    overloaded=anthropic.error_event("overloaded_error"),
)
GOOGLE = Wire(
    provider="google",
    model=google.MODEL,
    key="GOOGLE_API_KEY (or GEMINI_API_KEY)",
    url="GOOGLE_GEMINI_BASE_URL (or GOOGLE_BASE_URL)",
    texts=lambda pieces: google.answer(*map(google.text_part, pieces)),
    unended=lambda pieces: google.answer(*map(google.text_part, pieces), finish=None),
    refusals={
        400: google.refusal(400, "INVALID_ARGUMENT"),
        401: google.refusal(400, "INVALID_ARGUMENT", details=[google.BAD_KEY]),
        404: google.refusal(404, "NOT_FOUND"),
        429: google.refusal(429, "RESOURCE_EXHAUSTED"),
        500: google.refusal(500, "INTERNAL"),
        503: google.refusal(503, "UNAVAILABLE", message="The model is overloaded."),
    },
    overloaded=google.error_event(503, "UNAVAILABLE"),
)
WIRES = (ANTHROPIC, GOOGLE)


async def answered(
    wire: Wire,
    url: str,
    request: ModelRequest = ASKED,
    *,
    model: str | None = None,
    heard: list[ModelEvent] | None = None,
) -> Responded:
    """The whole answer; its events in `heard`, even when it fails."""
    events = [] if heard is None else heard
    access = Access(key=SecretStr("key-of-the-test"), url=url)
    spec = AgentSpec(name="asker", model=f"{wire.provider}:{model or wire.model}")
    async with aclosing(Outside({wire.provider: access})) as outside:
        asked = MODELS[wire.provider](spec, outside)
        async with asked.respond(request) as stream:
            async for event in stream:
                events.append(event)
    last = events[-1]
    assert isinstance(last, Responded)
    return last
