"""Whether the hub lives, whether it can serve, and how each part behind it does.

`live` and `ready` are for whoever starts and routes, open and without detail. `deep` and `metrics`
say more, so they are for this machine or for a key. Behind a proxy on this machine everybody comes
from it, and a proxy need not say that it is one: so a hub that is told of a proxy, or of an address
that others reach it by, asks for a key in any case. Else an address counts as this machine only
when nothing says that a proxy stands between, and when it was asked by a name of this machine:
another site's page can have its own name lead here.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

import anyio
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.identity.address import is_loopback
from hub.metrics import CONTENT_TYPE, Metrics
from hub.opened import Hub, Opened
from protocols.errors import FactoryError, Unavailable
from store.postgres import measures
from store.projector import lag

LOOK_SECONDS = 1.0  # how long an answer of `ready` is repeated
PART_SECONDS = 2.0  # then a part counts as out of reach
MAX_LAG_SECONDS = 10.0
PROXY_HEADERS = ("forwarded", "x-forwarded", "x-real-ip", "x-client-ip", "via")  # or begin so


class Part(BaseModel):
    """One thing the hub stands on."""

    model_config = ConfigDict(frozen=True)

    name: str
    is_well: bool
    seconds: float
    detail: dict[str, float | int | str]


class Health:
    """The routes under `/health`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._metrics = Metrics()
        self._looked_at = -LOOK_SECONDS
        self._is_up = False
        self._hears_redis = False

    @property
    def routes(self) -> Sequence[Route]:
        """All four."""
        return (
            Route("/health/live", self.live, methods=["GET"]),
            Route("/health/ready", self.ready, methods=["GET"]),
            Route("/health/deep", self.deep, methods=["GET"]),
            Route("/health/metrics", self.metrics, methods=["GET"]),
        )

    async def live(self, _: Request) -> Response:
        """The process answers."""
        return _answer("live")

    async def ready(self, _: Request) -> Response:
        """Requests may come; `degraded` means that they are served and live data is late."""
        if self._hub.is_draining:
            return _answer("stopping", HTTPStatus.SERVICE_UNAVAILABLE)
        await self._look()
        if not self._is_up:
            return _answer("unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
        return _answer("ready" if self._hears_redis else "degraded")

    async def _look(self) -> None:
        if monotonic() - self._looked_at < LOOK_SECONDS:
            return
        try:
            opened = self._hub.opened
            with anyio.fail_after(PART_SECONDS):
                await measures.ping(opened.store.log_pool)
            self._is_up, self._hears_redis = True, opened.live.hears_redis
        except (FactoryError, TimeoutError):
            self._is_up = False
        self._looked_at = monotonic()

    async def deep(self, request: Request) -> Response:
        """Each part with how long it took to answer."""
        await self._require_insider(request)
        parts = await _parts(self._hub.opened)
        is_well = all(part.is_well for part in parts)
        body = {
            "status": "well" if is_well else "degraded",
            "parts": [part.model_dump() for part in parts],
        }
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(body, status, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Numbers for Prometheus."""
        await self._require_insider(request)
        text = await self._metrics.scrape(self._hub.opened)
        return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    async def _require_insider(self, request: Request) -> None:
        if self._hub.settings.is_proxied or not is_from_here(request):
            await self._hub.authentication.of(request)


def is_from_here(request: Request) -> bool:
    """Whether it was sent on this machine, with nothing between."""
    if request.client is None or any(name.startswith(PROXY_HEADERS) for name in request.headers):
        return False
    try:  # not request.url, which passes over a Host that is none and names the server instead
        named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return is_loopback(request.client.host) and is_loopback(named)


def _answer(status: str, code: int = HTTPStatus.OK) -> Response:
    return JSONResponse({"status": status}, code, headers={"Cache-Control": "no-store"})


async def _parts(opened: Opened) -> list[Part]:
    looks: dict[str, Callable[[Opened], Awaitable[Part]]] = {
        "postgres": _postgres,
        "redis": _redis,
        "log": _log,
        "projections": _projections,
        "queue": _queue,
        "sockets": _sockets,
    }
    found: dict[str, Part] = {}

    async def look(name: str) -> None:
        began = monotonic()
        try:
            with anyio.fail_after(PART_SECONDS):
                found[name] = await looks[name](opened)
        except (FactoryError, TimeoutError) as error:
            reason = error.message if isinstance(error, FactoryError) else "no answer in time"
            found[name] = _part(name, monotonic() - began, is_well=False, reason=reason)

    async with anyio.create_task_group() as group:
        for name in looks:
            group.start_soon(look, name)
    return [found[name] for name in looks]


def _part(name: str, seconds: float, *, is_well: bool = True, **detail: float | str) -> Part:
    return Part(name=name, is_well=is_well, seconds=round(seconds, 6), detail=detail)


async def _postgres(opened: Opened) -> Part:
    return _part("postgres", await measures.ping(opened.store.log_pool))


async def _redis(opened: Opened) -> Part:
    seconds = await opened.store.broker.ping()
    if not opened.live.hears_redis:
        raise Unavailable("frames do not flow")
    return _part("redis", seconds)


async def _log(opened: Opened) -> Part:
    counters = opened.store.log.counters
    seconds = counters.last_commit_seconds
    return _part("log", seconds, waiting=counters.waiting, epoch=opened.store.log.epoch)


async def _projections(opened: Opened) -> Part:
    began = monotonic()
    behind = await lag(opened.store)
    seconds = max((one.seconds for one in behind), default=0.0)
    parked = sum(one.parked for one in behind)
    took = monotonic() - began
    is_well = seconds < MAX_LAG_SECONDS and parked == 0
    return _part(
        "projections", took, is_well=is_well, behind_seconds=round(seconds, 3), parked=parked
    )


async def _queue(opened: Opened) -> Part:
    began = monotonic()
    found = await measures.waiting(opened.store.log_pool)
    took = monotonic() - began
    return _part(
        "queue",
        took,
        is_well=found.workers > 0,
        todo=found.todo,
        doing=found.doing,
        workers=found.workers,
    )


async def _sockets(opened: Opened) -> Part:
    open_sockets, subscriptions = len(opened.sockets), opened.live.subscriptions
    return _part("sockets", 0.0, open=open_sockets, subscriptions=subscriptions)
