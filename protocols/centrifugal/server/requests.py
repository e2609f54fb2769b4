"""What servers ask, as JSON: a request for each method. Unknown fields are ignored.

What the protocol calls data is any JSON; `b64data` is the same in base64, for languages in which
that is easier.
"""

import base64
import binascii

import msgspec

from protocols.centrifugal import asked
from protocols.centrifugal.wire.values import ABSENT, Int32, Offset, StreamPositionField
from protocols.errors import InvalidRequest


class PublishRequest(msgspec.Struct):
    """Publish to one channel."""

    channel: str
    data: msgspec.Raw = ABSENT
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: str = ""
    delta: bool = False
    version: Offset = 0
    version_epoch: str = ""


class BroadcastRequest(msgspec.Struct):
    """Publish the same to many channels."""

    channels: list[str]
    data: msgspec.Raw = ABSENT
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: str = ""
    delta: bool = False
    version: Offset = 0
    version_epoch: str = ""


class ChannelRequest(msgspec.Struct):
    """Of `presence`, `presence_stats` and `history_remove`."""

    channel: str


class HistoryRequest(msgspec.Struct):
    """`limit`: 0 the position only, -1 all up to the server's cap."""

    channel: str
    limit: Int32 = 0
    since: StreamPositionField | None = None
    reverse: bool = False


class ChannelsRequest(msgspec.Struct):
    """Which channels: a pattern with `*` and `?`."""

    pattern: str = ""


class InfoRequest(msgspec.Struct):
    """Nothing to say."""


class ConnectionsRequest(msgspec.Struct):
    """Whose connections; all of the team's when empty."""

    user: str = ""


class UserStatusRequest(msgspec.Struct):
    """Which users."""

    users: list[str]


class DisconnectField(msgspec.Struct):
    """With what to close."""

    code: Int32 = 0
    reason: str = ""


class DisconnectRequest(msgspec.Struct):
    """Close connections of a user, or one of them; those in the whitelist stay."""

    user: str = ""
    client: str = ""
    session: str = ""
    whitelist: list[str] = []
    disconnect: DisconnectField | None = None


class BoolField(msgspec.Struct):
    """A choice that may be left open."""

    value: bool = False


class OverrideField(msgspec.Struct):
    """Options of the channel that are otherwise for a subscriber."""

    presence: BoolField | None = None
    join_leave: BoolField | None = None
    force_push_join_leave: BoolField | None = None
    force_recovery: BoolField | None = None
    force_positioning: BoolField | None = None


class SubscribeRequest(msgspec.Struct):
    """Put connections of a user, or one of them, into a channel."""

    channel: str
    user: str = ""
    client: str = ""
    session: str = ""
    info: msgspec.Raw = ABSENT
    b64info: str = ""
    data: msgspec.Raw = ABSENT
    b64data: str = ""
    recover_since: StreamPositionField | None = None
    expire_at: float = 0
    override: OverrideField | None = None


class UnsubscribeRequest(msgspec.Struct):
    """Take them out of it."""

    channel: str
    user: str = ""
    client: str = ""
    session: str = ""


class RefreshRequest(msgspec.Struct):
    """Let them stay until `expire_at`, or for good; or end them as expired."""

    user: str = ""
    client: str = ""
    session: str = ""
    expired: bool = False
    expire_at: float = 0


class BatchRequest(msgspec.Struct):
    """Many requests: each an object with one method's name as its key."""

    commands: list[dict[str, msgspec.Raw]]
    parallel: bool = False


def text(data: msgspec.Raw, b64data: str) -> bytes:
    """The same where there may be nothing."""
    return payload(data, b64data) if b64data or bytes(data) else b""


def payload(data: msgspec.Raw, b64data: str) -> bytes:
    """What is published, as one line of JSON.

    Raises:
        InvalidRequest: It is no JSON, or no base64 of JSON; or nothing.
    """
    if not b64data:
        return asked.payload(data)
    try:
        return asked.payload(msgspec.Raw(base64.b64decode(b64data, validate=True)))
    except binascii.Error:
        raise InvalidRequest("b64data is no base64") from None
