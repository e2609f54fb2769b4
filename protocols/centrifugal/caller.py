"""Who is at the other end of a connection: asked for when it connects, and again while it lives."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from starlette.datastructures import Headers

from protocols.centrifugal import codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.codes import Disconnect
from protocols.errors import FactoryError, Forbidden, Unauthenticated
from protocols.principals import Principal
from protocols.quotas import Quota, holder_of

logger = logging.getLogger(__name__)

Authenticates = Callable[[Headers, str | None], Awaitable[Principal]]


class Caller:
    """The principal of one connection, and the place it takes in the quota.

    Args:
        headers: Of the handshake.
        authenticate: Raises `Unauthenticated`, `Forbidden` or `Unavailable`.
        quota: How many connections one holder may have.
    """

    def __init__(self, headers: Headers, authenticate: Authenticates, *, quota: Quota) -> None:
        self._headers = headers
        self._authenticate = authenticate
        self._quota = quota
        self._place = ExitStack()
        self._principal: Principal | None = None
        self._token: str | None = None

    @property
    def principal(self) -> Principal:
        """Who is connected.

        Raises:
            Unauthenticated: Nobody is yet.
        """
        if self._principal is None:
            raise Unauthenticated("nobody is connected")
        return self._principal

    @property
    def name(self) -> str | None:
        """Who is connected, for the log; None while nobody is."""
        return self._principal.actor if self._principal else None

    @property
    def expires_in(self) -> float | None:
        """Seconds for which they still are; None: no end."""
        return expires_in(self._principal) if self._principal else None

    async def identify(self, token: str | None) -> Principal:
        """Whom the token is of, or the handshake where there is none."""
        async with in_time():
            return await self._authenticate(self._headers, token)

    def accept(self, principal: Principal, token: str | None) -> None:
        """From now on it is this one.

        Raises:
            LimitExceeded: It has as many connections as it may.
        """
        if self._principal is None:
            self._place.enter_context(self._quota.held_by(holder_of(principal)))
        self._principal, self._token = principal, token

    def is_same(self, principal: Principal) -> bool:
        """Whether this is the one who is connected."""
        known = self.principal
        return (principal.actor, principal.team) == (known.actor, known.team)

    async def recheck(self) -> Disconnect | None:
        """Why the one who is connected may no longer be; what cannot be told now ends nothing."""
        if self._principal is None:
            return None
        try:
            principal = await self.identify(self._token)
        except Unauthenticated:
            return codes.INVALID_TOKEN
        except Forbidden:
            return codes.DENIED
        except FactoryError as error:
            logger.warning("a socket's principal was not checked", extra={"reason": error.code})
            return None
        if not self.is_same(principal):
            return codes.FORCE_RECONNECT
        self._principal = principal
        return None

    def leave(self) -> None:
        """Give the place back."""
        self._place.close()


def expires_in(principal: Principal) -> float | None:
    """Seconds its credentials are still good for; None: no end."""
    return None if principal.expires_at is None else principal.expires_at - time.time()
