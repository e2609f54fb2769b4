"""Each method of the HTTP API, for one principal: a request in, a result out, or an error raised.

How a request came is not known here; which of them can stand in a batch is: all but a batch.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from protocols.centrifugal import asked, codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.server.failures import NotAvailable, Unrecoverable, error_of
from protocols.centrifugal.server.requests import (
    BroadcastRequest,
    ChannelRequest,
    ChannelsRequest,
    ConnectionsRequest,
    DisconnectRequest,
    HistoryRequest,
    InfoRequest,
    PublishRequest,
    RefreshRequest,
    SubscribeRequest,
    UnsubscribeRequest,
    UserStatusRequest,
    payload,
    text,
)
from protocols.centrifugal.server.results import (
    ApiError,
    BroadcastResult,
    ChannelCount,
    ChannelsResult,
    ConnectionField,
    ConnectionsResult,
    InfoResult,
    NodeField,
    NoResult,
    PublishAnswer,
    PublishResult,
    Result,
    UserStatusField,
    UserStatusResult,
)
from protocols.centrifugal.wire.commands import HistoryRequest as ClientsHistoryRequest
from protocols.centrifugal.wire.publication import publication_field, read_info
from protocols.centrifugal.wire.results import (
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
)
from protocols.channels import Channel, StreamPosition
from protocols.errors import FactoryError, InvalidRequest
from protocols.operations.channels import Channels
from protocols.operations.connections import Connections, Stay, Which
from protocols.operations.publishing import Publish, Publishing
from protocols.operations.statuses import Statuses
from protocols.principals import Principal


class Methods:
    """The methods, as this principal may use them."""

    def __init__(
        self,
        principal: Principal,
        *,
        channels: Channels,
        publishing: Publishing,
        connections: Connections,
        statuses: Statuses,
    ) -> None:
        self._principal = principal
        self._channels = channels
        self._publishing = publishing
        self._connections = connections
        self._statuses = statuses

    async def publish(self, request: PublishRequest) -> Result:
        """To one channel."""
        channel = self._channel(request.channel)
        return _published(await self._publishing.publish(channel, _publication(request)))

    async def broadcast(self, request: BroadcastRequest) -> Result:
        """To many channels: an answer for each."""
        publication = _publication(request)
        channels = [self._channel_or_error(name) for name in request.channels]
        answers = await self._publishing.broadcast(channels, publication)
        return BroadcastResult([_answer(one) for one in answers])

    async def history(self, request: HistoryRequest) -> Result:
        """A part of a channel's history."""
        wish = asked.history(
            0,
            ClientsHistoryRequest(
                channel=request.channel,
                limit=request.limit,
                since=request.since,
                reverse=request.reverse,
            ),
            self._channels.namespaces,
        )
        if not wish.channel.has_history:
            raise NotAvailable(f"channel {request.channel!r} has no history")
        page = await self._channels.history(
            self._principal,
            wish.channel,
            since=wish.since,
            limit=wish.limit,
            reverse=wish.reverse,
        )
        if page is None:
            raise Unrecoverable("the position is of another epoch, or above the channel's top")
        return HistoryResult(
            publications=[publication_field(one) for one in page.publications],
            epoch=page.position.epoch,
            offset=page.position.offset,
        )

    async def history_remove(self, request: ChannelRequest) -> Result:
        """Forget what was published; the position stays."""
        await self._publishing.remove_history(self._channel(request.channel))
        return NoResult()

    async def presence(self, request: ChannelRequest) -> Result:
        """Who is in a channel."""
        found = await self._connections.present(self._peopled(request.channel))
        return PresenceResult({one.client: info for one in found if (info := read_info(one.info))})

    async def presence_stats(self, request: ChannelRequest) -> Result:
        """How many are in a channel."""
        stats = await self._connections.count_present(self._peopled(request.channel))
        return PresenceStatsResult(num_clients=stats.clients, num_users=stats.users)

    async def channels(self, request: ChannelsRequest) -> Result:
        """Channels that somebody is in."""
        found = await self._connections.channels(request.pattern)
        return ChannelsResult({name: ChannelCount(count) for name, count in found.items()})

    async def info(self, request: InfoRequest) -> Result:
        """All hubs."""
        del request
        hubs = await self._connections.hubs()
        return InfoResult([msgspec.convert(one, NodeField, from_attributes=True) for one in hubs])

    async def connections(self, request: ConnectionsRequest) -> Result:
        """Connections of a user, or of the team."""
        return ConnectionsResult(
            {
                one.client: ConnectionField(
                    transport=one.transport,
                    protocol=one.protocol,
                    user=one.user,
                    node=one.hub,
                    seconds=round(one.seconds, 1),
                    num_subs=one.subscriptions,
                    channels=list(one.channels),
                )
                for one in await self._connections.find(Which(user=request.user))
            }
        )

    async def disconnect(self, request: DisconnectRequest) -> Result:
        """Close connections."""
        said = request.disconnect
        why = codes.FORCE_DISCONNECT
        await self._connections.disconnect(
            _which(request),
            code=said.code if said and said.code else why.code,
            reason=said.reason if said and said.reason else why.reason,
            but=request.whitelist,
        )
        return NoResult()

    async def user_status(self, request: UserStatusRequest) -> Result:
        """Who is here at all, in whatever channels or none."""
        found = await self._statuses.of(request.users)
        return UserStatusResult(
            [UserStatusField(one.user, active=one.seen, online=one.is_online) for one in found]
        )

    async def subscribe(self, request: SubscribeRequest) -> Result:
        """Put connections into a channel."""
        since, override = request.recover_since, request.override
        named = msgspec.structs.asdict(override) if override else {}
        stay = Stay(
            info=text(request.info, request.b64info).decode(),
            data=text(request.data, request.b64data).decode(),
            since=(since.epoch, since.offset) if since else None,
            expires_at=request.expire_at or None,
            overrides={name: one.value for name, one in named.items() if one is not None},
        )
        channel = self._channel(request.channel)
        await self._connections.subscribe(_which(request), channel, stay)
        return NoResult()

    async def unsubscribe(self, request: UnsubscribeRequest) -> Result:
        """Take connections out of a channel."""
        channel = self._channel(request.channel)
        await self._connections.unsubscribe(_which(request), channel)
        return NoResult()

    async def refresh(self, request: RefreshRequest) -> Result:
        """Let connections stay longer, or no longer."""
        await self._connections.refresh(
            _which(request),
            expires_at=request.expire_at or None,
            has_expired=request.expired,
        )
        return NoResult()

    def _peopled(self, name: str) -> Channel:
        channel = self._channel(name)
        if channel.application is None or not channel.application.presence:
            raise NotAvailable(f"it is not known who is in channel {name!r}: it has no presence")
        return channel

    def _channel(self, name: str) -> Channel:
        return asked.channel(name, self._channels.namespaces)

    def _channel_or_error(self, name: str) -> Channel | FactoryError:
        try:
            return self._channel(name)
        except FactoryError as error:
            return error


class Method(NamedTuple):
    """A method: what it is asked with, and what answers."""

    request: type[msgspec.Struct]
    answer: Callable[[Methods, Any], Awaitable[Result]]


METHODS: Mapping[str, Method] = {
    "publish": Method(PublishRequest, Methods.publish),
    "broadcast": Method(BroadcastRequest, Methods.broadcast),
    "history": Method(HistoryRequest, Methods.history),
    "history_remove": Method(ChannelRequest, Methods.history_remove),
    "presence": Method(ChannelRequest, Methods.presence),
    "presence_stats": Method(ChannelRequest, Methods.presence_stats),
    "channels": Method(ChannelsRequest, Methods.channels),
    "info": Method(InfoRequest, Methods.info),
    "connections": Method(ConnectionsRequest, Methods.connections),
    "subscribe": Method(SubscribeRequest, Methods.subscribe),
    "unsubscribe": Method(UnsubscribeRequest, Methods.unsubscribe),
    "disconnect": Method(DisconnectRequest, Methods.disconnect),
    "refresh": Method(RefreshRequest, Methods.refresh),
    "get_user_status": Method(UserStatusRequest, Methods.user_status),
}


async def call(methods: Methods, name: str, body: bytes | msgspec.Raw) -> Result | ApiError:
    """What this method comes to.

    Raises:
        msgspec.DecodeError: The body is no JSON.
    """
    method = METHODS[name]
    try:
        request = msgspec.json.decode(bytes(body) or b"{}", type=method.request)
    except msgspec.ValidationError as error:
        return error_of(InvalidRequest(str(error)))
    try:
        async with in_time():
            return await method.answer(methods, request)
    except FactoryError as error:
        return error_of(error)


def _which(
    request: SubscribeRequest | UnsubscribeRequest | DisconnectRequest | RefreshRequest,
) -> Which:
    return Which(user=request.user, client=request.client, session=request.session)


def _publication(request: PublishRequest | BroadcastRequest) -> Publish:
    return Publish(
        data=payload(request.data, request.b64data),
        tags=request.tags,
        skips_history=request.skip_history,
        idempotency_key=request.idempotency_key,
        version=request.version,
        version_epoch=request.version_epoch,
    )


def _published(position: StreamPosition) -> PublishResult:
    return PublishResult(offset=position.offset, epoch=position.epoch)


def _answer(answer: StreamPosition | FactoryError) -> PublishAnswer:
    if isinstance(answer, FactoryError):
        return PublishAnswer(error=error_of(answer))
    return PublishAnswer(result=_published(answer))
