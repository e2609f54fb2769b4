"""Logging in with a ticket, and out: the pages and posts under `/auth`.

The ticket stands behind the `#` of the link, which no server sees; the page posts it. What is
answered to a wrong, a used and an old ticket is the same.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.identity.address import ADDRESS
from hub.identity.audit import Happened, note
from hub.identity.authentication import Authentication, cookie, principal_of, session_of
from hub.identity.gate import LOGIN
from hub.identity.secrets import hashed, is_plain_secret, new_secret
from hub.identity.tickets import PATH
from protocols.errors import InvalidRequest, LimitExceeded, Unauthenticated
from protocols.rest.bodies import StrictRequest, refuse_other_than_json
from protocols.rest.inline import policy
from store.postgres.identity import SESSION_SECONDS, IdentityTable

LOGOUT = "/auth/logout"
SESSION = "/auth/session"
MAX_BODY_BYTES = 4096

_PAGE = Path(__file__).with_name("ticket.html").read_text(encoding="utf-8")
_POLICY = policy(_PAGE, connects=True)
_OWN_PATH = re.compile(r"^/[A-Za-z0-9._~!$&'()*+,;=:@%?/-]*$", re.ASCII)
_MAX_NEXT = 500

Opened = Callable[[], tuple[IdentityTable, Authentication]]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ticket: str = Field(max_length=200)
    next: str = "/"


def routes(opened: Opened, *, is_secure: bool) -> Sequence[Route]:
    """The routes; `opened` raises Unavailable while the hub starts or stops."""
    return (
        Route(PATH, _page, methods=["GET"]),
        Route(PATH, _entering(opened, is_secure=is_secure), methods=["POST"]),
        Route(LOGOUT, _leaving(opened, is_secure=is_secure), methods=["POST"]),
        Route(SESSION, _knocking(opened), methods=["GET"]),
    )


def own_path(text: str) -> str:
    """The path if it stays on this site, else the front page.

    One slash first, none doubled, no backslash, nothing that a browser strips or folds: so that
    no spelling of it is another site's address.
    """
    is_own = len(text) <= _MAX_NEXT and _OWN_PATH.fullmatch(text) is not None
    is_page = not text.startswith(("/auth/", LOGIN))
    return text if is_own and is_page and "//" not in text else "/"


async def _page(_: Request) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(_PAGE, headers=headers)


def _entering(opened: Opened, *, is_secure: bool) -> Callable[[Request], Awaitable[Response]]:
    async def enter(request: Request) -> Response:
        table, authentication = opened()
        entry = await _entry(request)
        address = ADDRESS.get()
        session = new_secret()
        is_right = is_plain_secret(entry.ticket) and await table.use_ticket(
            hashed(entry.ticket), session=hashed(session)
        )
        if not is_right:  # only the wrong are refused: an address may be a proxy's
            note(Happened.TICKET_REFUSED)
            note(Happened.LOGIN_FAILED, method="ticket")
            authentication.attempts.refuse_guessing(address)
            authentication.attempts.failed(address)
            raise Unauthenticated("this link was used, or is older than ten minutes")
        known = await table.find(hashed(session), is_key=False)
        who = principal_of(known) if known else None
        note(Happened.TICKET_USED, who)
        note(Happened.LOGIN_SUCCEEDED, who, method="ticket")
        response = JSONResponse({"next": own_path(entry.next)})
        response.headers["Cache-Control"] = "no-store"
        response.headers["Set-Cookie"] = cookie(
            session, seconds=SESSION_SECONDS, is_secure=is_secure
        )
        return response

    return enter


def _knocking(opened: Opened) -> Callable[[Request], Awaitable[Response]]:
    """Whether the browser is logged in already: no is an answer here, and no error."""

    async def knock(request: Request) -> Response:
        _, authentication = opened()
        session = session_of(request.headers)
        is_logged_in = False
        if session is not None:
            with suppress(Unauthenticated):
                await authentication.of_session(session)
                is_logged_in = True
        return JSONResponse({"is_logged_in": is_logged_in}, headers={"Cache-Control": "no-store"})

    return knock


async def _entry(request: Request) -> _Entry:
    refuse_other_than_json(request)
    strict = StrictRequest(request.scope, request.receive)
    strict.max_bytes = MAX_BODY_BYTES
    try:
        return _Entry.model_validate(await strict.json())
    except ValidationError:
        raise InvalidRequest("a ticket is posted as {ticket, next}") from None


def _leaving(opened: Opened, *, is_secure: bool) -> Callable[[Request], Awaitable[Response]]:
    async def leave(request: Request) -> Response:
        table, authentication = opened()
        session = session_of(request.headers)
        if session is not None and is_plain_secret(session):
            with suppress(Unauthenticated, LimitExceeded):  # it had ended before
                note(Happened.SESSION_ENDED, await authentication.of_session(session))
            await table.end_session(hashed(session))
            authentication.forget(hashed(session))
        response = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER)
        response.headers["Set-Cookie"] = cookie("", seconds=0, is_secure=is_secure)
        return response

    return leave
