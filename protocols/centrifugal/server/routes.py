"""The endpoints of the HTTP API: `POST /api/<method>`, JSON, with an API key.

A request that is understood is answered 200, with `result` or `error`; a wrong key 401, what is no
JSON 400. A batch has no `result` around its replies, as the protocol has it.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocols.centrifugal.server.batches import batch
from protocols.centrifugal.server.failures import error_of
from protocols.centrifugal.server.methods import METHODS, Methods, call
from protocols.centrifugal.server.requests import BatchRequest
from protocols.centrifugal.server.results import ApiError
from protocols.centrifugal.transports.bodies import read_body
from protocols.errors import LimitExceeded, Unauthenticated

PREFIX = "/api/"
BATCH = "batch"
MAX_BODY_BYTES = 1024 * 1024
NO_KEY = "send an API key as `X-API-Key: pgk_…`, or as `Authorization: apikey pgk_…`"

Opens = Callable[[str], Awaitable[Methods]]  # a key: the methods as its holder may use them

_ENCODER = msgspec.json.Encoder()
_BATCH = msgspec.json.Decoder(BatchRequest)


def routes(opens: Opens) -> list[Route]:
    """The endpoints.

    Args:
        opens: Raises `Unauthenticated` for a wrong key.
    """

    async def serve(request: Request) -> Response:
        name = request.url.path.removeprefix(PREFIX)
        methods = await opens(_key(request.headers))  # before a byte is read
        body = await read_body(request, max_bytes=MAX_BODY_BYTES)
        try:
            answer = await (_batch(methods, body) if name == BATCH else _call(methods, name, body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise HTTPException(400, "the body is no JSON object") from None
        headers = {"Cache-Control": "no-store"}
        return Response(answer, media_type="application/json", headers=headers)

    return [Route(f"{PREFIX}{name}", serve, methods=["POST"]) for name in (*METHODS, BATCH)]


async def _call(methods: Methods, name: str, body: bytes) -> bytes:
    answer = await call(methods, name, body)
    key = "error" if isinstance(answer, ApiError) else "result"
    return _ENCODER.encode({key: answer})


async def _batch(methods: Methods, body: bytes) -> bytes:
    try:
        return _ENCODER.encode(await batch(methods, _BATCH.decode(body)))
    except msgspec.ValidationError as error:
        said = ApiError(107, str(error))
    except LimitExceeded as error:
        said = error_of(error)
    return _ENCODER.encode({"error": said})


def _key(headers: Mapping[str, str]) -> str:
    if key := headers.get("x-api-key"):
        return key
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"apikey", "bearer"} or not key:
        raise Unauthenticated(NO_KEY)
    return key.strip()
