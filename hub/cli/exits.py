"""Exit codes, and how an error becomes one line and a code.

0 done · 1 the task failed · 2 wrong usage or bad input · 3 not found · 4 not allowed
5 canceled · 6 conflict · 7 out of reach · 8 over a limit · 130 Ctrl-C
"""

import functools
import json
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import anyio
import typer
from pydantic import ValidationError

from hub.cli import answers, drawing
from protocols.agents import NAME
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
E = TypeVar("E", bound=Exception)

EXIT_FAILED = 1
EXIT_CANCELED = 5
EXIT_INTERRUPTED = 130
MAX_VALUE = 80  # characters of a refused value
NAME_RULE = "a name is of lower case, digits and dashes, at most 63, with no dash at its ends"

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
    """Run an async command; errors end as one line on standard error and an exit code.

    With `--json`, which a command takes as `as_json`, that line is a problem.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        async def call() -> None:
            await function(*args, **kwargs)

        code: int | None = None
        tell = answers.say_problem if kwargs.get("as_json") else drawing.failure
        try:
            anyio.run(call, backend_options={"use_uvloop": True})
        except* FactoryError as group:
            code = _failed(_first(group), tell)
        except* ValidationError as group:
            code = _failed(InvalidRequest(broken_rules(_first(group))), tell)
        except* KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        except* typer.Exit as group:
            code = _first(group).exit_code
        if code is not None:  # what is raised within except* is a group again in Python 3.11.2
            raise typer.Exit(code)

    return wrapper


def broken_rules(error: ValidationError) -> str:
    """Every broken rule on one line: the field or variable, the rule, the value."""
    prefix = "PYGENT_" if error.title.endswith("Settings") else ""
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        if problem["type"] == "default_factory_not_called":  # only because another one is broken
            continue
        name = ".".join(str(part) for part in problem["loc"]) or "the whole"
        name = f"{prefix}{name.upper()}" if prefix else name
        got = f" (got {json.dumps(problem['input'], default=str)[:MAX_VALUE]})"
        shown = "" if problem["type"] == "secret" else got
        is_name = problem.get("ctx", {}).get("pattern") == NAME
        rule = NAME_RULE if is_name else problem["msg"]
        lines.append(f"{name}: {rule}{shown}")
    return "; ".join(lines)


def _failed(error: FactoryError, tell: Callable[[FactoryError], None]) -> int:
    tell(error)
    return exit_code(error)


def _first(group: BaseExceptionGroup[E]) -> E:
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError
