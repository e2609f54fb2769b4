"""Letting a connection in, and letting it stay: what follows from its token, key or session."""

import logging
import time

from protocols.centrifugal import codes
from protocols.centrifugal.caller import Caller, expires_in
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.decisions import Authenticate, Close, Refresh, Send
from protocols.centrifugal.grants import ExpiredToken, InvalidToken
from protocols.centrifugal.hooked import Hooked
from protocols.centrifugal.rights import Rights
from protocols.centrifugal.server_side import ServerSide
from protocols.centrifugal.session import Session
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.visitor import Visitor
from protocols.errors import FactoryError, LimitExceeded, Unavailable
from protocols.operations.hooks import NotLetIn

logger = logging.getLogger(__name__)


class Admission:
    """Decides about `connect` and `refresh` of one connection, by who comes.

    Attributes:
        is_done: Somebody was let in, and told so.
    """

    def __init__(
        self,
        caller: Caller,
        session: Session,
        server_side: ServerSide,
        teller: Teller,
        *,
        hooked: Hooked,
    ) -> None:
        self.is_done = False
        self._hooked = hooked
        self._caller = caller
        self._session = session
        self._server_side = server_side
        self._teller = teller

    async def connect(self, command: Authenticate) -> Send | Close | None:
        """What is left to do about `connect`: refuse it, unless it was answered."""
        try:
            visitor = await self._caller.identify(command.token)
            left = _left(visitor)
        except ExpiredToken:
            return Send(self._session.refuse_expired(command))
        except FactoryError as error:
            _note(error)
            return self._session.refuse_connect(command, error)
        try:
            self._caller.accept(visitor, command.token)
        except LimitExceeded as error:
            logger.warning("a socket was refused", extra={"reason": error.message})
            return Close(codes.CONNECTION_LIMIT)
        try:
            await self._hooked.connecting(visitor)
            entered = await self._server_side.enter(visitor, command.positions)
        except NotLetIn as error:
            return Close(Disconnect(error.close_code, error.message))
        except FactoryError as error:
            return self._session.refuse_connect(command, error)
        # No await from here: the answer goes out before anything of a channel.
        answer = self._session.accept(
            command,
            Rights(visitor, self._caller.keyring),
            now=time.monotonic(),
            expires_in=left,
            subs=entered.results,
        )
        self._teller.tell(answer)
        self.is_done = True
        self._hooked.connected(visitor)
        await self._server_side.start(entered)
        return None

    async def refresh(self, command: Refresh) -> Send | Close:
        """The answer to `refresh`, or the end."""
        try:
            visitor = await self._caller.identify(command.token)
            left = _left(visitor)
        except ExpiredToken:
            return Send(self._session.refuse_expired(command))
        except Unavailable as error:
            return Send(self._session.refuse(command.id, error))
        except FactoryError as error:
            _note(error)
            return Close(codes.INVALID_TOKEN)
        if not self._caller.is_same(visitor):
            return Close(codes.INVALID_TOKEN)
        self._caller.accept(visitor, command.token)
        return Send(self._session.refreshed(command, now=time.monotonic(), expires_in=left))


def _left(visitor: Visitor) -> float | None:
    left = expires_in(visitor.principal)
    if left is not None and left <= 0:
        raise ExpiredToken("what was shown has expired")
    return left


def _note(error: FactoryError) -> None:
    if isinstance(error, InvalidToken):
        logger.info("a connection token was refused", extra={"reason": error.message})
