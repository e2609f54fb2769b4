"""A queue as a worker works on it: how much at once, and what becomes of a job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum

import anyio

from protocols.errors import FactoryError
from store.postgres.queue import Claimed


async def leave(_: Claimed) -> None:
    """Nobody waits for what the job stands for."""


@dataclass(slots=True, eq=False)
class Lane:
    """A queue, how much of it is done at once, and what is done with a job.

    Attributes:
        attend: Has dealt with the job. What it raises puts the job back.
        give_up: Tells who waits for it that it broke too often.
    """

    queue: str
    capacity: int
    attend: Callable[[Claimed], Awaitable[None]]
    give_up: Callable[[Claimed], Awaitable[None]] = leave
    running: int = 0
    wake: anyio.Event = field(default_factory=anyio.Event)


class Ending(Enum):
    """What becomes of a job."""

    DONE = "done"
    PUT_BACK = "put back"  # the store is away, or the worker leaves
    BROKEN = "broken"  # put back, too, but counted
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, eq=False)  # the same job may come and go twice meanwhile
class Settled:
    """A job that is no longer in this worker's hands, under the lease it was claimed with."""

    lane: Lane
    job: int
    lease: int
    ending: Ending
    seconds: float = 0.0  # until it is tried again


def is_passing(error: Exception) -> bool:
    """Whether the job may be dealt with in a moment: no fault of it, nor of ours."""
    match error:
        case ExceptionGroup(exceptions=all_of_them):
            return all(is_passing(one) for one in all_of_them)
        case _:
            return isinstance(error, FactoryError) and error.retryable
