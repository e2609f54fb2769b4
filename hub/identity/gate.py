"""The gate before the pages: who has no session is shown the way to one.

Around what the dashboard serves. Assets and the login page are public, as the files of any site;
pages, the socket of their forms and uploads need a session, and only a session.
"""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.identity.authentication import Authentication, cookie, session_of
from hub.refusal import refuse
from protocols.errors import FactoryError, LimitExceeded, Unauthenticated
from store.postgres.identity import SESSION_SECONDS

LOGIN = "/login"
OFFLINE = "/offline.html"  # what a browser keeps to show when there is no hub: nobody's
PUBLIC_PATHS = frozenset({LOGIN, f"{LOGIN}/", OFFLINE, "/robots.txt", "/manifest.json"})
PUBLIC_FOLDERS = ("/assets/", "/fonts/", "/external/")
PRIVATE = "/_"  # sockets, uploads and health of the pages' server
PUBLIC_ENDINGS = frozenset(
    {
        *(".css", ".js", ".mjs", ".map", ".woff2", ".svg", ".png", ".ico", ".jpg", ".webp"),
        *(".webmanifest",),
    }
)


class Gate:
    """Middleware: passes on what is public or comes with a session.

    Args:
        app: What is protected.
        authentication: Gives what finds out who asks; raises Unavailable while the hub starts.
        is_secure: Whether cookies are for https only.
        public: What anybody may have; default: the files of a site, not its pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: Callable[[], Authentication],
        *,
        is_secure: bool,
        public: Callable[[Scope], bool] | None = None,
    ) -> None:
        self._app = app
        self._public = public or is_public
        self._authentication = authentication
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, redirect to the login page, or refuse."""
        if scope["type"] not in {"http", "websocket"} or self._public(scope):
            await self._app(scope, receive, send)
            return
        session = session_of(Headers(scope=scope)) or ""
        try:
            await self._authentication().of_session(session)
        except (Unauthenticated, LimitExceeded) as error:
            await self._turn_away(error, scope, receive, send)
        except FactoryError as error:
            await refuse(error, scope, receive, send)
        else:
            renewed = cookie(session, seconds=SESSION_SECONDS, is_secure=self._is_secure)
            await self._app(scope, receive, _renewing(scope, send, renewed))

    async def _turn_away(
        self, error: FactoryError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not wants_page(scope) or isinstance(error, LimitExceeded):
            await refuse(error, scope, receive, send)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        asked = scope["path"] + (f"?{query}" if query else "")
        there = LOGIN if asked == "/" else f"{LOGIN}?next={quote(asked, safe='/')}"
        redirect = RedirectResponse(there, HTTPStatus.SEE_OTHER)
        await redirect(scope, receive, send)


def is_public(scope: Scope) -> bool:
    """Whether anybody may have it."""
    if scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD"}:
        return False
    path: str = scope["path"]
    if path.startswith(PRIVATE):
        return False
    if path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDERS):
        return True
    return PurePosixPath(path).suffix.lower() in PUBLIC_ENDINGS


def wants_page(scope: Scope) -> bool:
    """Whether a person's browser asks for a page."""
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _renewing(scope: Scope, send: Send, renewed: str) -> Send:
    """A page renews the cookie, so that it lives as long as the session does."""
    if not wants_page(scope):
        return send

    async def renewing(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", renewed)
        await send(message)

    return renewing
