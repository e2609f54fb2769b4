"""What a connection reads and writes: frames of one form, over a WebSocket or something like it."""

import logging
from typing import Protocol

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.wire.form import Form

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 64 * 1024
CLOSE_SECONDS = 1.0


class Frames(Protocol):
    """The way to one client and back.

    Attributes:
        form: How the messages in its frames are spelled.
    """

    @property
    def form(self) -> Form: ...  # noqa: D102  see Attributes

    async def receive(self) -> bytes | Disconnect | None:
        """The next frame; why to close instead; None when the other side has closed."""
        ...

    async def send(self, frame: bytes) -> None:
        """Write it.

        Raises:
            WebSocketDisconnect: The other side is gone.
        """
        ...

    async def close(self, why: Disconnect) -> None:
        """Say why and close, within CLOSE_SECONDS; it may be closed already."""
        ...


class SocketFrames:
    """The accepted WebSocket as `Frames`."""

    def __init__(self, socket: WebSocket, form: Form) -> None:
        self.form = form
        self._socket = socket

    async def receive(self) -> bytes | Disconnect | None:
        """The next frame; why to close instead; None when the other side has closed."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        if self.form.is_binary:
            frame: bytes | None = message.get("bytes")
        else:
            text: str | None = message.get("text")
            frame = None if text is None else text.encode(errors="surrogatepass")
        if frame is None:
            return codes.INAPPROPRIATE_PROTOCOL
        return codes.TOO_BIG if len(frame) > MAX_FRAME_BYTES else frame

    async def send(self, frame: bytes) -> None:
        """Write it.

        Raises:
            WebSocketDisconnect: The other side is gone.
        """
        if self.form.is_binary:
            await self._socket.send({"type": "websocket.send", "bytes": frame})
        else:
            await self._socket.send({"type": "websocket.send", "text": frame.decode()})

    async def close(self, why: Disconnect) -> None:
        """Say why and close, within CLOSE_SECONDS; it may be closed already."""
        try:
            with anyio.move_on_after(CLOSE_SECONDS):
                await self._socket.close(why.code, why.reason)
        except (WebSocketDisconnect, RuntimeError):
            logger.debug("the socket was gone before its close", extra={"code": why.code})
