"""What a request brings, read within bounds of size and time; what the bytes mean is not known."""

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from protocols.centrifugal.frames import MAX_FRAME_BYTES

BODY_SECONDS = 10.0
BINARY = "application/octet-stream"


def is_binary(request: Request) -> bool:
    """Whether its body is Protobuf, and the answer is to be; official clients say so."""
    return request.headers.get("content-type", "").lower().startswith(BINARY)


async def read_body(request: Request, *, max_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """The whole body: as large as a frame at most, unless more is said.

    Raises:
        HTTPException: 400, it broke off; 408, it did not come in time; 413, it is too large.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError:
        reason = f"the body did not arrive within {BODY_SECONDS:g} seconds"
        raise HTTPException(408, reason) from None
    except ClientDisconnect:
        raise HTTPException(400, "the body broke off") from None
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body is over the limit of {limit} bytes")
