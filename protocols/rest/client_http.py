"""One HTTP exchange of the REST client: query, body, answer, and problems read back as errors."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from protocols import errors
from protocols.errors import FactoryError, InvalidRequest, Unavailable
from protocols.rest.resources import MEDIA_TYPE, Problem

ERRORS: dict[str, type[FactoryError]] = {kind.code: kind for kind in errors.leaves()}
RETRY_STATUSES = frozenset({502, 503, 504})  # said by a proxy while the hub is away

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
        try:
            response = await self.client.send(request)
        except httpx.TransportError as error:
            raise unreachable(self.client, error) from None
        if response.is_success:
            return response.content
        raise error_of(response.status_code, response.headers, response.content)


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
