"""A hub with nothing but its live endpoints, and credentials that tests control.

Tokens are taken at their word: `team-<n>` is the owner of that team, `viewer-<n>` one who may only
look, `expires-<seconds>` one of team 1 who soon has to refresh; anything else is refused.
"""

import time

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute

from protocols.centrifugal.routes import PATH, Sockets, endpoint
from protocols.centrifugal.transports import uni_routes
from protocols.centrifugal.transports.routes import routes
from protocols.centrifugal.transports.sessions import Sessions
from protocols.errors import FactoryError, Unauthenticated, Unavailable
from protocols.principals import Actor, Principal, Role, TeamId
from protocols.rest.problems import say_factory_error


class Tokens:
    """Test credentials that can be revoked."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.is_away = False

    async def authenticate(self, headers: Headers, token: str | None) -> Principal:
        if self.is_away:
            raise Unavailable("identity is away")
        kind, _, value = (token or "").partition("-")
        if token in self.revoked or not value.isdigit():
            raise Unauthenticated("this is no token")
        is_short = kind == "expires"
        return Principal(
            actor=Actor(f"key:{kind}"),
            team=TeamId(1 if is_short else int(value)),
            role=Role.VIEWER if kind == "viewer" else Role.OWNER,
            name="test",
            expires_at=time.time() + int(value) if is_short else None,
        )


def application(sockets: Sockets) -> Starlette:
    sessions = Sessions("here")
    return Starlette(
        routes=[
            WebSocketRoute(PATH, endpoint(lambda _: sockets)),
            *routes(lambda _: sockets, lambda _: sessions),
            *uni_routes.routes(lambda _: sockets),
        ],
        exception_handlers={FactoryError: say_factory_error},
    )
