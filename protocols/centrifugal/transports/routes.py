"""The endpoints for clients whose WebSocket does not get through: two streams, and the way in.

`/connection/http_stream` and `/connection/sse` are opened with the `connect` command and whatever
follows it, and answered with everything that is said from then on. `/emulation` takes what the
client sends later. Bodies are JSON, or Protobuf by their type. All that is open counts among the
`Sockets`.
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
from protocols.centrifugal.transports.bodies import is_binary, read_body
from protocols.centrifugal.transports.sessions import Inbox, Sessions
from protocols.centrifugal.transports.stream import (
    EVENTS,
    LINES,
    MESSAGES,
    EmulatedForm,
    Layout,
    StreamFrames,
    leave_with_client,
)
from protocols.centrifugal.wire import translate
from protocols.centrifugal.wire.commands import EmulationRequest
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from protocols.errors import InvalidRequest

HTTP_STREAM_PATH = "/connection/http_stream"
SSE_PATH = "/connection/sse"
EMULATION_PATH = "/emulation"
CONNECT = "cf_connect"


_DECODER = msgspec.json.Decoder(EmulationRequest)
_FRAME = msgspec.json.Decoder(str)


def routes(
    sockets: Callable[[Request], Sockets], sessions: Callable[[Request], Sessions]
) -> list[Route]:
    """The endpoints of one process; both are found when one opens: they start later."""

    async def http_stream(request: Request) -> Response:
        first = await read_body(request)
        how = (PROTOBUF, MESSAGES) if is_binary(request) else (JSON, LINES)
        return _Stream(first, how, sockets=sockets(request), sessions=sessions(request))

    async def sse(request: Request) -> Response:
        if request.method == "POST" and is_binary(request):
            raise HTTPException(415, "events are lines of text: send JSON here")
        first = _in_query(request) if request.method == "GET" else await read_body(request)
        how = (JSON, EVENTS)
        return _Stream(first, how, sockets=sockets(request), sessions=sessions(request))

    async def emulation(request: Request) -> Response:
        body = await read_body(request)
        asked, frame = _binary(body) if is_binary(request) else _text(body)
        await sessions(request).put(asked.session, frame, node=asked.node)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    return [
        Route(HTTP_STREAM_PATH, http_stream, methods=["POST"]),
        Route(SSE_PATH, sse, methods=["GET", "POST"]),
        Route(EMULATION_PATH, emulation, methods=["POST"]),
    ]


class _Stream(Response):
    """An answer that is one connection, from its first frame to its end."""

    def __init__(
        self,
        first: bytes,
        how: tuple[Form, Layout],
        *,
        sockets: Sockets,
        sessions: Sessions,
    ) -> None:
        super().__init__()
        self._first = first
        self._form, self._layout = how
        self._sockets = sockets
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = Inbox(self._first)
        with self._sessions.opened(inbox) as session:
            form = EmulatedForm(self._form, session=session, node=self._sessions.node)
            frames = StreamFrames(form, self._layout, inbox=inbox, send=send)
            async with anyio.create_task_group() as group:
                group.start_soon(leave_with_client, receive, group.cancel_scope)
                await frames.open()
                await self._sockets.keep(frames, HTTPConnection(scope), session=session)
                group.cancel_scope.cancel()


def _in_query(request: Request) -> bytes:
    connect = request.query_params.get(CONNECT)
    if connect is None:
        raise InvalidRequest(f"the address has no {CONNECT}", field=CONNECT)
    return connect.encode(errors="surrogatepass")


def _text(body: bytes) -> tuple[EmulationRequest, bytes]:
    """The request, and the frame in it: a string."""
    try:
        asked = _DECODER.decode(body)
        return asked, _FRAME.decode(asked.data).encode(errors="surrogatepass")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise HTTPException(400, "the body is no object of session, node and data") from None


def _binary(body: bytes) -> tuple[EmulationRequest, bytes]:
    """The request, and the frame in it: bytes."""
    try:
        asked = translate.read(EmulationRequest, body)
    except InvalidRequest as error:
        raise HTTPException(400, error.message) from None
    return asked, bytes(asked.data)
