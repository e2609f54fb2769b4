"""What may be asked about models: whether one answers, from where the work is done.

A worker makes the call, with the keys of its own environment, as it would for a task.
"""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.agents import ModelName


class TryModel(BaseModel):
    """A model to be asked a word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName


class ModelTried(BaseModel):
    """How a model answered, or why it did not."""

    model_config = ConfigDict(frozen=True)

    model: str
    is_answering: bool
    seconds: float = Field(description="Until the whole answer was there, or it was given up.")
    first_seconds: float | None = Field(
        default=None, description="Until the first words; null: there were none."
    )
    answer: str | None = Field(default=None, description="What it said, cut after 200 characters.")
    input_tokens: int = 0
    output_tokens: int = 0
    reason: str | None = Field(default=None, description="Why it did not answer, and what to do.")


class ModelTrials(Protocol):
    """Trying models. Operators and owners may."""

    async def attempt(self, request: TryModel) -> ModelTried:
        """The model was really asked, within 10 seconds; a refusal of its is an answer, too.

        Raises:
            InvalidRequest: There is no such provider.
            LimitExceeded: Too many are being tried at once.
            Unavailable: No worker could try it.
        """
        ...
