"""Request bodies, read strictly: size counted while it arrives, JSON that anything may follow.

Refused with a 4xx: a body over the route's limit, whatever content-length says; one that does not
arrive in time; another media type; malformed JSON, NaN and Infinity, lone surrogates, numbers out
of range, NUL, nesting without end, more values than anything asked has. So nothing behind the
routes meets text that Postgres or UTF-8 cannot hold, or is kept busy by what it will refuse.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Literal

import anyio
import msgspec
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from protocols.knowledge import NewDocument
from protocols.principals import Principal
from protocols.rest.backing import address_of, backing, principal

MAX_BYTES = 1024 * 1024
MAX_DOCUMENT_BYTES = 21 * 1024 * 1024  # a document's 20 MiB and what multipart or JSON add
MAX_DEPTH = 64
MAX_VALUES = 20_000  # keys included; every one that breaks a rule costs the event loop
MAX_INTEGER = 2**63 - 1
BODY_SECONDS = 30.0
DOCUMENT_SECONDS = 300.0
JSON = "application/json"

_Large = dict[Literal[tuple(NewDocument.model_fields)], str]  # nothing else is over MAX_BYTES


class StrictRequest(Request):
    """A request whose body is limited and whose JSON is checked."""

    max_bytes: int = MAX_BYTES
    seconds: float = BODY_SECONDS

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's chunks as they arrive, at most `max_bytes` and `seconds` in all."""
        self._refuse_declared()
        total = 0
        deadline = anyio.current_time() + self.seconds
        chunks = super().stream()
        while True:
            chunk = await self._next(chunks, deadline)
            if chunk is None:
                return
            total += len(chunk)
            if total > self.max_bytes:
                raise too_large(self.max_bytes)
            yield chunk

    async def _next(self, chunks: AsyncGenerator[bytes, None], deadline: float) -> bytes | None:
        with anyio.move_on_after(deadline - anyio.current_time()):
            try:
                return await anext(chunks, None)
            except ClientDisconnect:
                raise HTTPException(400, "the body broke off") from None
        raise HTTPException(408, f"the body did not arrive within {self.seconds:.0f} seconds")

    def _refuse_declared(self) -> None:
        declared = self.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > self.max_bytes:
            raise too_large(self.max_bytes)

    async def json(self) -> Any:
        """The body as JSON.

        Raises:
            HTTPException: 400, it is not JSON that can be kept.
        """
        return parse(await self.body())


def too_large(limit: int) -> HTTPException:
    """The answer to a body over its limit."""
    return HTTPException(413, f"the body is over the limit of {limit} bytes")


def parse(body: bytes) -> object:
    """The value of a JSON text.

    Raises:
        HTTPException: 400, with what is wrong and without the text.
    """
    try:
        value = msgspec.json.decode(body, type=_Large if len(body) > MAX_BYTES else Any)
    except RecursionError:
        raise HTTPException(400, f"the JSON is nested deeper than {MAX_DEPTH}") from None
    except UnicodeDecodeError:
        raise HTTPException(400, "the body is not UTF-8") from None
    except msgspec.MsgspecError as error:
        what = "valid JSON" if len(body) <= MAX_BYTES else "the JSON of a document"
        raise HTTPException(400, f"the body is not {what}: {str(error)[:200]}") from None
    _check(value)
    return value


def _check(value: object) -> None:
    layer, values = [value], 1
    for _ in range(MAX_DEPTH):
        values += sum(map(_size, layer))
        if values > MAX_VALUES:
            raise HTTPException(400, f"the JSON has more than {MAX_VALUES} values")
        layer = [inner for item in layer for inner in _inside(item)]
        if not layer:
            return
    raise HTTPException(400, f"the JSON is nested deeper than {MAX_DEPTH}")


def _size(item: object) -> int:
    match item:
        case dict():
            return 2 * len(item)  # pyright: ignore[reportUnknownArgumentType]  of whatever it holds
        case list():
            return len(item)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return 0


def _inside(item: object) -> list[object]:
    match item:
        case str():
            refuse_nul(item)
        case dict():
            return [*item.keys(), *item.values()]
        case list():
            return [*item]
        case int() if abs(item) > MAX_INTEGER:
            raise HTTPException(400, "the JSON has an integer of more than 64 bits")
        case _:
            pass
    return []


def refuse_other_than_json(request: Request) -> None:
    """A body that says it is JSON.

    Raises:
        HTTPException: 415, it says something else, or nothing.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON and not (media_type.startswith("application/") and "+json" in media_type):
        raise HTTPException(415, f"send {JSON}")


def refuse_nul(text: str) -> None:
    """Text that Postgres can hold.

    Raises:
        HTTPException: 400, it has a NUL character.
    """
    if "\x00" in text:
        raise HTTPException(400, "the request has a NUL character in its text")


class StrictRoute(APIRoute):
    """A route that knows who asks before it reads, and reads strictly."""

    max_bytes: ClassVar[int] = MAX_BYTES
    seconds: ClassVar[float] = BODY_SECONDS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a request that is strict."""
        answer = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            refuse_nul(request.scope["path"])
            for name, value in request.query_params.multi_items():
                refuse_nul(name)
                refuse_nul(value)
            asking = await principal(request, backing(request))  # before a byte is read
            if self.body_field is not None:
                refuse_other_than_json(request)
            strict = StrictRequest(request.scope, request.receive)
            strict.max_bytes, strict.seconds = self.max_bytes, self.seconds
            with self.place(request, asking):
                return await answer(strict)

        return strictly

    def place(self, request: Request, asking: Principal) -> AbstractContextManager[None]:
        """What the request holds while it is read and answered; most hold nothing."""
        del request, asking
        return nullcontext()


class DocumentRoute(StrictRoute):
    """A route that takes documents."""

    max_bytes = MAX_DOCUMENT_BYTES
    seconds = DOCUMENT_SECONDS

    def place(self, request: Request, asking: Principal) -> AbstractContextManager[None]:
        """A document is held in memory from its first byte until it is stored."""
        return backing(request).quotas.upload(asking, address_of(request))
