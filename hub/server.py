"""uvicorn as the hub needs it: sockets drained before it stops, and stuck ones really closed.

Without it uvicorn closes every socket at once with 1012, and waits without end for a reader that
takes nothing. Routes and settings are none of its business.
"""

import logging
import socket
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024
CLOSE_SECONDS = 5.0  # for the peer's half of a close; then the connection is cut
STOP_SECONDS = 10  # for requests under way
BACKLOG = 2048


class HubSocket(WebSocketsSansIOProtocol):
    """A close is written even when the peer reads nothing, and is final after CLOSE_SECONDS."""

    async def send(self, message: ASGISendEvent) -> None:
        """As uvicorn does, but a close does not wait for room."""
        if message["type"] != "websocket.close":
            await super().send(message)
            return
        self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


class HubServer(uvicorn.Server):
    """Drains what is live when it is told to stop, then stops as uvicorn does.

    Args:
        config: From `server_config`.
        drain: Says goodbye to open sockets and ends open streams; bounded in time.
    """

    def __init__(self, config: uvicorn.Config, *, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, drain, close the rest."""
        for server in self.servers:
            server.close()
        if not self.force_exit:
            await self._drain()
        await super().shutdown(sockets)


def server_config(
    application: ASGIApp,
    *,
    host: str | None = None,
    port: int = 0,
    fd: int | None = None,
    trusted_proxies: str = "",
) -> uvicorn.Config:
    """How the hub is served: on an address, or on a socket that somebody has bound.

    Args:
        application: What is served.
        host: Address to listen on; loopback when there is none.
        port: 0 takes a free one.
        fd: A bound socket, instead of host and port.
        trusted_proxies: Addresses whose X-Forwarded-* headers count, comma separated.
    """
    return uvicorn.Config(
        application,
        host=host or "127.0.0.1",
        port=port,
        fd=fd,
        loop="uvloop",
        http="h11",  # unlike httptools it bounds headers
        ws=HubSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,  # the protocol has pings of its own
        ws_per_message_deflate=False,  # its windows cost 300 KiB a connection
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
