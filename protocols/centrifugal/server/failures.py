"""Errors of the HTTP API, by the protocol's numbers."""

from protocols.centrifugal import codes
from protocols.centrifugal.server.results import ApiError
from protocols.errors import FactoryError, InvalidRequest


class NotAvailable(InvalidRequest):
    """What the channel does not have is asked for (108)."""


class Unrecoverable(InvalidRequest):
    """A position that cannot be continued from (112)."""


def error_of(error: FactoryError) -> ApiError:
    """An error, by the protocol's numbers."""
    match error:
        case NotAvailable():
            code = codes.NOT_AVAILABLE
        case Unrecoverable():
            code = codes.UNRECOVERABLE
        case _:
            code = codes.code_of(error)
    return ApiError(code.code, error.message)
