"""Calls the application's server at its one address: who connects, who has left, what clients send.

Whether a guest may connect is asked and waited for; what happened is told from a few queues of
bounded length, each in its order. What cannot be told is tried again once, then lost and counted.
"""

import logging
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from protocols.errors import Unavailable
from protocols.operations.hooks import Connected, NotLetIn

logger = logging.getLogger(__name__)

ASK_SECONDS = 2.0
TELL_SECONDS = 5.0
AGAIN_SECONDS = 1.0
WAIT_SECONDS = 3.0  # of a message for its place in a queue
STOP_SECONDS = 3.0  # for what is still to be told when the hub stops
QUEUES = 8
QUEUE = 1000
MAX_ANSWER_BYTES = 16 * 1024
CODES = range(4000, 5000)  # an application's own
REFUSED = 4403
MAX_REASON_BYTES = 120

_ENCODER = msgspec.json.Encoder()


class _Refusal(msgspec.Struct):
    code: int = REFUSED
    reason: str = "not let in"


class _Verdict(msgspec.Struct):
    """An empty object lets it in."""

    disconnect: _Refusal | None = None


class HttpHooks:
    """Keeps the `Hooks` promise.

    Attributes:
        lost: What could not be told, since the start.
    """

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.lost = 0
        self._client = client
        self._url = url
        self._places: list[MemoryObjectSendStream[bytes]] = []
        self._told: list[MemoryObjectReceiveStream[bytes]] = []
        for _ in range(QUEUES):
            place, told = anyio.create_memory_object_stream[bytes](QUEUE)
            self._places.append(place)
            self._told.append(told)

    async def connecting(self, connection: Connected) -> None:
        """See the promise."""
        try:
            with anyio.fail_after(ASK_SECONDS):
                answer = await self._post(_event("connect", connection))
            verdict = msgspec.json.decode(answer or b"{}", type=_Verdict)
        except (TimeoutError, httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError) as error:
            logger.warning(
                "the hook was not asked who may connect", extra={"reason": type(error).__name__}
            )
            raise Unavailable("it could not be asked whether you may connect; try again") from None
        if refusal := verdict.disconnect:
            code = refusal.code if refusal.code in CODES else REFUSED
            reason = refusal.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
            raise NotLetIn(reason, close_code=code)

    def disconnected(self, connection: Connected, *, code: int, reason: str) -> None:
        """See the promise."""
        event = _event("disconnect", connection, code=code, reason=reason)
        try:
            self._place(connection).send_nowait(event)
        except (anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._lose()

    async def message(self, connection: Connected, data: bytes) -> None:
        """See the promise."""
        event = _event("message", connection, data=msgspec.Raw(data))
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await self._place(connection).send(event)
        except (TimeoutError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._lose()

    def _place(self, connection: Connected) -> MemoryObjectSendStream[bytes]:
        return self._places[zlib.crc32(connection.client.encode()) % QUEUES]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Tell what there is to tell; at the end of the block what is left, for STOP_SECONDS."""
        async with anyio.create_task_group() as group:
            for told in self._told:
                group.start_soon(self._tell, told)
            try:
                yield
            finally:
                for place in self._places:
                    place.close()
                group.cancel_scope.deadline = anyio.current_time() + STOP_SECONDS

    async def _tell(self, told: MemoryObjectReceiveStream[bytes]) -> None:
        async with told:
            async for event in told:
                if not await self._told_once(event):
                    await anyio.sleep(AGAIN_SECONDS)
                    if not await self._told_once(event):
                        self._lose()

    async def _told_once(self, event: bytes) -> bool:
        try:
            with anyio.fail_after(TELL_SECONDS):
                await self._post(event)
        except (TimeoutError, httpx.HTTPError):
            return False
        return True

    async def _post(self, event: bytes) -> bytes:
        """What it answers; one that is no success, or is too long, is an error."""
        async with self._client.stream("POST", self._url, content=event) as response:
            response.raise_for_status()
            answer = b""
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > MAX_ANSWER_BYTES:
                    raise httpx.DecodingError("the answer is too long")
            return answer

    def _lose(self) -> None:
        self.lost += 1
        logger.warning("the hook was not told", extra={"lost": self.lost})


@asynccontextmanager
async def open_hooks(url: str, secret: str) -> AsyncGenerator[HttpHooks | None]:
    """The application's server, until the end of the block; None without an address.

    Args:
        url: Where each event is sent to.
        secret: Sent along as a bearer token; empty: none.
    """
    if not url:
        yield None
        return
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
    async with httpx.AsyncClient(
        headers=headers, timeout=TELL_SECONDS, limits=limits, trust_env=False
    ) as client:
        hooks = HttpHooks(client, url)
        async with hooks.running():
            yield hooks


def _event(event: str, connection: Connected, **more: Any) -> bytes:
    return _ENCODER.encode({"event": event, **msgspec.to_builtins(connection), **more})
