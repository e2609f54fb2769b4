"""The endpoint `/connection/websocket`, and all sockets that are open on it.

The hub makes one `Sockets` when it starts and drains it when it stops. Who is asking is decided by
a callable of the hub, which is also asked again for as long as a socket lives.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket

from protocols.operations.channels import Channels
from protocols.websocket import codes
from protocols.websocket.connection import Authenticates, Connection

logger = logging.getLogger(__name__)

PATH = "/connection/websocket"
JSON_SUBPROTOCOL = "centrifuge-json"
PROTOBUF_SUBPROTOCOL = "centrifuge-protobuf"


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    connections_total: int = 0
    slow_closes: int = 0


class Sockets:
    """Every open socket of this process.

    Args:
        channels: What may be watched.
        authenticate: Called with the handshake's headers and the connect command's token (None:
            a session cookie must do, and the Origin be right); raises `Unauthenticated`,
            `Forbidden` or `Unavailable`. A principal that has expired is sent for a new token.
            Called again every three seconds for each open socket.
        version: What the server calls itself.
    """

    def __init__(
        self, channels: Channels, authenticate: Authenticates, *, version: str = "pygent"
    ) -> None:
        self.counters = Counters()
        self._channels = channels
        self._authenticate = authenticate
        self._version = version
        self._open: set[Connection] = set()
        self._is_draining = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(self, socket: WebSocket) -> None:
        """One socket, from its handshake to its end."""
        if _wants_protobuf(socket):
            refusal = PlainTextResponse("This server speaks the JSON form only.", 400)
            await socket.send_denial_response(refusal)
            return
        offers_json = JSON_SUBPROTOCOL in socket.scope["subprotocols"]
        await socket.accept(subprotocol=JSON_SUBPROTOCOL if offers_json else None)
        if self._is_draining:
            await socket.close(codes.SHUTDOWN.code, codes.SHUTDOWN.reason)
            return
        connection = Connection(socket, self._channels, self._authenticate, version=self._version)
        self._open.add(connection)
        self.counters.connections_total += 1
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            if connection.why is codes.SLOW:
                self.counters.slow_closes += 1

    async def drain(self, *, within_seconds: float = 3.0) -> None:
        """Close them all as `shutdown`, spread over this time; new ones are sent away at once."""
        self._is_draining = True
        waiting = list(self._open)
        random.shuffle(waiting)
        for connection in waiting:
            connection.close(codes.SHUTDOWN)
            await anyio.sleep(within_seconds / len(waiting))
        logger.info("sockets are drained", extra={"sockets": len(waiting)})


def endpoint(sockets: Callable[[WebSocket], Sockets]) -> Callable[[WebSocket], Awaitable[None]]:
    """The endpoint for a route; the sockets are found when one opens, since they start later."""

    async def serve(socket: WebSocket) -> None:
        await sockets(socket).serve(socket)

    return serve


def _wants_protobuf(socket: WebSocket) -> bool:
    offered: list[str] = socket.scope["subprotocols"]
    if PROTOBUF_SUBPROTOCOL in offered and JSON_SUBPROTOCOL not in offered:
        return True
    return "protobuf" in (
        socket.query_params.get("cf_protocol"),
        socket.query_params.get("format"),
    )
