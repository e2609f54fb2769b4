"""The endpoints for clients that only listen; they need no library for it.

`/connection/uni_websocket`, `/connection/uni_sse` and `/connection/uni_http_stream` are opened with
a bare connect request and answered with bare pushes. Its `subs` name the channels to watch and the
positions to continue. All that is open counts among the `Sockets`.
"""

import secrets
from collections.abc import Callable

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.frames import CLOSE_SECONDS, SocketFrames
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.routes import Sockets
from protocols.centrifugal.transports.bodies import is_binary, read_body
from protocols.centrifugal.transports.sessions import SECRET_BYTES, Inbox
from protocols.centrifugal.transports.stream import (
    EVENTS,
    LINES,
    Layout,
    StreamFrames,
    goodbye,
    leave_with_client,
)
from protocols.centrifugal.transports.uni_form import UniForm

UNI_SOCKET_PATH = "/connection/uni_websocket"
UNI_SSE_PATH = "/connection/uni_sse"
UNI_HTTP_STREAM_PATH = "/connection/uni_http_stream"
CONNECT = "cf_connect"
NOTHING = b"{}"  # a request that brings nothing: who asks is told by its headers


def routes(sockets: Callable[[HTTPConnection], Sockets]) -> list[BaseRoute]:
    """The endpoints of one process; the sockets are found when one opens: they start later."""

    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        session = secrets.token_urlsafe(SECRET_BYTES)
        frames = _ListenersFrames(socket, UniForm(session=session))
        await sockets(socket).keep(frames, socket, session=session)

    async def sse(request: Request) -> Response:
        is_asked = request.method == "GET"
        first = _in_query(request) if is_asked else await _body(request)
        return _Stream(first or NOTHING, EVENTS, sockets(request))

    async def http_stream(request: Request) -> Response:
        return _Stream(await _body(request) or NOTHING, LINES, sockets(request))

    return [
        WebSocketRoute(UNI_SOCKET_PATH, socket),
        Route(UNI_SSE_PATH, sse, methods=["GET", "POST"]),
        Route(UNI_HTTP_STREAM_PATH, http_stream, methods=["POST"]),
    ]


async def _body(request: Request) -> bytes:
    if is_binary(request):
        raise HTTPException(415, "connections of one direction speak JSON; send JSON here")
    return await read_body(request)


def _in_query(connection: HTTPConnection) -> bytes | None:
    connect = connection.query_params.get(CONNECT)
    return connect.encode(errors="surrogatepass") if connect else None


class _ListenersFrames(SocketFrames):
    """A WebSocket whose client says one thing, in its address or first; the rest is not read.

    Args:
        socket: Accepted.
        form: Of its session.
    """

    def __init__(self, socket: WebSocket, form: UniForm) -> None:
        super().__init__(socket, form)
        self._first = _in_query(socket)
        self._is_begun = False
        self._pace = Pace()

    async def receive(self) -> bytes | Disconnect | None:
        """See `Frames`: the connect request, and then the end."""
        if not self._is_begun:
            self._is_begun = True
            return self._first or await super().receive()
        while isinstance(frame := await super().receive(), bytes):
            if not self._pace.take() and self._pace.is_flood:
                return codes.FLOOD
        return frame

    async def close(self, why: Disconnect) -> None:
        """See `Frames`; told as a push, too, since not everybody is shown a close frame."""
        try:
            with anyio.move_on_after(CLOSE_SECONDS):
                await self.send(self.form.reply(goodbye(why)))
        except (WebSocketDisconnect, RuntimeError):
            return
        await super().close(why)


class _Stream(Response):
    """An answer that is one connection, from its first frame to its end."""

    def __init__(self, first: bytes, layout: Layout, sockets: Sockets) -> None:
        super().__init__()
        self._first = first
        self._layout = layout
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = secrets.token_urlsafe(SECRET_BYTES)
        form = UniForm(session=session)
        frames = StreamFrames(form, self._layout, inbox=Inbox(self._first), send=send)
        async with anyio.create_task_group() as group:
            group.start_soon(leave_with_client, receive, group.cancel_scope)
            await frames.open()
            await self._sockets.keep(frames, HTTPConnection(scope), session=session)
            group.cancel_scope.cancel()
