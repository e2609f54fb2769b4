"""The team's feeds over the WebSocket, as every client reads them: live, recovered, or said lost.

It connects, subscribes, answers pings, comes back by itself and continues from its positions. Where
the hub cannot prove that nothing is missing, the state is asked for anew; what is published
meanwhile waits and is told after it. What the rows mean is no business of this file.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from protocols.centrifugal.wire.replies import Reply
from protocols.centrifugal.wire.results import SubscribeResult
from protocols.centrifugal.wire.values import ErrorField
from protocols.channels import StreamPosition
from protocols.errors import FactoryError, Unauthenticated, Unavailable

PATH = "/connection/websocket"
SUBPROTOCOL = "centrifuge-json"
NAME = "pygent-top"
OPEN_SECONDS = 5.0
ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0  # beyond the hub's own interval of pings
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 5.0
MAX_FRAME_BYTES = 8 * 1024 * 1024
UNANSWERED = (OSError, TimeoutError, InvalidHandshake, InvalidURI, msgspec.MsgspecError)
FINAL_CODES = range(3500, 4000)  # the hub does not want us back


class LinkState(StrEnum):
    """How the connection is."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Link:
    """The connection, and why when it is not live."""

    state: LinkState
    reason: str = ""


_LINE = msgspec.json.Decoder(Reply)


class Feeds:
    """Some channels of one hub, watched until cancelled.

    Args:
        url: Of the hub.
        token: An API key.
        channels: Names of feeds.
        on_row: Told the channel and each publication, in order.
        on_reset: Awaited when the state must be asked for anew: at the start and after a gap.
        on_link: Told each change of the connection.
    """

    def __init__(
        self,
        url: str,
        token: str,
        channels: Sequence[str],
        *,
        on_row: Callable[[str, bytes], None],
        on_reset: Callable[[], Awaitable[None]],
        on_link: Callable[[Link], None],
    ) -> None:
        self._url = f"ws{url.removeprefix('http').rstrip('/')}{PATH}"
        self._token = token
        self._channels = channels
        self._on_row = on_row
        self._on_reset = on_reset
        self._on_link = on_link
        self._positions: dict[str, StreamPosition] = {}
        self._is_whole = False  # whether the state and all positions belong together
        self._was_live = False  # in this connection

    async def run(self) -> None:
        """Watch; returns only when the hub has sent us away for good."""
        wait = FIRST_WAIT_SECONDS
        self._on_link(Link(LinkState.CONNECTING))
        while True:
            reason = "the connection was cut"
            self._was_live = False
            try:
                await self._connection()
            except Unauthenticated as error:
                self._on_link(Link(LinkState.OFFLINE, error.message))
                return
            except FactoryError as error:
                reason = error.message
            except UNANSWERED as error:
                reason = f"the hub does not answer ({type(error).__name__})"
            if self._was_live:
                wait = FIRST_WAIT_SECONDS
            self._on_link(Link(LinkState.RECONNECTING, reason))
            await anyio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  spreads reconnects
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _connection(self) -> None:
        """One connection, until it is cut."""
        async with connect(
            self._url,
            subprotocols=[SUBPROTOCOL],  # pyright: ignore[reportArgumentType]  a NewType of str
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,  # the protocol has pings of its own
            max_size=MAX_FRAME_BYTES,
            proxy=None,
        ) as socket:
            try:
                await self._serve(socket)
            except ConnectionClosed as closed:
                frame = closed.rcvd
                if frame is not None and frame.code in FINAL_CODES:
                    raise Unauthenticated(f"sent away: {frame.reason}") from None
            finally:
                with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                    await socket.close()

    async def _serve(self, socket: ClientConnection) -> None:
        session = _Session(socket)
        hello = await session.ask("connect", {"token": self._token, "name": NAME})
        silence = ((hello.connect.ping if hello.connect else 0) or 25) + PATIENCE_SECONDS
        for channel in self._channels:
            await self._subscribe(session, channel)
        if not self._is_whole:
            await self._on_reset()
            self._is_whole = True
        self._was_live = True
        self._on_link(Link(LinkState.LIVE))
        for waiting in session.take_waiting():
            self._hear(waiting)
        while True:
            with anyio.fail_after(silence):
                lines = await session.receive()
            for line in lines:
                self._hear(line)

    async def _subscribe(self, session: "_Session", channel: str) -> None:
        position = self._positions.get(channel)
        asked: dict[str, object] = {"channel": channel}
        if position is not None:
            asked |= {"recover": True, "epoch": position.epoch, "offset": position.offset}
        answer = await session.ask("subscribe", asked)
        subscribed = answer.subscribe or SubscribeResult()
        if position is None or not subscribed.recovered:
            self._is_whole = False
            self._positions[channel] = StreamPosition(subscribed.epoch, subscribed.offset)
            return
        for publication in subscribed.publications:
            self._row(channel, bytes(publication.data), publication.offset)

    def _hear(self, line: Reply) -> None:
        push = line.push
        if push is None:
            return
        if push.unsubscribe is not None:
            raise Unavailable(f"the hub ended the subscription to {push.channel}")
        if push.pub is not None:
            self._row(push.channel, bytes(push.pub.data), push.pub.offset)

    def _row(self, channel: str, data: bytes, offset: int) -> None:
        position = self._positions.get(channel)
        if position is not None and offset:
            self._positions[channel] = StreamPosition(position.epoch, offset)
        self._on_row(channel, data)


class _Session:
    """Commands and their answers on one socket; pushes that come between wait."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last_id = 0
        self._waiting: list[Reply] = []  # bounded by what comes within ANSWER_SECONDS

    async def ask(self, method: str, parameters: dict[str, object]) -> Reply:
        """The answer to a command.

        Raises:
            Unauthenticated: The hub does not know the key, or refuses it the channel.
            Unavailable: It answered with another error.
        """
        self._last_id += 1
        command = msgspec.json.encode({"id": self._last_id, method: parameters})
        await self._socket.send(command.decode())
        with anyio.fail_after(ANSWER_SECONDS):
            while True:
                for line in await self.receive():
                    if line.id != self._last_id:
                        self._waiting.append(line)
                    elif line.error is not None:
                        raise _error(method, line.error)
                    else:
                        return line

    async def receive(self) -> list[Reply]:
        """The lines of one frame; pings are answered."""
        frame = await self._socket.recv()
        lines = [_LINE.decode(line) for line in frame.splitlines() if line]
        pings = [line for line in lines if not line.id and line.push is None]
        for _ in pings:
            await self._socket.send("{}")
        return [line for line in lines if line not in pings]

    def take_waiting(self) -> list[Reply]:
        """What came between the answers."""
        waiting, self._waiting = self._waiting, []
        return waiting


def _error(method: str, error: ErrorField) -> FactoryError:
    sentence = f"the hub refused to {method}: {error.message}"
    return Unavailable(sentence) if error.temporary else Unauthenticated(sentence)
