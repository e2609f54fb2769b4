"""Exit codes, and how an error becomes one line and a code.

0 done · 1 the task failed · 2 wrong usage or bad input · 3 not found · 4 not allowed
5 canceled · 6 conflict · 7 out of reach · 8 over a limit · 130 Ctrl-C
"""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import anyio
import typer

from hub.cli import drawing
from protocols.errors import (
    AttemptFailed,
    Conflict,
    FactoryError,
    Forbidden,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    Unauthenticated,
    Unavailable,
)

P = ParamSpec("P")

EXIT_FAILED = 1
EXIT_CANCELED = 5
EXIT_INTERRUPTED = 130

EXITS: dict[type[FactoryError], int] = {
    InvalidRequest: 2,
    NotFound: 3,
    Unauthenticated: 4,
    Forbidden: 4,
    Conflict: 6,
    Unavailable: 7,
    LimitExceeded: 8,
    AttemptFailed: EXIT_FAILED,
    FactoryError: EXIT_FAILED,
}


def exit_code(error: FactoryError) -> int:
    """The code of the nearest type in the table."""
    return next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)


def command(function: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async command; errors end as one line on standard error and an exit code."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        async def call() -> None:
            await function(*args, **kwargs)

        try:
            anyio.run(call, backend_options={"use_uvloop": True})
        except* FactoryError as group:
            error = _first(group)
            drawing.failure(error)
            raise typer.Exit(exit_code(error)) from None
        except* KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except* typer.Exit as group:
            raise typer.Exit(_first_exit(group)) from None

    return wrapper


def _first(group: BaseExceptionGroup[FactoryError]) -> FactoryError:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        return error
    raise AssertionError


def _first_exit(group: BaseExceptionGroup[typer.Exit]) -> int:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first_exit(error)
        return error.exit_code
    raise AssertionError
