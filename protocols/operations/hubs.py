"""What may be looked at in the realtime hub: its processes, connections and channels, and now.

Everything is of the team of the one who asks, on all hubs together, but for what a process says of
itself. A hub that does not answer within a second is named and not waited for: what is told is then
of the others. Lists are bounded; what they leave out is counted.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.operations.system import HubProcess

MAX_LISTED = 200


class Kept(StrEnum):
    """Where a channel's past is, from which whoever comes back goes on."""

    LOG = "log"
    FEED = "feed"
    HISTORY = "history"
    NOTHING = "nothing"


class Comebacks(BaseModel):
    """How readers came back, by where what they had missed was found; since the process began."""

    model_config = ConfigDict(frozen=True)

    nothing_missed: int = 0
    from_log: int = 0
    from_history: int = Field(default=0, description="Of an application's channel.")
    from_feed: int = 0
    not_recovered: int = Field(default=0, description="They were told so, and began anew.")
    fell_behind: int = Field(
        default=0, description="Readers who did not keep up, and read on from what is kept."
    )


class NamespaceActivity(BaseModel):
    """The team's channels of one namespace, on one hub."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Empty: of channels without a colon.")
    kept: Kept
    channels: int = Field(description="With at least one reader now.")
    subscribers: int
    deliveries: int = Field(description="Publications handed to readers since the process began.")
    recoveries: Comebacks


class SlowReader(BaseModel):
    """A connection that takes less than it is sent."""

    model_config = ConfigDict(frozen=True)

    client: str
    user: str
    hub: str
    queued_bytes: int = Field(description="What waits to be written to it.")
    channel: str = Field(description="Where it is behind the most; empty: only its queue is long.")
    behind: int = Field(description="Publications of that channel it has yet to be given.")


class HubActivity(BaseModel):
    """What the team has on one hub."""

    model_config = ConfigDict(frozen=True)

    id: str
    connections: int
    queued_bytes: int = Field(description="What waits to be written to the team's connections.")
    namespaces: list[NamespaceActivity]
    slow_readers: list[SlowReader] = Field(description="At most twenty, the slowest first.")
    slow_count: int
    slow_closes: int = Field(description="Cut because they did not read; of all teams.")


class Reached(BaseModel):
    """Whether an answer is of all hubs."""

    model_config = ConfigDict(frozen=True)

    silent: list[str] = Field(description="Hubs that did not answer in time, or cannot tell.")
    is_whole: bool = Field(
        description="False: hubs are silent, or, when none is named, Redis is out of reach and"
        " only the answering hub is told of."
    )


class HubsNow(Reached):
    """Every hub, the one that answers first."""

    hub: str = Field(description="Id of the hub process that answers.")
    time: datetime
    processes: list[HubProcess] = Field(description="As each says of itself every 5 s.")
    activities: list[HubActivity] = Field(description="Of the hubs that answered, as of now.")


class Client(BaseModel):
    """One connection."""

    model_config = ConfigDict(frozen=True)

    client: str
    user: str
    hub: str
    transport: str = Field(description="`websocket`, `http_stream`, `sse` …")
    protocol: str = Field(description="`json` or `protobuf`.")
    seconds: float = Field(description="How long it has been there.")
    queued_bytes: int = Field(description="What waits to be written to it.")
    subscriptions: int
    channels: list[str] = Field(description="The first fifty by name.")


class ClientList(Reached):
    """Connections, the longest there first."""

    items: list[Client]
    total: int = Field(description="How many there are, with those that were left out.")


class OpenChannel(BaseModel):
    """A channel that somebody is in."""

    model_config = ConfigDict(frozen=True)

    name: str
    namespace: str
    kept: Kept
    subscribers: int
    deliveries: int = Field(description="Handed to readers since it was opened, on all hubs.")
    epoch: str
    offset: int = Field(description="Its position, as the farthest hub knows it.")


class ChannelList(Reached):
    """Channels, those with most subscribers first.

    Where one hub has more than a thousand of them, it counts all and names its largest.
    """

    items: list[OpenChannel]
    total: int = Field(description="How many there are; a channel on two hubs may count twice.")


class LastPublication(BaseModel):
    """Something that was published."""

    model_config = ConfigDict(frozen=True)

    offset: int
    bytes: int
    data: str = Field(description="JSON, its first 2,000 characters.")
    time: datetime | None = Field(description="Null where it stands in the data itself, or nowhere")


class ChannelNow(Reached):
    """One channel: where it stands, who is in it, what came last."""

    name: str
    namespace: str
    kept: Kept
    epoch: str
    offset: int = Field(description="0 where nothing is kept.")
    last: list[LastPublication] = Field(description="Newest first, at most ten.")
    subscribers: list[Client] = Field(description="At most a hundred, the longest there first.")
    total: int = Field(description="How many subscribers there are.")


class ClientsQuery(BaseModel):
    """Which connections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: Annotated[
        str,
        Field(max_length=255, description="Part of its id, its user, or a channel it is in."),
    ] = ""
    client: Annotated[str, Field(max_length=64, description="Only the one of this id.")] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 100


class ChannelsQuery(BaseModel):
    """Which channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: Annotated[str, Field(max_length=255, description="Part of the name.")] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = 100


class CloseClients(BaseModel):
    """Which connections to close: one, or all of a user; both: one, if it is that user's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: Annotated[str, Field(max_length=64, description="Its id.")] = ""
    user: Annotated[str, Field(max_length=255)] = ""
    is_final: Annotated[
        bool,
        Field(description="They are told not to come back by themselves (3503), else to (3011)."),
    ] = True


class Closed(Reached):
    """What came of it."""

    closed: int = Field(description="Connections; how many of them were on silent hubs is unknown.")


class Hubs(Protocol):
    """The realtime hub, looked at. Operators and owners may."""

    async def now(self) -> HubsNow:
        """Every process, and what the team has there."""
        ...

    async def clients(self, query: ClientsQuery) -> ClientList:
        """Connections of the team."""
        ...

    async def channels(self, query: ChannelsQuery) -> ChannelList:
        """Channels that somebody of the team is in."""
        ...

    async def channel(self, name: str) -> ChannelNow:
        """One channel, whether or not somebody is in it.

        Raises:
            NotFound: There is none of this name in the team.
            Unavailable: Its position is out of reach.
        """
        ...

    async def close(self, request: CloseClients) -> Closed:
        """Close connections of the team.

        Raises:
            InvalidRequest: It is not said which.
        """
        ...


def in_order(clients: Sequence[Client], limit: int) -> list[Client]:
    """The longest there first, and no more than so many."""
    return sorted(clients, key=lambda one: (-one.seconds, one.client))[:limit]
