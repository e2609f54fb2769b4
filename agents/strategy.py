"""The promise of a strategy: how an agent reasons, from a context to a final message.

A strategy decides what to do next with a model's answer and nothing else. It must ask for the same
steps in the same order when their results are the same, since that is how an attempt is resumed:
no clock, no chance, no state outside of it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.context import Context


@dataclass(frozen=True, slots=True)
class Answer:
    """The final message: its id in the log, and what it says."""

    message: str
    text: str


Strategy = Callable[[Context], Awaitable[Answer]]
