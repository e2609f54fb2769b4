"""The REST application: every route under `/v1`, its description, its errors, a page to try it.

The hub mounts it under `/api` and puts a `Backing` into `state.backing` while it runs.
"""

from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from protocols.errors import FactoryError
from protocols.rest import (
    account,
    agents,
    conversations,
    explorer,
    hubs,
    keys,
    knowledge,
    namespaces,
    openapi,
    overview,
    problems,
    sse,
    system,
    tasks,
)
from protocols.rest.backing import backing, principal

PREFIX = "/v1"
ROUTERS: tuple[APIRouter, ...] = (
    tasks.router,
    conversations.router,
    sse.router,
    agents.router,
    knowledge.router,
    knowledge.uploads,
    overview.router,
    keys.router,
    namespaces.router,
    account.router,
    system.router,
    hubs.router,
)


def application() -> FastAPI:
    """The application; it answers 503 until it has its backing."""
    app = FastAPI(
        title="PyGent Factory",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={
            FactoryError: problems.say_factory_error,
            HTTPException: _say_http_error,
            RequestValidationError: problems.say_invalid_request,
            Exception: problems.say_internal,
        },
    )
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, responses=openapi.PROBLEMS)
    app.add_route("/openapi.json", _document, include_in_schema=False)
    app.add_route("/docs", explorer.page, include_in_schema=False)
    return app


async def _say_http_error(request: Request, error: Exception) -> Response:
    """As problems do; a wrong method is told every right one, not those of the first route."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        allowed = ", ".join(_methods_at(path))
        error = HTTPException(error.status_code, headers={"Allow": allowed})
    return await problems.say_http_error(request, error)


def _methods_at(path: str) -> list[str]:
    methods: set[str] = set()
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.path_regex.match(path.removeprefix(PREFIX)):
                methods.update(route.methods or ())
    return sorted(methods) or ["GET"]  # of the description and its page


async def _document(request: Request) -> JSONResponse:
    await principal(request, backing(request))
    return JSONResponse(openapi.describe(request.app))
