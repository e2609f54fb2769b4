"""The hub, put together: what is open, what is mounted where, and in which order a request passes.

    request log → headers → sites that may connect → Origin rule
        → routes: /api /connection /emulation /auth /health, then the pages

`application` makes it; its lifespan opens the store and everything live. It starts no server: the
one who does calls `hub.drain()` (in `state.hub`) when it is told to stop.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.types import ASGIApp, Scope

from hub.everywhere import TeamConnections
from hub.health import Health
from hub.identity import routes as identity_routes
from hub.identity.authentication import Authentication
from hub.identity.gate import Gate, wants_page
from hub.identity.keys import TeamKeys
from hub.identity.origin import OriginRule
from hub.identity.sharing import Sharing
from hub.opened import Hub, Opened
from hub.publishing import TeamPublishing
from hub.request_log import RequestLog
from hub.security import SecurityHeaders
from hub.settings import HubSettings, model_providers
from hub.statuses import TeamStatuses
from hub.system import HubSystem
from hub.team_hubs import TeamHubs
from protocols.centrifugal import routes as centrifugal_routes
from protocols.centrifugal.server import routes as server_routes
from protocols.centrifugal.server.methods import Methods
from protocols.centrifugal.transports import routes as transport_routes
from protocols.centrifugal.transports import uni_routes
from protocols.errors import FactoryError
from protocols.operations.factory import Factory
from protocols.operations.hubs import Hubs
from protocols.operations.keys import Keys
from protocols.operations.models import ModelTrials
from protocols.operations.namespaces import NamespaceOperations
from protocols.operations.system import Systems
from protocols.principals import Principal
from protocols.rest import problems
from protocols.rest.backing import Backing
from protocols.rest.routes import application as rest_application
from store.operations import StoredFactory, model_trials
from store.operations.catalogue import BUILT_IN
from store.operations.model_trials import StoredModelTrials
from store.operations.namespaces import StoredNamespaces
from store.postgres.identity import IdentityTable

DOCS = "/api/docs"


def application(settings: HubSettings, *, dashboard: ASGIApp | None = None) -> Starlette:
    """The hub as one ASGI application.

    Args:
        settings: Its own.
        dashboard: The pages, served at `/` behind the login. They bring their own policy of what
            they may run; nothing of theirs has to be opened.
    """
    hub = Hub(settings)
    rest = rest_application()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with hub.running() as opened:
            rest.state.backing = _backing(opened, settings)
            try:
                yield
            finally:
                del rest.state.backing

    app = Starlette(
        routes=_routes(hub, rest, dashboard),
        middleware=[
            Middleware(RequestLog),
            Middleware(SecurityHeaders, is_secure=settings.is_secure),
            Middleware(Sharing, origins=settings.shared_with()),
            Middleware(OriginRule, public_url=settings.public_url),
        ],
        exception_handlers={
            FactoryError: problems.say_factory_error,
            HTTPException: problems.say_http_error,
            RequestValidationError: problems.say_invalid_request,
        },
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


def _routes(hub: Hub, rest: FastAPI, dashboard: ASGIApp | None) -> list[BaseRoute]:
    is_secure = hub.settings.is_secure

    gate = partial(Gate, authentication=lambda: hub.authentication, is_secure=is_secure)

    def identities() -> tuple[IdentityTable, Authentication]:
        return hub.opened.identities, hub.opened.authentication

    routes: list[BaseRoute] = [
        *server_routes.routes(partial(_methods, hub)),
        Mount("/api", gate(rest, public=_is_no_page)),
        WebSocketRoute(
            centrifugal_routes.PATH, centrifugal_routes.endpoint(lambda _: hub.opened.sockets)
        ),
    ]
    routes.extend(
        transport_routes.routes(lambda _: hub.opened.sockets, lambda _: hub.opened.sessions)
    )
    routes.extend(uni_routes.routes(lambda _: hub.opened.sockets))
    routes.extend(identity_routes.routes(identities, is_secure=is_secure))
    routes.extend(Health(hub).routes)
    if dashboard is not None:
        routes.append(Mount("/", gate(dashboard)))
    return routes


async def _methods(hub: Hub, key: str) -> Methods:
    """The HTTP API, for the holder of this key."""
    opened = hub.opened
    principal = await opened.authentication.of_key(key)
    return Methods(
        principal,
        channels=opened.live,
        publishing=TeamPublishing(opened.realtime.application, principal),
        connections=TeamConnections(opened.realtime, opened.here, principal),
        statuses=TeamStatuses(opened.realtime.statuses, principal),
    )


def _is_no_page(scope: Scope) -> bool:
    """The REST application judges for itself who asks; its page is for people, who can log in."""
    return not (scope["path"] == DOCS and wants_page(scope))


def _backing(opened: Opened, settings: HubSettings) -> Backing:
    authentication = opened.authentication
    room = anyio.Semaphore(model_trials.AT_ONCE)

    def factory(principal: Principal) -> Factory:
        return StoredFactory(opened.store, principal, BUILT_IN, opened.embedder)

    def keys(principal: Principal) -> Keys:
        return TeamKeys(opened.store, principal, revoked=authentication.forget_all)

    def system(principal: Principal) -> Systems:
        return HubSystem(opened, settings, principal)

    def hubs(principal: Principal) -> Hubs:
        return TeamHubs(
            opened.realtime.control, opened.inspection, opened.live, opened.sampler, principal
        )

    def trials(principal: Principal) -> ModelTrials:
        return StoredModelTrials(opened.store, principal, catalogue=BUILT_IN, room=room)

    def namespaces(principal: Principal) -> NamespaceOperations:
        known = opened.namespaces
        return StoredNamespaces(opened.store, principal, fixed=known.fixed, changed=known.changed)

    return Backing(
        authenticate=authentication.of,
        factory=factory,
        keys=keys,
        channels=opened.live,
        models=model_providers,
        system=system,
        hubs=hubs,
        trials=trials,
        namespaces=namespaces,
        quotas=opened.quotas,
    )
