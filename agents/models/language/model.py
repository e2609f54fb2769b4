"""A provider's language model behind our promise: streamed, priced, with clean errors.

Translation lies in `translate.py`, what counts as the end of an answer in `endings.py`, errors in
`failures.py`, opening in `connection.py`.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import anyio
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import AgentRunError, ModelAPIError, UserError
from pydantic_ai.messages import (
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
)
from pydantic_ai.models import Model as TheirModel
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from agents.model import ModelEvent, ModelRequest, ReasoningDelta, TextDelta
from agents.models.language import translate
from agents.models.language.cost import micro_dollars
from agents.models.language.endings import finish_reason
from agents.models.language.failures import PASSING, fail
from protocols.errors import FactoryError, ModelFailed

logger = logging.getLogger(__name__)

TRIES = 2
BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 10.0  # a provider that asks for more is not asked a second time
MOST_CHARACTERS = 2_000_000  # of one answer; an endless one is cut here


class LanguageModel:
    """`provider:name`, asked through pydantic-ai."""

    def __init__(self, theirs: TheirModel[Any], *, provider: str, name: str) -> None:
        self._theirs = theirs
        self._provider = provider
        self._name = name

    @property
    def name(self) -> str:
        """As steps show it."""
        return f"{self._provider}:{self._name}"

    @asynccontextmanager
    async def respond(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
        """Deltas, then the answer; see `agents.model.Model`."""
        async with aclosing(self._events(request)) as events:
            yield events

    async def _events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        for attempt in range(1, TRIES + 1):
            given = 0
            with self._clean_errors():
                try:
                    async with aclosing(self._once(request)) as events:
                        async for event in events:
                            given += 1
                            yield event
                except PASSING as error:
                    if given or attempt == TRIES or _asks_for_long(error):
                        raise
                    await self._rest(error)
                else:
                    return

    @contextmanager
    def _clean_errors(self) -> Generator[None]:
        """Raises our errors for whatever the packages below raise."""
        try:
            yield
        except AgentRunError as error:
            fail(error, provider=self._provider, model=self._name)
        except UserError as error:
            raise ModelFailed(f"{self.name} cannot be asked this way") from error
        except FactoryError:
            raise
        except Exception as error:
            # Whatever a server sends, the packages raise all kinds of things for it.
            logger.exception("An answer cannot be read", extra={"model": self.name})
            raise ModelFailed(f"{self._provider} sent an answer that cannot be read") from error

    async def _rest(self, error: ModelAPIError) -> None:
        seconds = error.retry_after or BACK_OFF_SECONDS
        logger.warning(
            "A model call is tried again",
            extra={"model": self.name, "error": type(error).__name__, "seconds": seconds},
        )
        await anyio.sleep(seconds)

    async def _once(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        characters = 0
        async with model_request_stream(
            self._theirs,
            translate.messages(request.conversation, instructions=request.instructions),
            model_settings=_settings(request),
            model_request_parameters=ModelRequestParameters(
                function_tools=translate.tools(request.tools)
            ),
            instrument=False,
        ) as stream:
            async for event in stream:
                if delta := _delta(event):
                    characters += len(delta.text)
                    if characters > MOST_CHARACTERS:
                        raise ModelFailed(f"{self.name} wrote over {MOST_CHARACTERS} characters")
                    yield delta
        response = stream.get()
        yield translate.responded(
            response,
            asked=self._name,
            finish_reason=finish_reason(response, provider=self._provider, model=self._name),
            cost=micro_dollars(response, provider=self._provider, asked=self._name),
        )


def _asks_for_long(error: ModelAPIError) -> bool:
    return (error.retry_after or 0) > LONGEST_BACK_OFF_SECONDS


def _delta(event: object) -> TextDelta | ReasoningDelta | None:
    match event:
        case PartStartEvent(part=TextPart(content=text)) if text:
            return TextDelta(text)
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)) if text:
            return TextDelta(text)
        case PartStartEvent(part=ThinkingPart(content=text)) if text:
            return ReasoningDelta(text)
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str() as text)) if text:
            return ReasoningDelta(text)
        case _:
            return None


def _settings(request: ModelRequest) -> ModelSettings:
    settings = ModelSettings(request_timeout=request.seconds, max_retries=0)
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        settings["max_tokens"] = request.max_output_tokens
    return settings
