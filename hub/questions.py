"""Questions to what stands behind the hub: all at once, each with a limit, none holds up another.

What is asked, and what an answer means, is the affair of whoever asks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import anyio

from protocols.errors import FactoryError

ANSWER_SECONDS = 2.0  # then what was asked counts as out of reach
SILENT = "does not answer within {seconds:.1f} s"

Question = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, or why there is none, and how long that took."""

    value: object
    seconds: float
    reason: str = ""


async def ask(*, seconds: float, **questions: Question) -> dict[str, Asked]:
    """What became of each question, by its name, within so many seconds."""
    found: dict[str, Asked] = {}

    async def one(name: str) -> None:
        began = monotonic()
        try:
            with anyio.fail_after(seconds):
                value = await questions[name]()
            found[name] = Asked(value, monotonic() - began)
        except FactoryError as error:
            reason = error.message.removesuffix("; try again")
            found[name] = Asked(None, monotonic() - began, reason)
        except TimeoutError:
            found[name] = Asked(None, monotonic() - began, SILENT.format(seconds=seconds))

    async with anyio.create_task_group() as group:
        for name in questions:
            group.start_soon(one, name)
    return found
