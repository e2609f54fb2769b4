"""The endpoint `/connection/websocket`, and all sockets that are open.

A socket is a connection over whatever carries its frames: a WebSocket here, or a stream of
`transports/` where none gets through. They are counted, limited and drained alike.

JSON is spoken unless the client asks for Protobuf, by the subprotocol it offers or by
`?cf_protocol=protobuf` or `?format=protobuf`.

The hub makes one `Sockets` when it starts and drains it when it stops. Who is asking is decided by
a callable of the hub, which is also asked again for as long as a socket lives.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import anyio
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from protocols.centrifugal import codes
from protocols.centrifugal.arrival import Arrival
from protocols.centrifugal.backing import Backing
from protocols.centrifugal.caller import Authenticates, Caller
from protocols.centrifugal.connection import Connection
from protocols.centrifugal.frames import Frames, SocketFrames
from protocols.centrifugal.keyring import NO_KEYS, Keyring
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from protocols.errors import LimitExceeded
from protocols.quotas import Quotas, network_of

logger = logging.getLogger(__name__)

PATH = "/connection/websocket"
JSON_SUBPROTOCOL = "centrifuge-json"
PROTOBUF_SUBPROTOCOL = "centrifuge-protobuf"


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    connections_total: int = 0
    slow_closes: int = 0
    flood_closes: int = 0
    commands_refused: int = 0  # of sockets that are closed
    publications_skipped: int = 0  # as well


class Sockets:
    """Every open socket of this process.

    Args:
        backing: What all of them stand on.
        authenticate: Called with the handshake's headers and the connect command's token (None:
            a session cookie must do, and the Origin be right); raises `Unauthenticated`,
            `Forbidden` or `Unavailable`. A principal that has expired is sent for a new token.
            Called again every three seconds for each open socket.
        quotas: How many may be open at once.
        pace: Makes the pace of one connection's commands.
        keyring: Whose tokens let guests in, and open channels.
    """

    def __init__(
        self,
        backing: Backing,
        authenticate: Authenticates,
        *,
        quotas: Quotas | None = None,
        pace: Callable[[], Pace] = Pace,
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self.counters = Counters()
        self._quotas = quotas or Quotas()
        self._pace = pace
        self._keyring = keyring
        self._backing = backing
        self._authenticate = authenticate
        self._open: set[Connection] = set()
        self._is_draining = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Each of them, also those that nobody has connected on yet."""
        return iter(list(self._open))

    @property
    def commands_refused(self) -> int:
        """Commands that came too fast, since the start."""
        return self.counters.commands_refused + sum(one.pace.refused for one in self._open)

    @property
    def publications_skipped(self) -> int:
        """Publications that slow readers did not get, but newer ones, since the start."""
        return self.counters.publications_skipped + sum(one.skipped for one in self._open)

    async def serve(self, socket: WebSocket) -> None:
        """One WebSocket, from its handshake to its end."""
        form, subprotocol = _agreed(socket)
        await socket.accept(subprotocol=subprotocol)
        await self.keep(SocketFrames(socket, form), socket)

    async def keep(self, frames: Frames, handshake: HTTPConnection, *, session: str = "") -> None:
        """One connection until either side ends it, or there is no place for it.

        Args:
            frames: The way to its client, open already.
            handshake: What it began with: its headers and its address.
            session: The secret by which its client sends commands, where it has one.
        """
        if self._is_draining:
            await frames.close(codes.SHUTDOWN)
            return
        address = network_of(handshake.client.host if handshake.client else "")
        with ExitStack() as place:
            try:
                place.enter_context(self._quotas.addresses.held_by(address))
            except LimitExceeded as error:
                logger.warning("a socket was refused", extra={"reason": error.message})
                await frames.close(codes.CONNECTION_LIMIT)
            else:
                await self._keep(frames, handshake, session)

    async def _keep(self, frames: Frames, handshake: HTTPConnection, session: str) -> None:
        connection = Connection(
            frames,
            self._caller(handshake),
            self._backing,
            pace=self._pace(),
            arrival=Arrival(handshake.url.path.rpartition("/")[2], session),
        )
        self._open.add(connection)
        self.counters.connections_total += 1
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            self.counters.commands_refused += connection.pace.refused
            self.counters.publications_skipped += connection.skipped
            self.counters.slow_closes += connection.why is codes.SLOW
            self.counters.flood_closes += connection.why is codes.FLOOD

    def _caller(self, handshake: HTTPConnection) -> Caller:
        return Caller(
            handshake.headers,
            self._authenticate,
            quota=self._quotas.sockets,
            keyring=self._keyring,
        )

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


def _agreed(socket: WebSocket) -> tuple[Form, str | None]:
    """What is spoken on it, and the subprotocol to answer with: one that was offered, or none."""
    offered: list[str] = socket.scope["subprotocols"]
    wishes = (socket.query_params.get("cf_protocol"), socket.query_params.get("format"))
    is_protobuf = "protobuf" in wishes or (
        PROTOBUF_SUBPROTOCOL in offered and JSON_SUBPROTOCOL not in offered
    )
    form, name = (PROTOBUF, PROTOBUF_SUBPROTOCOL) if is_protobuf else (JSON, JSON_SUBPROTOCOL)
    return form, name if name in offered else None
