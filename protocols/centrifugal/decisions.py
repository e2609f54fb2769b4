"""What a session asks its driver to do. Plain values; what they need is done elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.centrifugal.codes import Disconnect, Unsubscribed
from protocols.centrifugal.terms import BY_COMMAND, Terms
from protocols.centrifugal.wire.replies import Reply
from protocols.channels import Channel, StreamPosition


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who this is; then `accept` or `refuse_connect`.

    Attributes:
        id: Of the command.
        token: A key or a token, or None: the handshake must do.
        positions: Those to continue where the server subscribes the client, by channel.
    """

    id: int
    token: str | None
    positions: Mapping[str, StreamPosition] = field(default_factory=dict[str, StreamPosition])


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Join the channel; then `subscribed` or `refuse`, and let it flow."""

    id: int
    channel: Channel
    since: StreamPosition | None
    must_recover: bool
    terms: Terms = BY_COMMAND


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Leave the channel, then send the answer."""

    channel: str
    answer: Reply


@dataclass(frozen=True, slots=True)
class RefreshSubscription:
    """Let the subscription go on; then its `refreshed`."""

    id: int
    channel: Channel
    terms: Terms


@dataclass(frozen=True, slots=True)
class End:
    """Leave the channel and tell the client why."""

    channel: str
    why: Unsubscribed


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read a part of the channel's history; then `history` or `refuse`."""

    id: int
    channel: Channel
    since: StreamPosition | None
    limit: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class ReadPresence:
    """Find out who is in the channel, if they may ask; then `presence` or `refuse`."""

    id: int
    channel: Channel
    is_subscribed: bool


@dataclass(frozen=True, slots=True)
class CountPresence:
    """Find out how many are; then `presence_stats` or `refuse`."""

    id: int
    channel: Channel
    is_subscribed: bool


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish to the channel, if they may; then `published` or `refuse`."""

    id: int
    channel: Channel
    data: bytes
    is_subscribed: bool


@dataclass(frozen=True, slots=True)
class Call:
    """Call an operation by its name, and answer."""

    id: int
    method: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Hand on what the client sent, or close where nobody takes it; it is not answered."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refresh:
    """Authenticate by the new token; then `refreshed`, `refuse` or close."""

    id: int
    token: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send this; nothing else is to be done."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket; nothing follows."""

    why: Disconnect


ChannelRequest = Subscribe | ReadHistory | ReadPresence | CountPresence | Publish
Decision = (
    ChannelRequest
    | Authenticate
    | Call
    | Message
    | Refresh
    | RefreshSubscription
    | Unsubscribe
    | End
    | Send
    | Close
)
