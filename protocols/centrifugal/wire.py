r"""The JSON form: commands in, replies and pushes out. Payloads are carried, never parsed.

A frame holds one or more objects separated by `\n`. Zero and empty fields are left out; unknown
fields are ignored. What commands mean stands in `session.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from protocols.centrifugal.codes import ErrorCode, Unsubscribed
from protocols.channels import Publication

PING = b"{}"
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # what logs and feeds can count to
ABSENT = msgspec.Raw()  # a field that was not there; `Raw | None` reads null only


class StreamPositionField(msgspec.Struct, omit_defaults=True):
    """`since` of a history request."""

    offset: Offset = 0
    epoch: str = ""


class ConnectRequest(msgspec.Struct):
    """The first command; `subs` (server-side subscriptions) and `data` are not read."""

    token: str = ""
    name: str = ""
    version: str = ""


class SubscribeRequest(msgspec.Struct):
    """`flag` bits: 1 numeric channel ids welcome, 2 reject if not recoverable."""

    channel: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    flag: int = 0
    type: int = 0
    tf: msgspec.Raw = ABSENT


class UnsubscribeRequest(msgspec.Struct):
    """End one subscription."""

    channel: str = ""


class HistoryRequest(msgspec.Struct):
    """`limit`: 0 the position only, -1 all up to the server's cap."""

    channel: str = ""
    limit: int = 0
    since: StreamPositionField | None = None
    reverse: bool = False


class RefreshRequest(msgspec.Struct):
    """A new token before the old one expires."""

    token: str = ""


class PublishRequest(msgspec.Struct):
    """Only the channel is looked at, to refuse it rightly."""

    channel: str = ""


class Command(msgspec.Struct):
    """One of the methods, by its key; none: a pong."""

    id: int = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    history: HistoryRequest | None = None
    refresh: RefreshRequest | None = None
    publish: PublishRequest | None = None
    presence: msgspec.Raw = ABSENT
    presence_stats: msgspec.Raw = ABSENT
    sub_refresh: msgspec.Raw = ABSENT
    rpc: msgspec.Raw = ABSENT
    send: msgspec.Raw = ABSENT


class PublicationField(msgspec.Struct, omit_defaults=True):
    """A publication inside a result."""

    data: msgspec.Raw
    offset: int = 0


class ConnectResult(msgspec.Struct, omit_defaults=True):
    """`ping` in seconds; `expires` and `ttl` only when the client must refresh."""

    client: str
    version: str
    ping: int = 0
    pong: bool = False
    expires: bool = False
    ttl: int = 0


class SubscribeResult(msgspec.Struct, omit_defaults=True):
    """`offset` is the client's own one when `recovered`, so that it walks forward itself."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    was_recovering: bool = False
    recovered: bool = False
    publications: list[PublicationField] = []


class UnsubscribeResult(msgspec.Struct):
    """Nothing to say."""


class HistoryResult(msgspec.Struct, omit_defaults=True):
    """A part of the history and the channel's top."""

    publications: list[PublicationField] = []
    epoch: str = ""
    offset: int = 0


class RefreshResult(msgspec.Struct, omit_defaults=True):
    """The connection lives on for `ttl` seconds."""

    client: str
    version: str
    expires: bool = False
    ttl: int = 0


class ErrorField(msgspec.Struct, omit_defaults=True):
    """What went wrong with a command."""

    code: int
    message: str
    temporary: bool = False


class Reply(msgspec.Struct, omit_defaults=True):
    """The answer to the command of that id: a result under its method's key, or an error."""

    id: int
    error: ErrorField | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: UnsubscribeResult | None = None
    history: HistoryResult | None = None
    refresh: RefreshResult | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Command)


def commands(frame: str) -> Iterator[Command]:
    """The commands of a text frame, each decoded when its turn comes.

    Raises:
        msgspec.DecodeError, UnicodeEncodeError, RecursionError: A line is no command; a blank one
            is none.
    """
    for line in frame.removesuffix("\n").split("\n"):
        yield _DECODER.decode(line)


def encode(reply: Reply) -> bytes:
    """One line of JSON."""
    return _ENCODER.encode(reply)


def error(command_id: int, code: ErrorCode, message: str | None = None) -> bytes:
    """An answer that is an error, in the code's own words unless others are given."""
    field = ErrorField(code=code.code, message=message or code.message, temporary=code.temporary)
    return _ENCODER.encode(Reply(id=command_id, error=field))


def publication_fields(publications: Sequence[Publication]) -> list[PublicationField]:
    """Publications as results carry them."""
    return [
        PublicationField(data=msgspec.Raw(publication.data), offset=publication.offset)
        for publication in publications
    ]


def publications_push(channel: str, publications: Sequence[Publication]) -> bytes:
    """Publications as pushes, one line each: a `Form`. Payloads are one line of JSON."""
    head = b'{"push":{"channel":%s,"pub":{"data":' % _ENCODER.encode(channel)
    return b"\n".join(
        b'%s%s,"offset":%d}}}' % (head, publication.data, publication.offset)
        for publication in publications
    )


def unsubscribe_push(channel: str, why: Unsubscribed) -> bytes:
    """Tells the client that a subscription ended."""
    body = {"channel": channel, "unsubscribe": {"code": why.code, "reason": why.reason}}
    return _ENCODER.encode({"push": body})
