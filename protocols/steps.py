"""What a step is, and what it used: words that events, tasks and models share."""

from enum import StrEnum

import msgspec


class StepKind(StrEnum):
    """What a step does; each has one colour everywhere."""

    MODEL = "model"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    MEMORY = "memory"
    THOUGHT = "thought"
    AGENT = "agent"


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens by kind, as the model reported them; `input` includes the cached ones."""

    input: int = 0
    output: int = 0
    cached_read: int = 0
    cached_write: int = 0
    reasoning: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached_read=self.cached_read + other.cached_read,
            cached_write=self.cached_write + other.cached_write,
            reasoning=self.reasoning + other.reasoning,
        )
