"""Sites whose pages may connect here, though they are others: for the live endpoints, and by token.

The operator names them. A browser asks beforehand (a preflight) whether a page of such a site may
send a request here and read the answer; it may. What it may not is use a person's session: the
cookie is taken out of its requests, so that nothing in here sees one. Other routes, and other
sites, are the Origin rule's.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED = "pygent.shared"  # in a request's scope: it comes from a page of such a site
LIVE_PATHS = ("/connection/", "/emulation")
PREFLIGHT_SECONDS = 600
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}


class Sharing:
    """Middleware: lets pages of these sites use the live endpoints; stands before the Origin rule.

    Args:
        app: What is shared.
        origins: Of the sites, as browsers spell them.
    """

    def __init__(self, app: ASGIApp, *, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, without a session where it is another site's; or answer a preflight."""
        origin = self._sharing(scope)
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and _is_preflight(scope):
            answer = Response(status_code=HTTPStatus.NO_CONTENT, headers=ALLOWED)
            await answer(scope, receive, _telling(origin, send))
        else:
            told = _telling(origin, send) if scope["type"] == "http" else send
            await self._app(_without_session(scope), receive, told)

    def _sharing(self, scope: Scope) -> str | None:
        """The origin of a page that may come; None: it is nobody's, or not one of these."""
        if scope["type"] not in {"http", "websocket"} or not self._origins:
            return None
        if not scope["path"].startswith(LIVE_PATHS):
            return None
        origins = Headers(scope=scope).getlist("origin")
        is_one = len(origins) == 1 and origins[0] in self._origins
        return origins[0] if is_one else None


def parse_origins(text: str) -> frozenset[str]:
    """Origins, separated by commas, as browsers spell them.

    Raises:
        ValueError: One of them is none; the message names it.
    """
    return frozenset(_origin(one.strip()) for one in text.split(",") if one.strip())


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no origin") from None
    is_plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not is_plain or "*" in text or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{text[:80]!r} is not of the form https://host or https://host:port")
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")


def _is_preflight(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _without_session(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": kept, SHARED: True}


def _telling(origin: str, send: Send) -> Send:
    """The browser is told that this page may read the answer."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            headers.add_vary_header("Origin")
        await send(message)

    return telling
