"""Clients that only listen: what becomes of answers that nobody could act upon. Without I/O."""

from dataclasses import replace

from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.decisions import Subscribe
from protocols.centrifugal.wire.replies import Reply

CONNECT_ID = 1

_ENDINGS = {
    codes.UNAUTHORIZED.code: codes.INVALID_TOKEN,
    codes.PERMISSION_DENIED.code: codes.DENIED,
    codes.TOKEN_EXPIRED.code: codes.EXPIRED,
    codes.LIMIT_EXCEEDED.code: codes.CONNECTION_LIMIT,
}


def ending(reply: Reply) -> Disconnect | None:
    """Why the connection ends over this answer; None: it can be told.

    A channel that is refused is told as one that was left. What may pass ends the connection, so
    that its client comes back and tries again.
    """
    error = reply.error
    if error is None:
        return None
    if error.temporary:
        return codes.SERVER_ERROR
    if reply.id == CONNECT_ID or error.code == codes.TOKEN_EXPIRED.code:
        return _ENDINGS.get(error.code, codes.BAD_COMMAND)
    return None


def on_behalf(wish: Subscribe) -> Subscribe:
    """The subscription, as one that the server wants: what ends it ends the connection.

    Its client cannot subscribe again; it connects again, and continues its position.
    """
    return replace(wish, terms=replace(wish.terms, is_by_server=True))
