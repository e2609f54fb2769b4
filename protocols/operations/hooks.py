"""What an application's own server is told of, and may say to, while its users connect."""

from dataclasses import dataclass
from typing import Protocol

from protocols.errors import Forbidden
from protocols.principals import TeamId


class NotLetIn(Forbidden):
    """The application's server does not want this connection.

    Attributes:
        close_code: What to close it with.
    """

    def __init__(self, message: str, *, close_code: int) -> None:
        super().__init__(message)
        self.close_code = close_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """One connection.

    Attributes:
        client: Its id.
        user: Whose it is; empty: an anonymous one.
        team: Of which team.
        is_guest: Whether it came with a token, and not a key or session.
        transport: `websocket`, `http_stream`, …
    """

    client: str
    user: str
    team: TeamId
    is_guest: bool
    transport: str


class Hooks(Protocol):
    """The application's server."""

    async def connecting(self, connection: Connected) -> None:
        """Ask whether it may be.

        Raises:
            NotLetIn: It may not.
            Unavailable: The server did not say so in time; nobody is let in unasked.
        """
        ...

    def disconnected(self, connection: Connected, *, code: int, reason: str) -> None:
        """Tell that it has ended, after its messages; told later, and lost if that cannot be."""
        ...

    async def message(self, connection: Connected, data: bytes) -> None:
        """Tell what it sent, one line of JSON; those of a connection are told in their order.

        Waits while too much is to be told, a few seconds; then it is lost.
        """
        ...
