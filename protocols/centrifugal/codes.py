"""Numbers the protocol gives to errors and endings, and which of our errors is which.

Source: the Centrifugal client protocol. Errors answer a command; disconnects close the socket
(3000-3499 the client comes back, 3500-3999 it does not); unsubscribes end one subscription
(2500 and above: the client subscribes again at once).
"""

from dataclasses import dataclass

from protocols import errors
from protocols.centrifugal import grants
from protocols.errors import FactoryError


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An answer instead of a result; after a temporary one clients try again."""

    code: int
    message: str
    temporary: bool = False


INTERNAL = ErrorCode(100, "internal server error", temporary=True)
UNAUTHORIZED = ErrorCode(101, "unauthorized")
UNKNOWN_CHANNEL = ErrorCode(102, "unknown channel")
PERMISSION_DENIED = ErrorCode(103, "permission denied")
METHOD_NOT_FOUND = ErrorCode(104, "method not found")
ALREADY_SUBSCRIBED = ErrorCode(105, "already subscribed")
LIMIT_EXCEEDED = ErrorCode(106, "limit exceeded")
BAD_REQUEST = ErrorCode(107, "bad request")
NOT_AVAILABLE = ErrorCode(108, "not available")
TOKEN_EXPIRED = ErrorCode(109, "token expired")
TOO_MANY_COMMANDS = ErrorCode(111, "too many requests", temporary=True)
UNRECOVERABLE = ErrorCode(112, "unrecoverable position")


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Why the socket closes. The reason is plain words, never a JSON literal."""

    code: int
    reason: str


TOO_BIG = Disconnect(1009, "message too big")  # WebSocket's own (RFC 6455, 7.4.1)
CONNECTION_CLOSED = Disconnect(3000, "connection closed")
SHUTDOWN = Disconnect(3001, "shutdown")
SERVER_ERROR = Disconnect(3004, "internal server error")
EXPIRED = Disconnect(3005, "connection expired")
SUBSCRIPTION_EXPIRED = Disconnect(3006, "subscription expired")
SLOW = Disconnect(3008, "slow")
NO_STATE = Disconnect(3010, "insufficient state")
FORCE_RECONNECT = Disconnect(3011, "force reconnect")
NO_PONG = Disconnect(3012, "no pong")
FLOOD = Disconnect(3013, "too many requests")
INVALID_TOKEN = Disconnect(3500, "invalid token")
BAD_COMMAND = Disconnect(3501, "bad request")
STALE = Disconnect(3502, "stale")
FORCE_DISCONNECT = Disconnect(3503, "force disconnect")
CONNECTION_LIMIT = Disconnect(3504, "connection limit")
INAPPROPRIATE_PROTOCOL = Disconnect(3506, "inappropriate protocol")
DENIED = Disconnect(3507, "permission denied")
NOT_SERVED = Disconnect(3508, "not available")


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Why a subscription ended without the client asking."""

    code: int
    reason: str


BY_SERVER = Unsubscribed(2000, "server unsubscribe")
INSUFFICIENT_STATE = Unsubscribed(2500, "insufficient state")
EXPIRED_SUBSCRIPTION = Unsubscribed(2501, "expired")


OF_ERROR: dict[type[FactoryError], ErrorCode] = {
    errors.FactoryError: INTERNAL,
    errors.InvalidRequest: BAD_REQUEST,
    errors.Unauthenticated: UNAUTHORIZED,
    grants.ExpiredToken: TOKEN_EXPIRED,
    grants.InvalidToken: PERMISSION_DENIED,
    errors.Forbidden: PERMISSION_DENIED,
    errors.NotFound: UNKNOWN_CHANNEL,
    errors.Conflict: BAD_REQUEST,
    errors.WrongVersion: BAD_REQUEST,
    errors.InvalidTransition: BAD_REQUEST,
    errors.Fenced: BAD_REQUEST,
    errors.Gap: BAD_REQUEST,
    errors.AlreadyExists: ALREADY_SUBSCRIBED,
    errors.Unreadable: BAD_REQUEST,
    errors.LimitExceeded: LIMIT_EXCEEDED,
    errors.Unavailable: INTERNAL,
    errors.AttemptFailed: INTERNAL,
    errors.ModelFailed: INTERNAL,
    errors.ToolFailed: INTERNAL,
    errors.BudgetExceeded: LIMIT_EXCEEDED,
}


def code_of(error: FactoryError) -> ErrorCode:
    """The number of an error, or of the nearest kind above it."""
    return next(OF_ERROR[kind] for kind in type(error).__mro__ if kind in OF_ERROR)
