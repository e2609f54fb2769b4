"""One connection's rules, without I/O: commands in, decisions and answers out.

Whoever drives it carries decisions out one after another, in order, and asks for the next one only
then: a frame may hold `connect` and all that follows it. Times are seconds of one clock that never
goes back. What is read or written and in which form, and by whom it is authenticated, is not known
here.

Source: the Centrifugal client protocol; the rules are cited by their command.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from protocols.centrifugal import answers, asked, codes
from protocols.centrifugal.deadlines import PING_SECONDS, Deadlines
from protocols.centrifugal.decisions import (
    Authenticate,
    Call,
    Close,
    Decision,
    End,
    Message,
    Refresh,
    Send,
    Subscribe,
)
from protocols.centrifugal.grants import ForeignToken
from protocols.centrifugal.listeners import on_behalf
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.rights import Rights
from protocols.centrifugal.subscriptions import Subscriptions
from protocols.centrifugal.wire.commands import Command, RefreshRequest, RPCRequest
from protocols.centrifugal.wire.replies import PING, Reply
from protocols.centrifugal.wire.results import SubscribeResult
from protocols.errors import FactoryError, InvalidRequest, Unauthenticated
from protocols.namespaces import NO_NAMESPACES, Namespaces

NOWHERE: Mapping[str, SubscribeResult] = {}
MAX_NAME_CHARACTERS = 16
MAX_VERSION_CHARACTERS = 64


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
        namespaces: Of application channels.

    Attributes:
        client: As given.
        subscriptions: What holds of its channels.
    """

    def __init__(
        self,
        client: str,
        *,
        version: str,
        now: float,
        first_ping: float,
        pace: Pace | None = None,
        namespaces: Namespaces = NO_NAMESPACES,
    ) -> None:
        self.client = client
        self._only_listens = False
        self.subscriptions = Subscriptions(namespaces)
        self._version = version
        self._phase = _Phase.NEW
        self._pace = pace or Pace()
        self._deadlines = Deadlines(now, first_ping=first_ping)
        self._refreshes = False
        self._rights: Rights | None = None

    def expect_no_more(self) -> None:
        """Its client only listens: it sends nothing after `connect`, no pong and no new token."""
        self._only_listens = True
        self._deadlines.expects_pong = False

    def receive(self, commands: Iterator[Command]) -> Iterator[Decision]:
        """What the commands of a frame ask for, one after another.

        Each is taken when its turn comes; one that cannot be read ends the connection.
        """
        try:
            for command in commands:
                decision = self._decide(command)
                if decision is not None:
                    yield decision
                if isinstance(decision, Close) or self._phase is _Phase.REFUSED:
                    return
        except InvalidRequest:
            yield Close(codes.BAD_COMMAND)

    def _decide(self, command: Command) -> Decision | None:
        if not self._pace.take():
            return self._too_soon(command)
        if self._phase is _Phase.NEW:
            return self._connect(command)
        if command.id == 0:
            return self._without_id(command)
        return self._with_id(command)

    @property
    def _may(self) -> Rights:
        if self._rights is None:
            raise Unauthenticated("nobody is connected")
        return self._rights

    def _too_soon(self, command: Command) -> Decision:
        if self._pace.is_flood or command.id < 1:
            return Close(codes.FLOOD)
        return Send(answers.error(command.id, codes.TOO_MANY_COMMANDS))

    def _connect(self, command: Command) -> Decision:
        connect = command.connect
        if connect is None or command.id < 1:
            return Close(codes.BAD_COMMAND)
        if len(connect.name) > MAX_NAME_CHARACTERS or len(connect.version) > MAX_VERSION_CHARACTERS:
            self._phase = _Phase.REFUSED
            return Send(answers.error(command.id, codes.BAD_REQUEST))
        positions = asked.positions(connect.subs)
        return Authenticate(command.id, connect.token or None, positions)

    def _without_id(self, command: Command) -> Decision | None:
        if command.send:
            return Message(asked.payload(command.send.data))
        if command != _PONG or not self._deadlines.take_pong():
            return Close(codes.BAD_COMMAND)
        return None

    def _with_id(self, command: Command) -> Decision:
        if command.connect is not None or command.id < 0:
            return Close(codes.BAD_COMMAND)
        if command.send:
            return Close(codes.NOT_SERVED)
        try:
            return self._by_method(command)
        except ForeignToken:
            return Close(codes.INVALID_TOKEN)
        except FactoryError as error:
            return Send(self.refuse(command.id, error))

    def _by_method(self, command: Command) -> Decision:
        if decision := self.subscriptions.decide(command, self._may):
            if self._only_listens and isinstance(decision, Subscribe):
                return on_behalf(decision)
            return decision
        match command:
            case Command(refresh=RefreshRequest() as request):
                return self._refresh(command.id, request)
            case Command(rpc=RPCRequest() as request):
                return Call(command.id, request.method, bytes(request.data))
            case _:
                return Send(answers.error(command.id, codes.METHOD_NOT_FOUND))

    def _refresh(self, command_id: int, request: RefreshRequest) -> Decision:
        if not self._refreshes or not request.token:
            return Close(codes.BAD_COMMAND)
        return Refresh(command_id, request.token)

    def accept(
        self,
        command: Authenticate,
        rights: Rights,
        *,
        now: float,
        expires_in: float | None = None,
        subs: Mapping[str, SubscribeResult] = NOWHERE,
    ) -> Reply:
        """The answer to `connect`: from now on commands are served and pings are due.

        Args:
            command: The one accepted.
            rights: What they may do with channels.
            now: When.
            expires_in: Seconds the credentials are still good for; None: no end. Who came with a
                token refreshes it in time; others are closed.
            subs: The channels the server put it into.
        """
        self._phase = _Phase.CONNECTED
        self._rights = rights
        self._deadlines.connected(now)
        is_token = command.token is not None and expires_in is not None
        self._refreshes = is_token and not self._only_listens
        self.renewed(now=now, expires_in=expires_in)
        ttl = answers.ttl_of(expires_in) if self._refreshes else None
        return answers.connected(
            command.id,
            self.client,
            version=self._version,
            ping=PING_SECONDS,
            ttl=ttl,
            subs=subs,
        )

    def refuse_connect(self, command: Authenticate, error: FactoryError) -> Send | Close:
        """Why nobody is connected; what is left of the frame is dropped.

        An invalid token closes for good (3500), as do denied credentials (3507); a missing one
        and a trouble of ours are answers, after which the client closes or comes back.
        """
        self._phase = _Phase.REFUSED
        code = codes.code_of(error)
        if isinstance(error, Unauthenticated) and command.token is not None:
            return Close(codes.INVALID_TOKEN)
        if code is codes.PERMISSION_DENIED:
            return Close(codes.DENIED)
        return Send(answers.error(command.id, code, error.message))

    def refuse_expired(self, command: Authenticate | Refresh) -> Reply:
        """The token was good once; the client gets a new one and tries again."""
        if isinstance(command, Authenticate):
            self._phase = _Phase.REFUSED
        return answers.error(command.id, codes.TOKEN_EXPIRED)

    def refreshed(self, command: Refresh, *, now: float, expires_in: float | None) -> Reply:
        """The connection lives on."""
        self.renewed(now=now, expires_in=expires_in)
        return answers.refreshed(
            command.id, self.client, version=self._version, ttl=answers.ttl_of(expires_in)
        )

    def renewed(self, *, now: float, expires_in: float | None) -> None:
        """The credentials were looked at again, and are good for so long."""
        self._deadlines.expire(now, expires_in, is_refreshed=self._refreshes)

    def refuse(self, command_id: int, error: FactoryError) -> Reply:
        """The answer to a command that failed."""
        return answers.error(command_id, codes.code_of(error), error.message)

    def deadline(self) -> float:
        """When `tick` has something to do, unless something is received before."""
        return min(self._deadlines.next(), self.subscriptions.next())

    def tick(self, now: float) -> Send | Close | End | None:
        """What is due: a ping, the end of a subscription, or of all."""
        if why := self._deadlines.missed(now):
            return Close(why)
        if ended := self.subscriptions.due(now):
            return ended
        return Send(PING) if self._deadlines.take_ping(now) else None


_PONG = Command()
