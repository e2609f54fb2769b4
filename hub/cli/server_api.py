"""The HTTP API of a running factory, for commands that speak of its channels and connections."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from hub.cli.client import Waiting, named
from hub.cli.settings import ClientSettings
from protocols.errors import (
    Conflict,
    FactoryError,
    Forbidden,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from protocols.rest.client import TIMEOUT
from protocols.rest.client_http import Http

ERRORS: dict[int, type[FactoryError]] = {  # the protocol's numbers
    100: Unavailable,
    101: Forbidden,
    102: NotFound,
    103: Forbidden,
    106: LimitExceeded,
    107: InvalidRequest,
    108: InvalidRequest,
    111: LimitExceeded,
    112: Conflict,
}


class _Error(msgspec.Struct):
    code: int
    message: str


class _Answer(msgspec.Struct):
    result: dict[str, Any] | None = None
    error: _Error | None = None


class ServerApi:
    """Methods of the HTTP API; each of them may be sent twice."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def ask(self, method: str, **request: object) -> dict[str, Any]:
        """The method's result.

        Raises:
            FactoryError: What was answered instead, or that nothing was.
        """
        sent = self._http.client.build_request("POST", f"/{method}", json=request)
        raw = await self._http.send(sent, is_harmless=True)
        try:
            answer = msgspec.json.decode(raw, type=_Answer)
        except msgspec.DecodeError:
            raise Unavailable("the hub's answer was not understood; is it a hub?") from None
        if answer.error is not None:
            raise ERRORS.get(answer.error.code, FactoryError)(answer.error.message)
        return answer.result or {}


@asynccontextmanager
async def opened_api() -> AsyncGenerator[ServerApi]:
    """The API, with a key; it raises as `named` does."""
    factory = named()
    async with httpx.AsyncClient(
        base_url=f"{factory.url}/api",
        headers={"User-Agent": "pygent", "X-API-Key": factory.key},
        timeout=TIMEOUT,
        trust_env=False,
    ) as client:
        patience = ClientSettings().patience_seconds
        yield ServerApi(Http(client, patience=patience, on_wait=Waiting(factory.url).tell))
