"""What may be asked of the connections of a team, on all hubs together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from protocols.channels import Channel
from protocols.operations.presence import PresenceStats, Present


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Connections of the team: those of a user, or one of them.

    Attributes:
        user: As clients of that user are shown to others; empty: whoever's.
        client: Its id; empty: any.
        session: The secret of a stream's session; empty: any.
    """

    user: str = ""
    client: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What being put into a channel is like.

    Attributes:
        info: What others see of it there besides, one line of JSON; empty: nothing.
        data: Handed to the client with the subscription, one line of JSON; empty: nothing.
        since: The position to continue, epoch and offset; None: from now on.
        expires_at: When the connection ends over it, in seconds since 1970; None: never.
        overrides: Options of the channel that are otherwise for it, by their names.
    """

    info: str = ""
    data: str = ""
    since: tuple[str, int] | None = None
    expires_at: float | None = None
    overrides: Mapping[str, bool] = field(default_factory=dict[str, bool])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One connection.

    Attributes:
        client: Its id.
        user: Whose it is.
        hub: The node that has it.
        transport: `websocket`, `http_stream`, …
        protocol: `json` or `protobuf`.
        channels: Those it is in, the first hundred by name.
        subscriptions: How many it is in.
        seconds: How long it has been there.
    """

    client: str
    user: str
    hub: str
    transport: str
    protocol: str
    channels: Sequence[str]
    subscriptions: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCounts:
    """What one hub has, of all teams."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int
    uptime: int


class Connections(Protocol):
    """The connections of the team, wherever they are.

    All that changes something has been heard by every hub that answers when it returns; a hub that
    hangs is waited for no longer than a few seconds and is an error.
    """

    async def channels(self, pattern: str) -> Mapping[str, int]:
        """How many subscribers each channel has that has some.

        Args:
            pattern: Which of them: `*` stands for any characters, `?` for one; empty: all.

        Raises:
            Forbidden: The role is not enough.
            LimitExceeded: There are too many to tell at once.
            Unavailable: Not all hubs answered.
        """
        ...

    async def present(self, channel: Channel) -> list[Present]:
        """Who is in a channel that has presence, whatever its rules let clients see.

        Raises:
            Forbidden, Unavailable: As `channels`.
            LimitExceeded: There are too many to tell at once.
        """
        ...

    async def count_present(self, channel: Channel) -> PresenceStats:
        """How many are in a channel that has presence.

        Raises:
            Forbidden, Unavailable: As `channels`.
        """
        ...

    async def find(self, which: Which) -> list[ConnectionRow]:
        """The connections, the longest there first.

        Raises:
            Forbidden, LimitExceeded, Unavailable: As `channels`.
        """
        ...

    async def hubs(self) -> list[HubCounts]:
        """Every hub that answers.

        Raises:
            Forbidden, Unavailable: As `channels`.
        """
        ...

    async def disconnect(self, which: Which, *, code: int, reason: str, but: Sequence[str]) -> None:
        """They are closed with this code, but for these clients.

        Raises:
            Forbidden, Unavailable: As `channels`.
            InvalidRequest: It is not said which, or the code is none to close with.
        """
        ...

    async def subscribe(self, which: Which, channel: Channel, stay: Stay) -> None:
        """They are put into the channel, whatever its rules let clients do; at once, one by one.

        Who is there already stays. A channel that is none of the team's is nobody's.

        Raises:
            Forbidden, Unavailable: As `channels`.
            InvalidRequest: It is not said which.
            LimitExceeded: Too much waits to be done already; some have done it.
        """
        ...

    async def unsubscribe(self, which: Which, channel: Channel) -> None:
        """They are taken out of the channel, whoever wanted them there, and are told.

        Raises:
            Forbidden, InvalidRequest, LimitExceeded, Unavailable: As `subscribe`.
        """
        ...

    async def refresh(self, which: Which, *, expires_at: float | None, has_expired: bool) -> None:
        """Guests may stay until then, or for good; or they have expired and are closed.

        Of members the key or the session says how long they stay; expire may they, too.

        Raises:
            Forbidden, InvalidRequest, Unavailable: As `disconnect`.
        """
        ...
