"""The endpoints for clients whose WebSocket does not get through: two streams, and the way in.

`/connection/http_stream` and `/connection/sse` are opened with the `connect` command and whatever
follows it, and answered with everything that is said from then on. `/emulation` takes what the
client sends later. All that is open counts among the `Sockets`.
"""

from collections.abc import Callable

import anyio
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from protocols.centrifugal.routes import Sockets
from protocols.centrifugal.transports.bodies import read_body
from protocols.centrifugal.transports.sessions import Inbox, Sessions
from protocols.centrifugal.transports.stream import (
    EVENTS,
    LINES,
    EmulatedForm,
    Layout,
    StreamFrames,
)
from protocols.errors import InvalidRequest

HTTP_STREAM_PATH = "/connection/http_stream"
SSE_PATH = "/connection/sse"
EMULATION_PATH = "/emulation"
CONNECT = "cf_connect"


class EmulationRequest(msgspec.Struct):
    """Commands of a session, as one frame of text."""

    session: str
    node: str
    data: str


_DECODER = msgspec.json.Decoder(EmulationRequest)


def routes(
    sockets: Callable[[Request], Sockets], sessions: Callable[[Request], Sessions]
) -> list[Route]:
    """The endpoints of one process; both are found when one opens: they start later."""

    async def http_stream(request: Request) -> Response:
        first = await read_body(request)
        return _Stream(first, LINES, sockets=sockets(request), sessions=sessions(request))

    async def sse(request: Request) -> Response:
        first = _in_query(request) if request.method == "GET" else await read_body(request)
        return _Stream(first, EVENTS, sockets=sockets(request), sessions=sessions(request))

    async def emulation(request: Request) -> Response:
        asked = _asked(await read_body(request))
        await sessions(request).put(asked.session, asked.data.encode(), node=asked.node)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    return [
        Route(HTTP_STREAM_PATH, http_stream, methods=["POST"]),
        Route(SSE_PATH, sse, methods=["GET", "POST"]),
        Route(EMULATION_PATH, emulation, methods=["POST"]),
    ]


class _Stream(Response):
    """An answer that is one connection, from its first frame to its end."""

    def __init__(
        self, first: bytes, layout: Layout, *, sockets: Sockets, sessions: Sessions
    ) -> None:
        super().__init__()
        self._first = first
        self._layout = layout
        self._sockets = sockets
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = Inbox(self._first)
        with self._sessions.opened(inbox) as session:
            form = EmulatedForm(session=session, node=self._sessions.node)
            frames = StreamFrames(form, self._layout, inbox=inbox, send=send)
            async with anyio.create_task_group() as group:
                group.start_soon(_leave_with_client, receive, group.cancel_scope)
                await frames.open()
                await self._sockets.keep(frames, HTTPConnection(scope))
                group.cancel_scope.cancel()


async def _leave_with_client(receive: Receive, serving: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    serving.cancel()


def _in_query(request: Request) -> bytes:
    connect = request.query_params.get(CONNECT)
    if connect is None:
        raise InvalidRequest(f"the address has no {CONNECT}", field=CONNECT)
    return connect.encode(errors="surrogatepass")


def _asked(body: bytes) -> EmulationRequest:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise HTTPException(400, "the body is no object of session, node and data") from None
