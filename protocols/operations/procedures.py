"""Operations called by their name, with JSON and for JSON. Kept by the hub."""

from typing import Protocol

from protocols.errors import NotFound
from protocols.principals import Principal


class UnknownMethod(NotFound):
    """Nothing is called so."""


class Procedures(Protocol):
    """What may be called."""

    async def call(self, principal: Principal, method: str, arguments: bytes) -> bytes:
        """Do it, as that principal.

        Args:
            principal: Who asks.
            method: Its name.
            arguments: A JSON object; empty: one without members.

        Returns:
            The answer as JSON.

        Raises:
            UnknownMethod: There is no method of that name.
            InvalidRequest: The arguments break a rule of the method.
            FactoryError: As the operation.
        """
        ...
