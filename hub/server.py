"""uvicorn as the hub needs it: sockets drained before it stops, and stuck ones really closed.

Without it uvicorn closes every socket at once with 1012, waits without end for a reader that takes
nothing and for a request that never comes, leaves a handshake it cannot read unanswered, and keeps
whatever pongs and pieces of messages a peer makes it keep.
Routes and settings are none of its business.
"""

import asyncio
import logging
import signal
import socket
import threading
from asyncio.transports import BaseTransport
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 5.0  # for the first request of a connection to come, a socket's handshake too
HEAD_SECONDS = 10.0  # for another one, from the answer before it
UNREAD_SECONDS = 20.0  # in which the reader of an answer takes some of it, or is cut
MAX_HEAD_BYTES = 32 * 1024
CLOSE_SECONDS = 5.0  # for the peer's half of a close; then the connection is cut
STOP_SECONDS = 10  # for requests under way
BACKLOG = 2048
STOPS = (signal.SIGINT, signal.SIGTERM)
MAX_PIECES = 1024  # of a message; empty ones would cost memory without end
NO_TEXT, TOO_BIG = 1007, 1009  # RFC 6455, section 7.4.1
REFUSED_HANDSHAKE = b"HTTP/1.1 431 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class HubRequests(H11Protocol):
    """A connection is closed when no whole head of a request comes within HANDSHAKE_SECONDS.

    HEAD_SECONDS it is for the next ones.

    And cut when nothing of what waits to be written is taken within UNREAD_SECONDS.
    """

    _patience: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The first request is waited for."""
        super().connection_made(transport)
        self._wait(HANDSHAKE_SECONDS)

    def on_response_complete(self) -> None:
        """The next one is waited for."""
        super().on_response_complete()
        self._wait(HEAD_SECONDS)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Nothing more is waited for: the socket has limits of its own."""
        self._stop_waiting()
        self._stop_watching()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn does."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader is slower than we are, or does not read at all."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """It has taken enough."""
        self._stop_watching()
        super().resume_writing()

    def _watch_reader(self) -> None:
        self._stop_watching()
        left = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(UNREAD_SECONDS, self._look_at_reader, left)

    def _look_at_reader(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_reader()
        else:
            self.transport.abort()

    def _stop_watching(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]  None before the first
        if not is_answering:
            self.transport.close()


class Endpoint(ServerProtocol):
    """A peer that closes amid a message in pieces is closed with as any other (RFC 6455, 5.5.1)."""

    def recv_frame(self, frame: Frame) -> None:
        """As websockets does, but what was begun is given up when a close comes."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class HubSocket(WebSocketsSansIOProtocol):
    """A close is written even when the peer reads nothing, and is final after CLOSE_SECONDS."""

    def connection_made(self, transport: BaseTransport) -> None:
        """As uvicorn does."""
        self.conn = Endpoint(max_size=self.config.ws_max_size, logger=self.logger)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """As uvicorn does, and a handshake with a header too long is refused, not left open."""
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self.transport.write(REFUSED_HANDSHAKE)
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """As uvicorn does, but a peer's broken UTF-8 is no traceback of ours in the log."""
        if self.curr_msg_data_type == "bytes" or self.close_sent or _is_text(self.frames):
            super().send_receive_event_to_app()
        else:
            self._refuse(NO_TEXT)

    def handle_cont(self, event: Frame) -> None:
        """As uvicorn does, for so many pieces; those that come after are passed over."""
        if len(self.frames) < MAX_PIECES:
            super().handle_cont(event)
        elif not self.close_sent:
            self._refuse(TOO_BIG)

    def handle_ping(self) -> None:
        """As uvicorn does, but a peer that reads no pongs is sent no more (RFC 6455, 5.5.3)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def _refuse(self, code: int) -> None:
        self.frames = []
        self.conn.send_close(code)
        self.handle_parser_exception()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    async def send(self, message: ASGISendEvent) -> None:
        """As uvicorn does, but a close does not wait for room.

        Raises:
            ClientDisconnected: There is nobody to send to any more, not even where the peer broke
                the rules and it was we who closed.
        """
        if message["type"] != "websocket.close":
            if self.close_sent:
                raise ClientDisconnected
            await super().send(message)
            return
        self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


def _is_text(frames: Sequence[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


class HubServer(uvicorn.Server):
    """Drains what is live when it is told to stop, then stops as uvicorn does.

    Args:
        config: From `server_config`.
        drain: Says goodbye to open sockets and ends open streams; bounded in time.
    """

    def __init__(self, config: uvicorn.Config, *, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """As uvicorn does, but a signal that was obeyed is not raised again: the exit code is 0."""
        if threading.current_thread() is not threading.main_thread():  # which alone hears them
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

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
        http=HubRequests,  # on h11, which unlike httptools bounds headers
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
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
