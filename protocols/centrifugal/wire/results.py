"""What commands are answered with when nothing went wrong. Zero and empty fields are left out."""

import msgspec

from protocols.centrifugal.wire.values import (
    ABSENT,
    ClientInfo,
    Int64,
    Offset,
    PublicationField,
    UInt32,
)


class SubscribeResult(msgspec.Struct, omit_defaults=True):
    """`offset` is the client's own one when `recovered`, so that it walks forward itself.

    `id` may stand for the channel in pushes to this connection.
    """

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: Offset = 0
    was_recovering: bool = False
    recovered: bool = False
    publications: list[PublicationField] = []
    expires: bool = False
    ttl: UInt32 = 0
    data: msgspec.Raw = ABSENT
    delta: bool = False
    id: Int64 = 0


class ConnectResult(msgspec.Struct, omit_defaults=True):
    """`ping` in seconds; `expires` and `ttl` only when the client must refresh.

    `session` and `node` are for the emulated transports; `time` is in milliseconds since 1970.
    """

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


class UnsubscribeResult(msgspec.Struct):
    """Nothing to say."""


class PublishResult(msgspec.Struct):
    """Nothing to say."""


class PresenceResult(msgspec.Struct):
    """Who is subscribed, by the ids of their connections; said also when it is nobody."""

    presence: dict[str, ClientInfo] = {}


class PresenceStatsResult(msgspec.Struct):
    """How many connections, of how many users; zeros are written, one client compares them."""

    num_clients: UInt32 = 0
    num_users: UInt32 = 0


class HistoryResult(msgspec.Struct):
    """A part of the history and the channel's top."""

    publications: list[PublicationField] = []
    epoch: str = ""
    offset: Offset = 0


class PingResult(msgspec.Struct):
    """Nothing to say."""


class RPCResult(msgspec.Struct, omit_defaults=True):
    """What was called has answered with `data`."""

    data: msgspec.Raw = ABSENT


class RefreshResult(msgspec.Struct, omit_defaults=True):
    """The connection lives on for `ttl` seconds."""

    client: str
    version: str
    expires: bool = False
    ttl: UInt32 = 0


class SubRefreshResult(msgspec.Struct, omit_defaults=True):
    """The subscription lives on for `ttl` seconds."""

    expires: bool = False
    ttl: UInt32 = 0
