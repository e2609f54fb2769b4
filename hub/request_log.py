"""Each request's ids, and its one line in the log when it is over: no query, no content.

`X-Request-Id` is taken from who calls, if it is plain, and answered; `traceparent` (W3C Trace
Context, section 3.2) gives the trace's id to every line that is logged meanwhile.
"""

import logging
import re
import secrets
import time
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.identity.audit import Happened, note
from protocols.principals import Principal
from protocols.rest.backing import PRINCIPAL
from protocols.rest.problems import REFUSAL, internal

logger = logging.getLogger(__name__)

QUIET_PATHS = ("/health/", "/assets/", "/_")  # asked all the time: only for debugging
MAX_PATH_CHARACTERS = 200

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$", re.ASCII)
_TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_TASK = re.compile(r"/tasks/([0-9a-f-]{36})", re.ASCII)


class RequestLog:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with ids, and say how it went."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["pygent.request_id"] = request_id
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close" and status == 0:
                status = 403
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(**_ids(scope, request_id)):
            try:
                await self._app(scope, receive, noting)
            except Exception:  # the last stop: whatever broke is logged once and answered once
                logger.exception("unexpected error")
                if scope["type"] == "http" and status == 0:
                    await internal(scope)(scope, receive, noting)
            finally:
                _log(scope, status, time.perf_counter() - began)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.match(given) else secrets.token_hex(8)


def _ids(scope: Scope, request_id: str) -> dict[str, str]:
    ids = {"request_id": request_id}
    if trace := _TRACE.match(Headers(scope=scope).get("traceparent", "")):
        ids["trace_id"] = trace[1]
    if task := _TASK.search(scope["path"]):
        ids["task_id"] = task[1]
    return ids


def _note_denied(scope: Scope) -> None:
    known: object = scope.get(PRINCIPAL)
    note(
        Happened.ACCESS_DENIED,
        known if isinstance(known, Principal) else None,
        method=scope.get("method", "WEBSOCKET"),
        path=scope["path"][:MAX_PATH_CHARACTERS],
        reason=scope.get(REFUSAL),
    )


def _log(scope: Scope, status: int, seconds: float) -> None:
    if status == HTTPStatus.FORBIDDEN:
        _note_denied(scope)
    path: str = scope["path"]
    is_quiet = path.startswith(QUIET_PATHS) and status < 500  # noqa: PLR2004  the border of HTTP's own classes
    client: tuple[str, int] | None = scope.get("client")
    logger.log(
        logging.DEBUG if is_quiet else logging.INFO,
        "request",
        extra={
            "method": scope.get("method", "WEBSOCKET"),
            "path": path[:MAX_PATH_CHARACTERS],
            "status": status,
            "seconds": round(seconds, 4),
            "client": client[0] if client else "",
        },
    )
