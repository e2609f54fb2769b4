"""What servers are answered, as JSON. Zero and empty fields are left out."""

import msgspec

from protocols.centrifugal.wire.results import HistoryResult, PresenceResult, PresenceStatsResult


class ApiError(msgspec.Struct):
    """What went wrong."""

    code: int
    message: str


class NoResult(msgspec.Struct):
    """It was done, and there is nothing to say."""


class PublishResult(msgspec.Struct, omit_defaults=True):
    """Where the channel stands; nothing where no history is kept."""

    offset: int = 0
    epoch: str = ""


class PublishAnswer(msgspec.Struct, omit_defaults=True):
    """One channel's part in a broadcast."""

    result: PublishResult | None = None
    error: ApiError | None = None


class BroadcastResult(msgspec.Struct):
    """An answer for each channel, in their order."""

    responses: list[PublishAnswer]


class ChannelCount(msgspec.Struct):
    """How many connections are in it."""

    num_clients: int


class ChannelsResult(msgspec.Struct):
    """Channels that somebody is in."""

    channels: dict[str, ChannelCount]


class NodeField(msgspec.Struct):
    """One hub."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int
    uptime: int


class InfoResult(msgspec.Struct):
    """All hubs."""

    nodes: list[NodeField]


class ConnectionField(msgspec.Struct):
    """One connection; `node` and what follows it is ours, not the protocol's."""

    transport: str
    protocol: str
    user: str
    node: str
    seconds: float
    num_subs: int
    channels: list[str]


class ConnectionsResult(msgspec.Struct):
    """Connections by their clients' ids."""

    connections: dict[str, ConnectionField]


class UserStatusField(msgspec.Struct):
    """One user; `active`: when seen last, in seconds since 1970, 0: not for long."""

    user: str
    active: int
    online: bool


class UserStatusResult(msgspec.Struct):
    """The users, in the order asked."""

    statuses: list[UserStatusField]


class BatchResult(msgspec.Struct):
    """What each command came to: its result by the method's name, or an error."""

    replies: list[dict[str, msgspec.Struct]]


Result = (
    NoResult
    | PublishResult
    | BroadcastResult
    | HistoryResult
    | PresenceResult
    | PresenceStatsResult
    | ChannelsResult
    | InfoResult
    | ConnectionsResult
    | UserStatusResult
)
