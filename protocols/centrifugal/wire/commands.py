"""What clients ask: a `Command` with one request, by its method.

Every field may be missing. Requests of the two experimental kinds of subscription are not read,
but for `type`, to refuse them.
"""

import msgspec

from protocols.centrifugal.wire.values import (
    ABSENT,
    Int32,
    Int64,
    Offset,
    StreamPositionField,
    UInt32,
)


class FilterNode(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition on tags: a leaf (`key`, `cmp`, `val` or `vals`), or `op` over `nodes`.

    Equal ones have the same hash: one verdict may serve all who wish the same.
    """

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: tuple[str, ...] = ()
    nodes: tuple["FilterNode", ...] = ()


class SubscribeRequest(msgspec.Struct):
    """`flag` bits: 1 numeric channel ids welcome, 2 reject if not recoverable.

    `recover` continues from `epoch` and `offset`; `positioned`, `recoverable` and `join_leave` are
    wishes; `tf` is the filter by tags.
    """

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    data: msgspec.Raw = ABSENT
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: Int64 = 0
    type: Int32 = 0


class ConnectRequest(msgspec.Struct):
    """The first command; `subs` are positions of server-side subscriptions only."""

    token: str = ""
    data: msgspec.Raw = ABSENT
    subs: dict[str, SubscribeRequest] = {}
    name: str = ""
    version: str = ""
    headers: dict[str, str] = {}
    flag: Int64 = 0


class UnsubscribeRequest(msgspec.Struct):
    """End one subscription."""

    channel: str = ""


class PublishRequest(msgspec.Struct):
    """Publish `data` to the channel."""

    channel: str = ""
    data: msgspec.Raw = ABSENT


class PresenceRequest(msgspec.Struct):
    """Who is subscribed."""

    channel: str = ""


class PresenceStatsRequest(msgspec.Struct):
    """How many are subscribed."""

    channel: str = ""


class HistoryRequest(msgspec.Struct):
    """`limit`: 0 the position only, -1 all up to the server's cap."""

    channel: str = ""
    limit: Int32 = 0
    since: StreamPositionField | None = None
    reverse: bool = False


class PingRequest(msgspec.Struct):
    """Nothing to say; pongs are empty commands instead."""


class SendRequest(msgspec.Struct):
    """A message that is not answered; the only command without an id."""

    data: msgspec.Raw = ABSENT


class RPCRequest(msgspec.Struct):
    """Call `method` with `data`."""

    data: msgspec.Raw = ABSENT
    method: str = ""


class RefreshRequest(msgspec.Struct):
    """A new token before the old one expires."""

    token: str = ""


class SubRefreshRequest(msgspec.Struct):
    """A new token of one subscription before the old one expires."""

    channel: str = ""
    token: str = ""


class Command(msgspec.Struct):
    """One of the methods, by its key; none: a pong."""

    id: UInt32 = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: PresenceRequest | None = None
    presence_stats: PresenceStatsRequest | None = None
    history: HistoryRequest | None = None
    ping: PingRequest | None = None
    send: SendRequest | None = None
    rpc: RPCRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None


class EmulationRequest(msgspec.Struct):
    """What a stream's client sends by a request of its own.

    `data` is a frame of commands: in JSON a string, in Protobuf the bytes themselves.
    """

    node: str = ""
    session: str = ""
    data: msgspec.Raw = ABSENT
