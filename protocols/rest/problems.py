"""Errors as RFC 9457 problem details: one table from the error tree to status codes.

Used by the routes, by the hub's own pages and middleware, and read backwards by the client.
Messages are those of the errors, which are safe to show; nothing of an unexpected error is shown.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from protocols import errors
from protocols.errors import FactoryError
from protocols.rest.resources import MEDIA_TYPE, FieldProblem, Problem

logger = logging.getLogger(__name__)

REFUSAL = "pygent.refusal"  # in a request's scope
MAX_DETAIL = 500  # characters
MAX_PROBLEMS = 20  # fields named in one answer
MAX_VALUE = 80  # characters of a refused value

STATUS: dict[type[FactoryError], int] = {
    FactoryError: 500,
    errors.InvalidRequest: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.WrongVersion: 409,
    errors.InvalidTransition: 409,
    errors.Fenced: 409,
    errors.Gap: 409,
    errors.AlreadyExists: 409,
    errors.Unreadable: 409,
    errors.LimitExceeded: 429,  # 413 where the message is about a field: the request is too large
    errors.Unavailable: 503,
    errors.AttemptFailed: 502,
    errors.ModelFailed: 502,
    errors.ToolFailed: 502,
    errors.BudgetExceeded: 502,
}

_CODES: dict[int, str] = {  # of answers that are not made from a FactoryError
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    413: "limit_exceeded",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "limit_exceeded",
    503: "unavailable",
}


def request_id(scope: Scope) -> str | None:
    """The request's id, as the middleware around the routes has set it."""
    value = scope.get("pygent.request_id")
    return value if isinstance(value, str) else None


def response_to(error: FactoryError, scope: Scope) -> Response:
    """The answer that says this error; the scope tells whoever logs the request why."""
    scope[REFUSAL] = error.message
    status = status_of(error)
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(_retry_seconds(error))
    problem = _problem(
        scope, status=status, code=error.code, detail=error.message, field=error.field
    )
    return _response(problem, headers)


def _retry_seconds(error: FactoryError) -> int:
    seconds = error.retry_seconds if isinstance(error, errors.LimitExceeded) else None
    return max(1, math.ceil(seconds or 0))


def status_of(error: FactoryError) -> int:
    """The status of an error, by its type alone but for requests that are too large."""
    if isinstance(error, errors.LimitExceeded) and error.field is not None:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


async def say_factory_error(request: Request, error: Exception) -> Response:
    """Exception handler for the factory's own errors."""
    assert isinstance(error, FactoryError)
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("request failed", extra={"code": error.code})
    return response_to(error, request.scope)


async def say_http_error(request: Request, error: Exception) -> Response:
    """Exception handler for what the framework raises: no such route, wrong method, too large."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    problem = _problem(
        request.scope,
        status=status,
        code=_CODES.get(status, "invalid_request" if status < 500 else "internal"),  # noqa: PLR2004  the border of HTTP's own classes
        detail=_detail(error, request),
    )
    return _response(problem, error.headers or {})


def _detail(error: HTTPException, request: Request) -> str:
    path = request.scope.get("path", "")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {path[:MAX_VALUE]!a}"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        return f"{path[:MAX_VALUE]!a} does not know {request.method[:16]!a}, it knows {allowed}"
    return str(error.detail)


async def say_invalid_request(request: Request, error: Exception) -> Response:
    """Exception handler for a request that does not fit its model: every field, with its rule."""
    assert isinstance(error, RequestValidationError)
    problems = [_field_problem(item) for item in _errors(error)[:MAX_PROBLEMS]]
    first = problems[0]
    detail = f"{first.field}: {first.rule}"
    if len(problems) > 1:
        detail += f" (and {len(problems) - 1} more)"
    problem = _problem(
        request.scope, status=422, code="invalid_request", detail=detail, field=first.field
    )
    return _response(problem.model_copy(update={"problems": problems}), {})


def _errors(error: RequestValidationError) -> Sequence[Mapping[str, object]]:
    return error.errors()


def _field_problem(item: Mapping[str, object]) -> FieldProblem:
    path = item.get("loc")
    parts = [str(part)[:MAX_VALUE] for part in path] if isinstance(path, tuple) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  pydantic's own loc
    if parts[:1] == ["body"] and len(parts) > 1:
        parts = parts[1:]
    value = None if item.get("type") == "missing" else repr(item.get("input"))[:MAX_VALUE]
    return FieldProblem(
        field=".".join(parts) or "body",
        rule=str(item.get("msg", "is not valid"))[:MAX_DETAIL],
        value=value,
    )


async def say_internal(request: Request, _: Exception) -> Response:
    """Exception handler for what nobody foresaw; the server around the routes logs it."""
    return internal(request.scope)


def internal(scope: Scope) -> Response:
    """The answer that says that something broke here, and nothing more."""
    detail = "something unexpected went wrong here; the request id helps to find it in the logs"
    return _response(_problem(scope, status=500, code="internal", detail=detail), {})


def _problem(
    scope: Scope, *, status: int, code: str, detail: str, field: str | None = None
) -> Problem:
    return Problem(
        type=f"urn:pygent:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail[:MAX_DETAIL],
        code=code,
        field=field,
        request_id=request_id(scope),
    )


def _response(problem: Problem, headers: Mapping[str, str]) -> Response:
    absent = {"problems"} if problem.problems is None else None
    return Response(
        problem.model_dump_json(exclude=absent),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**headers, "Cache-Control": "no-store"},
    )
