"""Where a browser's request comes from: other sites may not use a person's session.

A cookie is sent by the browser, whoever wrote the page. So with a session's cookie, and on the way
to one, whatever changes something and every socket must name its Origin, and it must be this site;
a named foreign Origin is refused for reading, too. A bearer key is sent by whoever holds it, and
needs no Origin. Sockets, and the streams that stand in for them, that name a foreign Origin are
refused in any case, but for sites the operator has named (`sharing.py`); no session counts there.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.identity.address import ADDRESS
from hub.identity.authentication import COOKIE
from hub.identity.sharing import LIVE_PATHS, SHARED
from hub.refusal import refuse
from protocols.errors import Forbidden, InvalidRequest

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOGIN_PATHS = "/auth/"
SECRET_NAMES = ("token", "access_token", "api_key", "apikey", "ticket", "session")

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class OriginRule:
    """Middleware: refuses with 403 what another site's page sends with a person's session.

    Args:
        app: What is protected.
        public_url: The site as browsers see it, when that is not what Host says.
    """

    def __init__(self, app: ASGIApp, *, public_url: str | None) -> None:
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        client: tuple[str, int] | None = scope.get("client")
        ADDRESS.set(client[0] if client else "")
        if has_secret_in_query(scope):
            error = InvalidRequest(
                "keys and tickets do not belong in addresses; send Authorization: Bearer"
            )
            await refuse(error, scope, receive, send)
        elif not self.allows(scope):
            error = Forbidden("the Origin of this request is not this site")
            await refuse(error, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def allows(self, scope: Scope) -> bool:
        """Whether the Origin is good enough for what is asked."""
        if scope.get(SHARED):
            return True
        headers = Headers(scope=scope)
        origins = headers.getlist("origin")
        is_own = len(origins) == 1 and origins[0].lower() in self._own(scope, headers)
        has_cookie = COOKIE in headers.get("cookie", "")
        is_login = scope["path"].startswith(LOGIN_PATHS)
        if scope["type"] == "websocket":
            return is_own if origins else not has_cookie
        if origins and not is_own and scope["path"].startswith(LIVE_PATHS):
            return False
        if "authorization" in headers and not is_login:
            return True
        if not has_cookie and not is_login:
            return True
        return is_own if origins else scope["method"] in SAFE_METHODS

    def _own(self, scope: Scope, headers: Headers) -> set[str]:
        scheme = _SCHEMES.get(scope.get("scheme", "http"), "http")
        own = {f"{scheme}://{headers.get('host', '')}".lower()}
        if self._public_url is not None:
            own.add(self._public_url)
        return own


def has_secret_in_query(scope: Scope) -> bool:
    """Whether the query has a parameter that is named like a secret.

    Addresses end up in logs, histories and Referer headers; a secret in one is no secret.
    """
    query: bytes = scope.get("query_string", b"")
    if not query:
        return False
    names = {pair.partition(b"=")[0].lower() for pair in query.split(b"&")}
    return any(name.encode() in names for name in SECRET_NAMES)
