"""A connection's frames where there is no socket: an inbox to read, an answer's body to write.

The form is that of WebSockets but for one thing: the answer to `connect` says where the client's
commands go.
"""

from collections.abc import Callable
from dataclasses import dataclass

import anyio
import msgspec
from starlette.types import Receive, Send

from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.frames import CLOSE_SECONDS
from protocols.centrifugal.transports.sessions import Inbox
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.replies import DisconnectPush, Push, Reply

COMES_BACK = range(3000, 3500)  # disconnects after which a client connects again

HEADERS = (
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # proxies that know it pass on each piece as it comes
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How messages follow one another in the body.

    Attributes:
        media_type: Of the body.
        lay: One frame, which is one or more messages, as a piece of it.
    """

    media_type: bytes
    lay: Callable[[bytes], bytes]


def _events(frame: bytes) -> bytes:
    # A payload of somebody else's may hold a bare CR between its tokens, which would end the line.
    lines = frame.replace(b"\r", b" ").replace(b"\n", b"\n\ndata: ")
    return b"data: %b\n\n" % lines


LINES = Layout(b"application/x-ndjson", lambda frame: frame + b"\n")
EVENTS = Layout(b"text/event-stream; charset=utf-8", _events)
MESSAGES = Layout(b"application/octet-stream", lambda frame: frame)  # each after its length


def goodbye(why: Disconnect) -> Reply:
    """The last message, where there is no close frame."""
    said = DisconnectPush(why.code, why.reason, reconnect=why.code in COMES_BACK)
    return Reply(push=Push(disconnect=said))


async def leave_with_client(receive: Receive, serving: anyio.CancelScope) -> None:
    """Stop serving when the client has gone; what it still sends is not read."""
    while (await receive())["type"] != "http.disconnect":
        pass
    serving.cancel()


class EmulatedForm:
    """A `Form`: another one, for the client of one session.

    Args:
        form: The other one.
        session: The secret it sends commands with.
        node: The process that takes them.
    """

    def __init__(self, form: Form, *, session: str, node: str) -> None:
        self.is_binary = form.is_binary
        self.is_unidirectional = False
        self.separator = form.separator
        self.commands = form.commands
        self.publications = form.publications  # the shared form's own: spelled once for all
        self._form = form
        self.changes = form.changes
        self.change_fields = form.change_fields
        self.coming = form.coming
        self._session = session
        self._node = node

    def reply(self, reply: Reply) -> bytes:
        """One message."""
        if result := reply.connect:
            told = msgspec.structs.replace(result, session=self._session, node=self._node)
            reply = msgspec.structs.replace(reply, connect=told)
        return self._form.reply(reply)


class StreamFrames:
    """A `Frames`. That the client has gone is not seen here.

    Args:
        form: As in `Frames`.
        layout: Of the body.
        inbox: What the client sends.
        send: Of the request that is answered.
    """

    def __init__(self, form: Form, layout: Layout, *, inbox: Inbox, send: Send) -> None:
        self.form = form
        self._layout = layout
        self._inbox = inbox
        self._send = send

    async def open(self) -> None:
        """Begin the answer."""
        headers = [(b"content-type", self._layout.media_type), *HEADERS]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def receive(self) -> bytes:
        """The next frame."""
        return await self._inbox.take()

    async def send(self, frame: bytes) -> None:
        """Write it."""
        await self._write(frame, is_last=False)

    async def close(self, why: Disconnect) -> None:
        """Say why and end the body, within CLOSE_SECONDS."""
        with anyio.move_on_after(CLOSE_SECONDS):
            await self._write(self.form.reply(goodbye(why)), is_last=True)

    async def _write(self, frame: bytes, *, is_last: bool) -> None:
        piece = self._layout.lay(frame)
        await self._send({"type": "http.response.body", "body": piece, "more_body": not is_last})
