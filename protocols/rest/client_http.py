"""One HTTP exchange of the REST client: query, body, answer, and problems read back as errors.

What may be sent twice is sent again when the hub asks for it, a few times and not for long. A hub
that is not there is said at once.
"""

import random
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from protocols import errors
from protocols.errors import FactoryError, InvalidRequest, Unavailable
from protocols.rest.resources import MEDIA_TYPE, Problem

ERRORS: dict[str, type[FactoryError]] = {kind.code: kind for kind in errors.leaves()}
RETRY_STATUSES = frozenset({502, 503, 504})  # said by a proxy while the hub is away

REPEATS = 3
LONGEST_WAIT_SECONDS = 5.0  # a hub that asks for more is not waited for
ASKS_AGAIN = frozenset({429, 503})
SAFE = frozenset({"GET", "HEAD"})
IDEMPOTENCY_KEY = "Idempotency-Key"

_BY_STATUS: dict[int, type[FactoryError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.LimitExceeded,
    429: errors.LimitExceeded,
}

Answer = TypeVar("Answer", bound=BaseModel)
Query = Mapping[str, str | int | float | list[str]]


class Http:
    """Requests to the hub; answers are models, everything else is one of our errors."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def model(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: BaseModel | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, as its model.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if body else {})}
        content = None if body is None else body.model_dump_json().encode()
        request = self.client.build_request(
            method, path, content=content, params=query, headers=sent
        )
        return read(await self.send(request), answer)

    async def raw(self, method: str, path: str, *, query: Query | None = None) -> bytes:
        """The answer's bytes.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        return await self.send(self.client.build_request(method, path, params=query))

    async def send(self, request: httpx.Request) -> bytes:
        """The answer's bytes.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        response = await self._exchange(request)
        for _ in range(REPEATS):
            seconds = _wait_for(request, response)
            if seconds is None:
                break
            await anyio.sleep(seconds)
            response = await self._exchange(request)
        if response.is_success:
            return response.content
        raise error_of(response.status_code, response.headers, response.content)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self.client.send(request)
        except httpx.TransportError as error:
            raise unreachable(self.client, error) from None


def _wait_for(request: httpx.Request, response: httpx.Response) -> float | None:
    """Seconds after which the hub wants this request again; None when it shall not be repeated."""
    if response.status_code not in ASKS_AGAIN:
        return None
    if request.method not in SAFE and IDEMPOTENCY_KEY not in request.headers:
        return None
    asked = response.headers.get("Retry-After", "")
    if not asked.isdecimal() or int(asked) > LONGEST_WAIT_SECONDS:
        return None
    return int(asked) * random.uniform(0.8, 1.2)  # noqa: S311  spreads the repeats, guards nothing


def read(raw: bytes, answer: type[Answer]) -> Answer:
    """An answer as its model.

    Raises:
        Unavailable: Something else than a hub answered, or one of another version.
    """
    try:
        return answer.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise Unavailable(f"the hub's answer was not understood: {place}: {first['msg']}") from None


def unreachable(client: httpx.AsyncClient, error: httpx.TransportError) -> Unavailable:
    """That nobody answered, and where."""
    where = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"
    return Unavailable(f"the hub at {where} did not answer: {type(error).__name__}")


def error_of(status: int, headers: Mapping[str, str], content: bytes) -> FactoryError:
    """The error behind an answer that is no success."""
    media_type = headers.get("content-type", "").partition(";")[0]
    if media_type == MEDIA_TYPE:
        try:
            problem = Problem.model_validate_json(content)
        except ValidationError:
            return _by_status(status)
        kind = ERRORS.get(problem.code) or type(_by_status(status))
        return kind(problem.detail, field=problem.field)
    return _by_status(status)


def _by_status(status: int) -> FactoryError:
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = InvalidRequest if status < 500 else Unavailable  # noqa: PLR2004  the border of HTTP's own classes
    return kind(f"the hub answered with status {status}")


def part(text: str) -> str:
    """One segment of a path, whatever it contains."""
    return quote(text, safe="")


def query_of(model: BaseModel) -> dict[str, str | int | float | list[str]]:
    """A model as query parameters, without what is not set."""
    return {
        name: value
        for name, value in model.model_dump(mode="json", exclude_defaults=True).items()
        if value is not None
    }
