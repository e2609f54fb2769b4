"""One connection's rules, without I/O: commands in, decisions and answers out.

Whoever drives it carries decisions out one after another, in order, and asks for the next one only
then: a frame may hold `connect` and all that follows it. Times are seconds of one clock that never
goes back. What is read or written, and by whom it is authenticated, is not known here.

Source: the Centrifugal client protocol; the rules are cited by their command.
"""

from collections.abc import Iterator
from enum import Enum, auto

import msgspec

from protocols import channels
from protocols.centrifugal import codes, wire
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Decision,
    ReadHistory,
    Refresh,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.wire import Command
from protocols.channels import Channel, StreamPosition
from protocols.errors import FactoryError, InvalidRequest
from protocols.operations.channels import HistoryPage, Subscription

PING_SECONDS = 25
PONG_SECONDS = 10.0
CONNECT_SECONDS = 15.0
EXPIRY_GRACE_SECONDS = 25.0
MAX_CHANNELS = 128
MAX_CHANNEL_BYTES = 255
MAX_NAME_CHARACTERS = 16
MAX_VERSION_CHARACTERS = 64
MAX_HISTORY = 300
REJECT_UNRECOVERED = 2


class _Phase(Enum):
    NEW = auto()
    CONNECTED = auto()
    REFUSED = auto()  # the client will close; what it still sends is not read


class Session:
    """The state of one connection.

    Args:
        client: The id the connection is known by.
        version: What the server calls itself; never empty, one client insists.
        now: When the socket opened.
        first_ping: When in the second half of the first interval to ping, 0 to 1; spreads pings.
        pace: How fast commands may come; one beyond it is answered with 111, a flood is cut.
    """

    def __init__(
        self,
        client: str,
        *,
        version: str,
        now: float,
        first_ping: float,
        pace: Pace | None = None,
    ) -> None:
        self.client = client
        self._version = version
        self._phase = _Phase.NEW
        self._connect_by = now + CONNECT_SECONDS
        self._first_ping = first_ping
        self._pace = pace or Pace()
        self._next_ping = float("inf")
        self._pong_by = float("inf")
        self._expires = float("inf")
        self._refreshes = False
        self._channels: set[str] = set()

    def receive(self, frame: str) -> Iterator[Decision]:
        """What the commands of a frame ask for, one after another."""
        try:
            for command in wire.commands(frame):
                decision = self._decide(command)
                if decision is not None:
                    yield decision
                if isinstance(decision, Close) or self._phase is _Phase.REFUSED:
                    return
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            yield Close(codes.BAD_COMMAND)

    def _decide(self, command: Command) -> Decision | None:
        if not self._pace.take():
            return self._too_soon(command)
        if self._phase is _Phase.NEW:
            return self._connect(command)
        if command.id == 0:
            return self._without_id(command)
        return self._with_id(command)

    def _too_soon(self, command: Command) -> Decision:
        if self._pace.is_flood or command.id < 1:
            return Close(codes.FLOOD)
        return Send(wire.error(command.id, codes.TOO_MANY_COMMANDS))

    def _connect(self, command: Command) -> Decision:
        connect = command.connect
        if connect is None or command.id < 1:
            return Close(codes.BAD_COMMAND)
        if len(connect.name) > MAX_NAME_CHARACTERS or len(connect.version) > MAX_VERSION_CHARACTERS:
            self._phase = _Phase.REFUSED
            return Send(wire.error(command.id, codes.BAD_REQUEST))
        return Authenticate(command.id, connect.token or None)

    def _without_id(self, command: Command) -> Decision | None:
        if command.send:
            return Close(codes.NOT_SERVED)
        if command != _PONG or self._pong_by == float("inf"):
            return Close(codes.BAD_COMMAND)
        self._pong_by = float("inf")
        return None

    def _with_id(self, command: Command) -> Decision:
        if command.connect is not None or command.id < 0:
            return Close(codes.BAD_COMMAND)
        if command.send:
            return Close(codes.NOT_SERVED)
        try:
            return self._by_method(command)
        except FactoryError as error:
            return Send(self.refuse(command.id, error))

    def _by_method(self, command: Command) -> Decision:
        match command:
            case Command(subscribe=wire.SubscribeRequest() as request):
                return self._subscribe(command.id, request)
            case Command(unsubscribe=wire.UnsubscribeRequest() as request):
                return self._unsubscribe(command.id, request)
            case Command(history=wire.HistoryRequest() as request):
                return _history(command.id, request)
            case Command(refresh=wire.RefreshRequest() as request):
                return self._refresh(command.id, request)
            case Command(publish=wire.PublishRequest() as request):
                _channel(request.channel)
                return Send(wire.error(command.id, codes.PERMISSION_DENIED))
            case _ if (
                command.presence or command.presence_stats or command.sub_refresh or command.rpc
            ):
                return Send(wire.error(command.id, codes.NOT_AVAILABLE))
            case _:
                return Send(wire.error(command.id, codes.METHOD_NOT_FOUND))

    def _subscribe(self, command_id: int, request: wire.SubscribeRequest) -> Decision:
        if request.type:
            return Send(wire.error(command_id, codes.PERMISSION_DENIED))
        if request.tf:
            return Send(wire.error(command_id, codes.BAD_REQUEST))
        channel = _channel(request.channel)
        if request.channel in self._channels:
            return Send(wire.error(command_id, codes.ALREADY_SUBSCRIBED))
        if len(self._channels) >= MAX_CHANNELS:
            return Send(wire.error(command_id, codes.LIMIT_EXCEEDED))
        since = StreamPosition(request.epoch, request.offset) if request.recover else None
        return Subscribe(command_id, channel, since, bool(request.flag & REJECT_UNRECOVERED))

    def _unsubscribe(self, command_id: int, request: wire.UnsubscribeRequest) -> Decision:
        self._channels.discard(request.channel)
        reply = wire.Reply(id=command_id, unsubscribe=wire.UnsubscribeResult())
        return Unsubscribe(request.channel, wire.encode(reply))

    def _refresh(self, command_id: int, request: wire.RefreshRequest) -> Decision:
        if not self._refreshes or not request.token:
            return Close(codes.BAD_COMMAND)
        return Refresh(command_id, request.token)

    def accept(
        self, command: Authenticate, *, now: float, expires_in: float | None = None
    ) -> bytes:
        """The answer to `connect`: from now on commands are served and pings are due.

        Args:
            command: The one accepted.
            now: When.
            expires_in: Seconds the credentials are still good for; None: no end. Who came with a
                token refreshes it in time; others are closed.
        """
        self._phase = _Phase.CONNECTED
        self._connect_by = float("inf")
        self._next_ping = now + PING_SECONDS * (1 + self._first_ping) / 2
        self._refreshes = command.token is not None and expires_in is not None
        self._expire(now, expires_in)
        result = wire.ConnectResult(
            client=self.client,
            version=self._version,
            ping=PING_SECONDS,
            pong=True,
            expires=self._refreshes,
            ttl=_ttl(expires_in) if self._refreshes else 0,
        )
        return wire.encode(wire.Reply(id=command.id, connect=result))

    def refuse_connect(self, command: Authenticate, error: FactoryError) -> Send | Close:
        """Why nobody is connected; what is left of the frame is dropped.

        An invalid token closes for good (3500), as do denied credentials (3507); a missing one
        and a trouble of ours are answers, after which the client closes or comes back.
        """
        self._phase = _Phase.REFUSED
        code = codes.code_of(error)
        if code is codes.UNAUTHORIZED and command.token is not None:
            return Close(codes.INVALID_TOKEN)
        if code is codes.PERMISSION_DENIED:
            return Close(codes.DENIED)
        return Send(wire.error(command.id, code, error.message))

    def refuse_expired(self, command: Authenticate | Refresh) -> bytes:
        """The token was good once; the client gets a new one and tries again."""
        if isinstance(command, Authenticate):
            self._phase = _Phase.REFUSED
        return wire.error(command.id, codes.TOKEN_EXPIRED)

    def refreshed(self, command: Refresh, *, now: float, expires_in: float | None) -> bytes:
        """The connection lives on."""
        self._expire(now, expires_in)
        result = wire.RefreshResult(
            client=self.client,
            version=self._version,
            expires=expires_in is not None,
            ttl=0 if expires_in is None else _ttl(expires_in),
        )
        return wire.encode(wire.Reply(id=command.id, refresh=result))

    def renewed(self, *, now: float, expires_in: float | None) -> None:
        """The credentials were looked at again, and are good for so long."""
        self._expire(now, expires_in)

    def subscribed(self, command: Subscribe, subscription: Subscription) -> bytes:
        """The answer to `subscribe`; it goes out before anything of the channel."""
        self._channels.add(str(command.channel))
        result = wire.SubscribeResult(
            recoverable=True,
            positioned=True,
            epoch=subscription.epoch,
            offset=subscription.offset,
            was_recovering=command.since is not None,
            recovered=subscription.recovered,
            publications=wire.publication_fields(subscription.publications),
        )
        return wire.encode(wire.Reply(id=command.id, subscribe=result))

    def unrecoverable(self, command: Subscribe | ReadHistory) -> bytes:
        """The client asked for all or nothing, and not all is there."""
        return wire.error(command.id, codes.UNRECOVERABLE)

    def lost(self, channel: str) -> bytes:
        """A subscription ended by the server; the client subscribes again and recovers."""
        self._channels.discard(channel)
        return wire.unsubscribe_push(channel, codes.INSUFFICIENT_STATE)

    def history(self, command: ReadHistory, page: HistoryPage) -> bytes:
        """The answer to `history`."""
        result = wire.HistoryResult(
            publications=wire.publication_fields(page.publications),
            epoch=page.position.epoch,
            offset=page.position.offset,
        )
        return wire.encode(wire.Reply(id=command.id, history=result))

    def refuse(self, command_id: int, error: FactoryError) -> bytes:
        """The answer to a command that failed."""
        return wire.error(command_id, codes.code_of(error), error.message)

    def deadline(self) -> float:
        """When `tick` has something to do, unless something is received before."""
        return min(self._connect_by, self._next_ping, self._pong_by, self._expires)

    def tick(self, now: float) -> Send | Close | None:
        """What is due: a ping, or the end."""
        if now >= self._connect_by:
            return Close(codes.STALE)
        if now >= self._pong_by:
            return Close(codes.NO_PONG)
        if now >= self._expires:
            return Close(codes.EXPIRED)
        if now >= self._next_ping:
            self._next_ping = now + PING_SECONDS
            self._pong_by = now + PONG_SECONDS
            return Send(wire.PING)
        return None

    def _expire(self, now: float, expires_in: float | None) -> None:
        if expires_in is None:
            self._expires = float("inf")
        else:
            grace = EXPIRY_GRACE_SECONDS if self._refreshes else 0.0
            self._expires = now + expires_in + grace


_PONG = Command()


def _history(command_id: int, request: wire.HistoryRequest) -> Decision:
    channel = _channel(request.channel)
    since = request.since and StreamPosition(request.since.epoch, request.since.offset)
    if request.reverse and since and since.offset == 0:
        raise InvalidRequest("nothing lies before offset 0")
    limit = MAX_HISTORY if request.limit < 0 else min(request.limit, MAX_HISTORY)
    return ReadHistory(command_id, channel, since, limit, request.reverse)


def _channel(name: str) -> Channel:
    size = len(name.encode())
    if not 0 < size <= MAX_CHANNEL_BYTES:
        raise InvalidRequest(f"a channel's name has 1 to {MAX_CHANNEL_BYTES} bytes, not {size}")
    return channels.parse(name)


def _ttl(seconds: float | None) -> int:
    return max(1, int(seconds or 0))
