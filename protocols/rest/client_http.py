"""One HTTP exchange of the REST client: query, body, answer, and problems read back as errors.

What may be sent twice is sent again while the hub is away, for a bounded time; `client_repeats.py`
says when.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from protocols import errors
from protocols.errors import FactoryError, InvalidRequest, Unavailable
from protocols.rest.client_repeats import PATIENCE_SECONDS, Tries, reason
from protocols.rest.resources import MEDIA_TYPE, Problem

ERRORS: dict[str, type[FactoryError]] = {kind.code: kind for kind in errors.leaves()}

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
    """Requests to the hub; answers are models, everything else is one of our errors.

    Args:
        client: Knows the hub, and who asks.
        patience: Seconds that the hub may be away, of what may be sent twice.
        on_wait: Told why, before each new try.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        patience: float = PATIENCE_SECONDS,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self.client = client
        self._patience = patience
        self._on_wait = on_wait

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

    async def look(self, path: str, answer: type[Answer], *, body: BaseModel) -> Answer:
        """The answer to what is asked with a body and changes nothing: it may be sent twice.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        headers = {"Content-Type": "application/json"}
        content = body.model_dump_json().encode()
        request = self.client.build_request("POST", path, content=content, headers=headers)
        return read(await self.send(request, is_harmless=True), answer)

    async def raw(self, method: str, path: str, *, query: Query | None = None) -> bytes:
        """The answer's bytes.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        return await self.send(self.client.build_request(method, path, params=query))

    async def send(self, request: httpx.Request, *, is_harmless: bool = False) -> bytes:
        """The answer's bytes.

        Args:
            request: What is asked.
            is_harmless: Sent twice it does what it does once, whatever its method.

        Raises:
            FactoryError: What the hub answered instead, or that it did not.
        """
        tries = Tries(request, patience=self._patience, is_harmless=is_harmless)
        while True:
            try:
                response = await self.client.send(request)
            except httpx.TransportError as error:
                seconds = tries.after_failure(error)
                if seconds is None:
                    raise tries.given_up(error, self._where) from None
                why = reason(error)
            else:
                seconds = tries.after_answer(response)
                if seconds is None:
                    return _content(response)
                why = f"it answers with status {response.status_code}"
            if self._on_wait is not None:
                self._on_wait(why)
            await anyio.sleep(seconds)

    @property
    def _where(self) -> str:
        url = self.client.base_url
        return f"{url.scheme}://{url.netloc.decode()}"


def _content(response: httpx.Response) -> bytes:
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
