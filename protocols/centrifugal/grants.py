"""What connection and subscription tokens grant, and why one grants nothing. Values only.

How a token is verified stands in `tokens.py`, what its claims may look like in `claims.py`. That a
channel may not be opened by a token at all (a log channel, another team's) is not known here.

Source: the Centrifugal client protocol's tokens; several channels in one are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.errors import Unauthenticated

WILDCARD = "*"
USER_BOUNDARY = "#"


class InvalidToken(Unauthenticated):
    """Not signed by a known key, or not what a token may say; a new one of that kind cannot help.

    Connect and refresh close for good (3500); a subscribe or its refresh is denied (103).
    """


class UnknownKey(InvalidToken):
    """The key asked has not signed it; another one may have."""


class ForeignToken(InvalidToken):
    """A sound subscription token of another user or for another channel: closes for good (3500)."""


class ExpiredToken(Unauthenticated):
    """It was good once: the client gets a new one and tries again (109)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Options of the channel that are otherwise for a subscriber; None: as the channel has it."""

    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSideSubscription:
    """A channel the connection is subscribed to without asking.

    Attributes:
        info: What others see of this subscriber in this channel; one line of JSON.
        data: Handed to the client with the subscription; one line of JSON.
        overrides: Options that are otherwise for it.
    """

    info: bytes | None = None
    data: bytes | None = None
    overrides: Overrides = NO_OVERRIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionGrants:
    """Who connects, as a connection token says.

    Attributes:
        user: Empty for anonymous, which the caller may not want.
        expires_at: When the connection has to be refreshed, in seconds since 1970; None: never.
        info: What others see of the connection; one line of JSON.
        meta: What only the server sees of it; one line of JSON.
        subscriptions: By channel; no permission to subscribe to anything else, nor to these again.
        token_id: The claim `jti`; empty if there is none.
        issued_at: The claim `iat`, unchecked; None if there is none.
    """

    user: str
    expires_at: float | None = None
    info: bytes | None = None
    meta: bytes | None = None
    subscriptions: Mapping[str, ServerSideSubscription] = field(
        default_factory=dict[str, ServerSideSubscription]
    )
    token_id: str = ""
    issued_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionGrant:
    """The right to subscribe to one channel, as a subscription token gave it.

    Attributes:
        user: The connection's own.
        channel: The one asked for, also where the token has a pattern.
        expires_at: When the subscription has to be refreshed, in seconds since 1970; None: never.
        info: What others see of this subscriber in this channel; one line of JSON.
        overrides: Options that are otherwise for it.
        token_id: The claim `jti`; empty if there is none.
        issued_at: The claim `iat`, unchecked; None if there is none.
    """

    user: str
    channel: str
    expires_at: float | None = None
    info: bytes | None = None
    overrides: Overrides = NO_OVERRIDES
    token_id: str = ""
    issued_at: float | None = None


def is_pattern(name: str) -> bool:
    """Whether it stands for many channels: it has a `*`, which no channel's own name has."""
    return WILDCARD in name


def is_sound_pattern(name: str) -> bool:
    """Whether it is `<namespace>:<beginning>*`.

    The one `*` is the last character and stands after a namespace and its colon; the beginning may
    be empty. So `*`, `new*`, `:*`, `news:*:a` and `news:**` are none: no pattern reaches over the
    bounds of a namespace.
    """
    namespace, colon, rest = name.partition(":")
    is_last_only = rest.find(WILDCARD) == len(rest) - 1
    return bool(namespace and colon and rest and is_last_only and WILDCARD not in namespace)


def covers(name: str, channel: str) -> bool:
    """Whether a token for `name` is one for `channel`.

    A name covers the channel spelled exactly so. A pattern covers every channel that begins as it
    does, character by character, and goes on: `news:*` covers `news:a` and `news:a:b`, not `news:`,
    `News:a` or `news`. Channels of certain users (`news:a#42`) are covered by a pattern only when
    the `#` stands in the pattern itself: they are else named one by one.
    """
    if not is_pattern(name):
        return name == channel
    beginning = name.removesuffix(WILDCARD)
    rest = channel.removeprefix(beginning)
    goes_on = channel.startswith(beginning) and bool(rest)
    return goes_on and WILDCARD not in rest and USER_BOUNDARY not in rest
