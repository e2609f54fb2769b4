"""What may be asked of users: whether they are here at all, in whatever channels, or in none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One user.

    Attributes:
        user: As clients of that user are shown to others.
        seen: When last, in seconds since 1970; 0: not within 30 days.
        is_online: Whether a connection of that user is there; one that ended a minute ago may be
            taken for it.
    """

    user: str
    seen: int
    is_online: bool


class Statuses(Protocol):
    """The users of the team."""

    async def of(self, users: Sequence[str]) -> list[Status]:
        """What is known of them, in their order.

        Raises:
            Forbidden: The role is not enough.
            LimitExceeded: They are too many.
            Unavailable: Redis did not answer.
        """
        ...
