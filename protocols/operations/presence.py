"""Who is in a channel of an application, and who comes and goes. Kept by the hub.

A client is present from before it is told that it has subscribed until before it is told that it
has not. Whether a channel has presence at all, and tells who comes and goes, say its rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from protocols.channels import Channel
from protocols.principals import Principal, TeamId


@dataclass(frozen=True, slots=True)
class Present:
    """One client in a channel.

    Attributes:
        client: Its id.
        user: Whose it is; all clients of nobody in particular are one user's, the empty one.
        info: What others are told of it, one line of JSON.
    """

    client: str
    user: str
    info: bytes


@dataclass(frozen=True, slots=True)
class PresencePage:
    """Clients in the order of their ids.

    Attributes:
        members: Whoever was there all the time is in exactly one page.
        cursor: Of the next page; None: this was the last one.
    """

    members: list[Present]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class PresenceStats:
    """How many there are in a channel; who is nobody in particular counts as one user."""

    clients: int
    users: int


class Coming:
    """Somebody has come in to a channel, or left it; spelled once in each form for all readers."""

    __slots__ = ("_spelled", "channel", "info", "is_join")

    def __init__(self, channel: str, info: bytes, *, is_join: bool) -> None:
        self.channel = channel
        self.info = info
        self.is_join = is_join
        self._spelled: dict[Callable[[Coming], bytes], bytes] = {}

    def spelled(self, form: "Callable[[Coming], bytes]") -> bytes:
        """It in this form."""
        found = self._spelled.get(form)
        if found is None:
            found = self._spelled[form] = form(self)
        return found


class Attendances(Protocol):
    """Who is where, for all hubs."""

    async def enter(self, team: TeamId, channel: Channel, present: Present) -> None:
        """From now on it is there, until it leaves or this hub is gone.

        Raises:
            Unavailable: It is not there, or not for long.
        """
        ...

    async def leave(self, team: TeamId, places: Iterable[tuple[Channel, str]]) -> None:
        """Clients, by their ids, are not there any more; what cannot be told now is so in a minute.

        Raises nothing of the store's.
        """
        ...

    def announce(self, team: TeamId, channel: Channel, info: bytes, *, is_join: bool) -> None:
        """Tell who wants to know, in every hub, that somebody has come in or left."""
        ...

    async def read(
        self,
        principal: Principal,
        channel: Channel,
        *,
        is_subscribed: bool,
        limit: int,
        cursor: str | None = None,
    ) -> PresencePage:
        """Who is there: at most `limit`, after the page that gave `cursor`.

        Raises:
            Forbidden: The channel's rules do not let them ask.
            InvalidRequest: A page cannot have so many.
            Unavailable: It is out of reach.
        """
        ...

    async def count(
        self, principal: Principal, channel: Channel, *, is_subscribed: bool
    ) -> PresenceStats:
        """How many are there.

        Raises:
            Forbidden, Unavailable: As `read`.
        """
        ...
