"""Who is at the other end of a connection: asked for when it connects, and again while it lives."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace

from starlette.datastructures import Headers

from protocols.centrifugal import codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.keyring import NO_KEYS, Keyring
from protocols.centrifugal.visitor import Visitor, guest, member
from protocols.errors import FactoryError, Forbidden, Unauthenticated
from protocols.principals import Principal
from protocols.quotas import Quota, holder_of

logger = logging.getLogger(__name__)

Authenticates = Callable[[Headers, str | None], Awaitable[Principal]]


class Caller:
    """Who one connection is of, and the place it takes in the quota.

    Args:
        headers: Of the handshake.
        authenticate: Raises `Unauthenticated`, `Forbidden` or `Unavailable`.
        quota: How many connections one holder may have.
        keyring: Whose tokens let guests in.

    Attributes:
        keyring: As given.
    """

    def __init__(
        self,
        headers: Headers,
        authenticate: Authenticates,
        *,
        quota: Quota,
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self.keyring = keyring
        self._headers = headers
        self._authenticate = authenticate
        self._quota = quota
        self._place = ExitStack()
        self._visitor: Visitor | None = None
        self._token: str | None = None

    @property
    def visitor(self) -> Visitor:
        """Who is connected, as others see them.

        Raises:
            Unauthenticated: Nobody is yet.
        """
        if self._visitor is None:
            raise Unauthenticated("nobody is connected")
        return self._visitor

    @property
    def principal(self) -> Principal:
        """Who is connected.

        Raises:
            Unauthenticated: Nobody is yet.
        """
        return self.visitor.principal

    @property
    def known(self) -> Visitor | None:
        """Who is connected; None: nobody yet."""
        return self._visitor

    @property
    def name(self) -> str | None:
        """Who is connected, for the log; None while nobody is."""
        return self._visitor.principal.actor if self._visitor else None

    @property
    def expires_in(self) -> float | None:
        """Seconds for which they still are; None: no end."""
        return expires_in(self._visitor.principal) if self._visitor else None

    async def identify(self, token: str | None) -> Visitor:
        """Whom the token, the key, or where there is neither the handshake is of.

        Raises:
            ExpiredToken: It was good once.
            FactoryError: As `authenticate`.
        """
        if token is not None and self.keyring and is_signed(token):
            return guest(*self.keyring.connection(token))
        async with in_time():
            return member(await self._authenticate(self._headers, token))

    def accept(self, visitor: Visitor, token: str | None) -> None:
        """From now on it is this one; those who are nobody in particular are not counted together.

        Raises:
            LimitExceeded: It has as many connections as it may.
        """
        if self._visitor is None and not visitor.is_anonymous:
            self._place.enter_context(self._quota.held_by(holder_of(visitor.principal)))
        self._visitor, self._token = visitor, token

    def is_same(self, visitor: Visitor) -> bool:
        """Whether this is the one who is connected."""
        known, found = self.visitor.principal, visitor.principal
        return (found.actor, found.team) == (known.actor, known.team)

    def extend(self, expires_at: float | None) -> None:
        """A guest may stay until then, whatever the token said; of a member the session says."""
        visitor = self.visitor
        if visitor.is_guest:
            principal = replace(visitor.principal, expires_at=expires_at)
            self._visitor = replace(visitor, principal=principal)

    async def recheck(self) -> Disconnect | None:
        """Why the one who is connected may no longer be; what cannot be told now ends nothing.

        A guest is let in until a token ends: there is nobody to ask about one.
        """
        if self._visitor is None or self._visitor.is_guest:
            return None
        try:
            visitor = await self.identify(self._token)
        except Unauthenticated:
            return codes.INVALID_TOKEN
        except Forbidden:
            return codes.DENIED
        except FactoryError as error:
            logger.warning("a socket's principal was not checked", extra={"reason": error.code})
            return None
        if not self.is_same(visitor):
            return codes.FORCE_RECONNECT
        self._visitor = visitor
        return None

    def leave(self) -> None:
        """Give the place back."""
        self._place.close()


def is_signed(token: str) -> bool:
    """Whether it is of the form of a signed token; keys and sessions have no dots."""
    return token.count(".") == 2  # noqa: PLR2004  a header, claims, a signature


def expires_in(principal: Principal) -> float | None:
    """Seconds its credentials are still good for; None: no end."""
    return None if principal.expires_at is None else principal.expires_at - time.time()
