"""What the application's server is asked and told of one connection."""

from protocols.centrifugal import codes
from protocols.centrifugal.arrival import Arrival
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.visitor import Visitor
from protocols.operations.hooks import Connected, Hooks


class Hooked:
    """One connection and the application's server, if there is one.

    Guests are asked about and told of; members are the factory's own, and let in without.

    Args:
        hooks: The server; None: there is none.
        client: The connection's id.
        arrival: How it came.
    """

    def __init__(self, hooks: Hooks | None, client: str, arrival: Arrival) -> None:
        self._hooks = hooks
        self._client = client
        self._arrival = arrival
        self._connected: Connected | None = None

    async def connecting(self, visitor: Visitor) -> None:
        """Ask about a guest.

        Raises:
            NotLetIn: They may not connect.
            Unavailable: It could not be asked.
        """
        if self._hooks is not None and visitor.is_guest:
            await self._hooks.connecting(self._of(visitor))

    def connected(self, visitor: Visitor) -> None:
        """It was let in: from now on its end is told."""
        self._connected = self._of(visitor)

    def ended(self, why: Disconnect | None) -> None:
        """It has ended; why, if it was not the client who left."""
        connection, told = self._connected, why or codes.CONNECTION_CLOSED
        if self._hooks is not None and connection is not None and connection.is_guest:
            self._hooks.disconnected(connection, code=told.code, reason=told.reason)

    async def message(self, data: bytes) -> Disconnect | None:
        """Hand on what it sent; why to close it where nobody takes that."""
        if self._hooks is None or self._connected is None:
            return codes.NOT_SERVED
        await self._hooks.message(self._connected, data)
        return None

    def _of(self, visitor: Visitor) -> Connected:
        return Connected(
            client=self._client,
            user=visitor.user,
            team=visitor.principal.team,
            is_guest=visitor.is_guest,
            transport=self._arrival.transport,
        )
