"""Whether the hub lives, whether it can serve, and how each part behind it does.

`live` and `ready` are for whoever starts and routes, open and without detail. `deep` and `metrics`
say more, so they are for this machine or for a key. Behind a proxy on this machine everybody comes
from it, and a proxy need not say that it is one: so a hub that is told of a proxy, or of an address
that others reach it by, asks for a key in any case. Else an address counts as this machine only
when nothing says that a proxy stands between, and when it was asked by a name of this machine:
another site's page can have its own name lead here.
"""

from collections.abc import Sequence
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub import parts
from hub.identity.address import is_loopback
from hub.metrics import CONTENT_TYPE, Metrics
from hub.opened import Hub
from hub.questions import ANSWER_SECONDS
from protocols.errors import FactoryError
from protocols.operations.system import Part, PartState
from store.postgres import measures

LOOK_SECONDS = 1.0  # how long an answer of `ready` is repeated
PROXY_HEADERS = ("forwarded", "x-forwarded", "x-real-ip", "x-client-ip", "via")  # or begin so


class Health:
    """The routes under `/health`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._metrics = Metrics()
        self._one_look = anyio.Lock()
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
        """One at a time: whoever asks meanwhile takes no other of the database's connections."""
        async with self._one_look:
            if monotonic() - self._looked_at < LOOK_SECONDS:
                return
            try:
                opened = self._hub.opened
                with anyio.fail_after(ANSWER_SECONDS):
                    await measures.ping(opened.store.log_pool)
                self._is_up, self._hears_redis = True, opened.live.hears_redis
            except (FactoryError, TimeoutError):
                self._is_up = False
            self._looked_at = monotonic()

    async def deep(self, request: Request) -> Response:
        """Each part with how long it took to answer."""
        await self._require_insider(request)
        found = await parts.look(self._hub.opened, self._hub.settings)
        told = [_as_before(part) for part in found.parts]
        is_well = all(part["is_well"] for part in told)
        body = {"status": "well" if is_well else "degraded", "parts": told}
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


def _as_before(part: Part) -> dict[str, object]:
    """A part as this route has always told it."""
    is_well = part.state in {PartState.WELL, PartState.LATE}
    reason = {} if is_well else {"reason": part.sentence}
    return {
        "name": part.name,
        "is_well": is_well,
        "seconds": round(part.seconds or 0.0, 6),
        "detail": {**part.facts, **reason},
    }
