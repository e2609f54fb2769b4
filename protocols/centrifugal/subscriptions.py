"""What one connection may ask of channels, and in which of them it is until when. Without I/O.

A part of the session's rules: commands about channels in, decisions and answers out. What holds for
the connection as a whole stands in `session.py`.
"""

from dataclasses import dataclass

from protocols.centrifugal import answers, asked, codes
from protocols.centrifugal.deadlines import EXPIRY_GRACE_SECONDS, NEVER
from protocols.centrifugal.decisions import (
    Close,
    CountPresence,
    Decision,
    End,
    Publish,
    ReadHistory,
    ReadPresence,
    RefreshSubscription,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.rights import Rights
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.commands import (
    Command,
    HistoryRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    SubRefreshRequest,
    SubscribeRequest,
    UnsubscribeRequest,
)
from protocols.centrifugal.wire.replies import Reply
from protocols.centrifugal.wire.values import PublicationField
from protocols.errors import Forbidden
from protocols.namespaces import Namespaces
from protocols.operations.channels import HistoryPage, Subscription

MAX_CHANNELS = 128


@dataclass(frozen=True, slots=True)
class _Held:
    """One subscription; it ends at `ends`, or a while later where the client may refresh it."""

    is_by_server: bool
    is_refreshed: bool
    ends: float


class Subscriptions:
    """The channels of one connection, as its rules see them.

    Args:
        namespaces: Of application channels.
    """

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        """In how many channels it is."""
        return len(self._held)

    def decide(self, command: Command, rights: Rights) -> Decision | None:
        """What a command about channels asks for; None: it is about something else.

        Raises:
            FactoryError: The answer to it.
        """
        match command:
            case Command(subscribe=SubscribeRequest() as request):
                return self._subscribe(command.id, request, rights)
            case Command(unsubscribe=UnsubscribeRequest() as request):
                return self._unsubscribe(command.id, request)
            case Command(sub_refresh=SubRefreshRequest() as request):
                return self._refresh(command.id, request, rights)
            case Command(history=HistoryRequest() as request):
                return self._history(command.id, request, rights)
            case Command(publish=PublishRequest() as request):
                return self._publish(command.id, request)
            case (
                Command(presence=PresenceRequest(name))
                | Command(presence_stats=PresenceStatsRequest(name))
            ):
                wish = ReadPresence if command.presence else CountPresence
                return self._presence(wish, command.id, name, rights)
            case _:
                return None

    def _subscribe(self, command_id: int, request: SubscribeRequest, rights: Rights) -> Decision:
        wish = asked.subscribe(command_id, request, self._namespaces)
        if request.channel in self._held:
            return Send(answers.error(command_id, codes.ALREADY_SUBSCRIBED))
        if len(self._held) >= MAX_CHANNELS:
            return Send(answers.error(command_id, codes.LIMIT_EXCEEDED))
        return rights.subscribe(wish, request.token)

    def _unsubscribe(self, command_id: int, request: UnsubscribeRequest) -> Decision:
        self._held.pop(request.channel, None)
        return Unsubscribe(request.channel, answers.unsubscribed(command_id))

    def _refresh(self, command_id: int, request: SubRefreshRequest, rights: Rights) -> Decision:
        channel = asked.channel(request.channel, self._namespaces)
        held = self._held.get(request.channel)
        if held is None:
            raise Forbidden(f"this connection is not in channel {request.channel!r}")
        if not held.is_refreshed or not request.token:
            return Close(codes.BAD_COMMAND)
        return RefreshSubscription(command_id, channel, rights.by_token(channel, request.token))

    def _history(self, command_id: int, request: HistoryRequest, rights: Rights) -> Decision:
        wish = asked.history(command_id, request, self._namespaces)
        if not wish.channel.has_history:
            return Send(answers.error(command_id, codes.NOT_AVAILABLE))
        rights.read(wish.channel, is_subscribed=request.channel in self._held)
        return wish

    def _publish(self, command_id: int, request: PublishRequest) -> Decision:
        channel = asked.channel(request.channel, self._namespaces)
        if channel.application is None:
            return Send(answers.error(command_id, codes.PERMISSION_DENIED))
        is_subscribed = request.channel in self._held
        return Publish(command_id, channel, asked.payload(request.data), is_subscribed)

    def _presence(
        self,
        wish: type[ReadPresence | CountPresence],
        command_id: int,
        name: str,
        rights: Rights,
    ) -> Decision:
        channel = asked.channel(name, self._namespaces)
        if channel.application is None or not channel.application.presence:
            return Send(answers.error(command_id, codes.NOT_AVAILABLE))
        is_subscribed = name in self._held
        rights.read(channel, is_subscribed=is_subscribed)
        return wish(command_id, channel, is_subscribed)

    def subscribed(
        self,
        command: Subscribe,
        subscription: Subscription,
        *,
        now: float,
        page: list[PublicationField] | None = None,
    ) -> Reply:
        """The answer to `subscribe`; it goes out before anything of the channel.

        Args:
            command: What was asked.
            subscription: What came of it.
            now: When.
            page: The first of what was missed, as this client is told it; None: as it is.
        """
        self.entered(str(command.channel), command.terms, now=now)
        has_history = command.channel.has_history
        result = answers.subscription(
            subscription,
            page=page,
            has_history=has_history,
            was_recovering=has_history and command.since is not None,
            is_delta=command.terms.is_delta,
            ttl=answers.ttl_of(command.terms.expires_in),
        )
        return answers.subscribed(command.id, result)

    def entered(self, channel: str, terms: Terms, *, now: float) -> None:
        """It is in this channel now, whoever wanted it."""
        is_refreshed = terms.expires_in is not None and not terms.is_by_server
        grace = EXPIRY_GRACE_SECONDS if is_refreshed else 0.0
        ends = NEVER if terms.expires_in is None else now + terms.expires_in + grace
        self._held[channel] = _Held(terms.is_by_server, is_refreshed, ends)

    def refreshed(self, command: RefreshSubscription, *, now: float) -> Reply:
        """The answer to `sub_refresh`."""
        name = str(command.channel)
        if name not in self._held:
            return answers.error(command.id, codes.PERMISSION_DENIED)
        self.entered(name, command.terms, now=now)
        return answers.subscription_refreshed(
            command.id, ttl=answers.ttl_of(command.terms.expires_in)
        )

    def left(self, channel: str) -> None:
        """It is not there any more."""
        self._held.pop(channel, None)

    def ended(self, channel: str, why: codes.Unsubscribed = codes.INSUFFICIENT_STATE) -> Reply:
        """A subscription ended by the server; from 2500 on the client subscribes again."""
        self.left(channel)
        return answers.ended(channel, why)

    def unrecoverable(self, command: Subscribe | ReadHistory) -> Reply:
        """The client asked for all or nothing, and not all is there."""
        return answers.error(command.id, codes.UNRECOVERABLE)

    def history(self, command: ReadHistory, page: HistoryPage) -> Reply:
        """The answer to `history`."""
        return answers.history(command.id, page)

    def published(self, command: Publish) -> Reply:
        """The answer to `publish`."""
        return answers.published(command.id)

    def next(self) -> float:
        """When the first of them ends."""
        return min((held.ends for held in self._held.values()), default=NEVER)

    def due(self, now: float) -> End | Close | None:
        """The first one found that has ended by now: the client learns it, or is sent away."""
        for channel, held in self._held.items():
            if held.ends <= now:
                if held.is_by_server:
                    return Close(codes.SUBSCRIPTION_EXPIRED)
                return End(channel, codes.EXPIRED_SUBSCRIPTION)
        return None
