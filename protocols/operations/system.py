"""What may be asked about the factory itself: its parts, its processes, its latest minutes.

Kept by the hub, which looks when it is asked, and by the REST client. Nothing in here holds a
secret, an address or a path. Numbers of one process say which one; the rest is everybody's.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field


class PartState(StrEnum):
    """How a part does."""

    WELL = "well"
    LATE = "late"  # it works, and slower or less than it should
    DOWN = "down"
    UNKNOWN = "unknown"  # what would tell is down itself


class Part(BaseModel):
    """One thing the factory stands on."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Stable: `postgres`, `redis`, `log`, `workers` …")
    title: str = Field(description="As people call it: `Valkey` where it is one.")
    state: PartState
    sentence: str = Field(description="What was seen.")
    cure: str | None = Field(default=None, description="What to do; null when nothing is to do.")
    seconds: float | None = Field(default=None, description="Until it answered; null: not asked.")
    version: str | None = None
    facts: dict[str, float | int | str] = Field(default_factory=dict[str, float | int | str])


class QueueCount(BaseModel):
    """The jobs of one queue."""

    model_config = ConfigDict(frozen=True)

    name: str
    waiting: int
    running: int


class WorkerBeat(BaseModel):
    """One worker process, as its heartbeat says."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(description="Its number at the queue; a new one after each start.")
    beat_seconds: float = Field(description="Since its last sign of life.")
    running: int = Field(description="Jobs in its hands.")


class HubProcess(BaseModel):
    """One hub process, as it said of itself within the last seconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = Field(description="Host and process id.")
    version: str
    started_at: datetime
    seen_at: datetime
    is_draining: bool
    connections: int
    subscriptions: int
    channels: int = Field(description="With at least one reader here.")
    deliveries: float = Field(description="Publications handed to readers, a second.")
    p99_seconds: float | None = Field(
        description="From append to delivery, over the last 15 s; null: nothing was delivered."
    )
    cpu: float = Field(description="Share of one core, 0 to 1 and more.")
    memory_bytes: int


class System(BaseModel):
    """The factory now."""

    model_config = ConfigDict(frozen=True)

    hub: str = Field(description="Id of the hub process that answers.")
    time: datetime
    is_well: bool = Field(description="Every part is.")
    version: str
    python: str
    embedder: str = Field(description="What makes the vectors of new passages here.")
    epoch: str
    position: int | None = Field(description="Last position of the log; null: out of reach.")
    parts: list[Part]
    queues: list[QueueCount]
    workers: list[WorkerBeat]
    hubs: list[HubProcess]


class Samples(BaseModel):
    """A sample a second of one hub process, oldest first; lists of equal length, a column each."""

    model_config = ConfigDict(frozen=True)

    hub: str = Field(description="Id of the hub process they are of.")
    next: int = Field(description="Ask with `after` set to it for what follows.")
    times: list[int] = Field(description="Unix seconds.")
    p50: list[float | None] = Field(
        description="Seconds from the log's own time of an event until this hub had handed it to"
        " its readers; null: nothing of the log was delivered in that second."
    )
    p99: list[float | None]
    deliveries: list[int] = Field(description="Publications handed to readers in that second.")
    connections: list[int]
    waiting: list[int | None] = Field(
        description="Jobs that wait, of all queues; looked at every 5 s. null: out of reach."
    )
    running: list[int | None]


class SamplesQuery(BaseModel):
    """Which samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**53, description="`next` of the last answer.")] = 0
    hub: Annotated[
        str,
        Field(max_length=200, description="Only of this process; another one answers with none."),
    ] = ""


class Systems(Protocol):
    """The factory's own state. Operators and owners may ask."""

    async def system(self) -> System:
        """Every part looked at now; what does not answer within two seconds is down."""
        ...

    async def samples(self, query: SamplesQuery) -> Samples:
        """What the answering process kept of its last 15 minutes."""
        ...
