"""What the server says: a `Reply` is the answer to a command, carries a push, or is a ping."""

import msgspec

from protocols.centrifugal.wire.results import (
    ConnectResult,
    HistoryResult,
    PingResult,
    PresenceResult,
    PresenceStatsResult,
    PublishResult,
    RefreshResult,
    RPCResult,
    SubRefreshResult,
    SubscribeResult,
    UnsubscribeResult,
)
from protocols.centrifugal.wire.values import (
    ABSENT,
    ClientInfo,
    ErrorField,
    Int64,
    Offset,
    PublicationField,
    UInt32,
)


class JoinPush(msgspec.Struct):
    """Somebody has subscribed."""

    info: ClientInfo


class LeavePush(msgspec.Struct):
    """Somebody's subscription has ended."""

    info: ClientInfo


class UnsubscribePush(msgspec.Struct):
    """A subscription was ended by the server; from 2500 on the client subscribes again."""

    code: UInt32
    reason: str


class SubscribePush(msgspec.Struct, omit_defaults=True):
    """The server has subscribed the client."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: Offset = 0
    data: msgspec.Raw = ABSENT


class MessagePush(msgspec.Struct):
    """For this connection, of no channel."""

    data: msgspec.Raw


class ConnectPush(msgspec.Struct, omit_defaults=True):
    """As `ConnectResult`, where the client sends nothing."""

    client: str
    version: str
    ping: UInt32 = 0
    pong: bool = False
    expires: bool = False
    ttl: UInt32 = 0
    data: msgspec.Raw = ABSENT
    subs: dict[str, SubscribeResult] = {}
    session: str = ""
    node: str = ""
    time: Int64 = 0


class DisconnectPush(msgspec.Struct, omit_defaults=True):
    """The last thing said where there is no close frame."""

    code: UInt32
    reason: str
    reconnect: bool = False


class RefreshPush(msgspec.Struct, omit_defaults=True):
    """The connection of a client that sends nothing lives on."""

    expires: bool = False
    ttl: UInt32 = 0


class Push(msgspec.Struct, omit_defaults=True):
    """What happened in a channel, or to the connection; `id` may stand for the channel."""

    channel: str = ""
    id: Int64 = 0
    pub: PublicationField | None = None
    join: JoinPush | None = None
    leave: LeavePush | None = None
    unsubscribe: UnsubscribePush | None = None
    message: MessagePush | None = None
    subscribe: SubscribePush | None = None
    connect: ConnectPush | None = None
    disconnect: DisconnectPush | None = None
    refresh: RefreshPush | None = None


class Reply(msgspec.Struct, omit_defaults=True):
    """A result under its method's key, or an error; of id 0: a push, or when empty a ping."""

    id: UInt32 = 0
    error: ErrorField | None = None
    push: Push | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: UnsubscribeResult | None = None
    publish: PublishResult | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    ping: PingResult | None = None
    rpc: RPCResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None


PING = Reply()
