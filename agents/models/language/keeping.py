"""What a provider wants back with its own answer: thoughts with signatures, marks on tool calls.

Claude checks its thoughts by their signatures and Gemini finds its own by marks on the calls; both
think worse, or refuse, when an answer that called tools comes back without. The answer's parts are
kept whole as JSON, written into the log by others, and made into parts again here.
"""

import logging
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

logger = logging.getLogger(__name__)

_Part = Annotated[TextPart | ThinkingPart | ToolCallPart, Field(discriminator="part_kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    parts: list[_Part]
    provider: str | None = None
    system: str | None = None


_KEPT = TypeAdapter(_Kept)


def kept(response: ModelResponse) -> object:
    """JSON to give to `restored`; None when text and calls say everything.

    An answer without calls ends the conversation: nobody sends it back.
    """
    parts = [
        part for part in response.parts if isinstance(part, TextPart | ThinkingPart | ToolCallPart)
    ]
    calls = any(isinstance(part, ToolCallPart) for part in parts)
    if not calls or not any(isinstance(p, ThinkingPart) or p.provider_details for p in parts):
        return None
    return _KEPT.dump_python(
        _Kept(provider=response.provider_name, system=response.canonical_system, parts=parts),
        mode="json",
        exclude_none=True,
    )


def restored(given: object) -> ModelResponse | None:
    """The answer as its provider gave it; None when nothing was kept, or it cannot be read."""
    if given is None:
        return None
    try:
        found = _KEPT.validate_python(given)
    except ValidationError:
        # Kept by another version of the packages: text and calls are still there.
        logger.warning("What a model wanted back cannot be read")
        return None
    return ModelResponse(
        parts=found.parts, provider_name=found.provider, canonical_system=found.system
    )
