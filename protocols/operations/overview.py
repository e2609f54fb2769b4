"""What may be asked about the whole team: counters over time, from their projection."""

from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.operations.tasks import TaskRow

Window = Literal["15m", "1h", "24h", "7d"]


class Bucket(BaseModel):
    """What ended, and what was used, in one stretch of time."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    submitted: int
    completed: int
    failed: int
    canceled: int
    cost: int = Field(description="Micro-dollars.")
    input_tokens: int
    output_tokens: int
    events: int
    seconds: float = Field(description="Sum of the durations of the tasks that ended.")


class ModelCost(BaseModel):
    """What one model used in the window."""

    model_config = ConfigDict(frozen=True)

    model: str
    cost: int
    input_tokens: int
    output_tokens: int
    tasks: int


class Overview(BaseModel):
    """The team now, and over a window."""

    model_config = ConfigDict(frozen=True)

    window: Window
    bucket_seconds: int
    submitted: int = Field(description="Tasks that wait for a worker now.")
    working: int
    waiting: int = Field(description="Tasks that wait for a person now.")
    p50_seconds: float | None = Field(description="Median duration of tasks ended in the window.")
    p95_seconds: float | None
    buckets: list[Bucket]
    models: list[ModelCost]
    open: list[TaskRow] = Field(description="Open tasks, newest first, at most 20.")
    position: int


class Overviews(Protocol):
    """Counters of the team."""

    async def overview(self, window: Window = "1h") -> Overview:
        """What is working now, throughput, errors and cost."""
        ...
