"""What messages are made of: numbers of a width, payloads, positions, who somebody is.

Fields the protocol calls "bytes" are `Raw`: JSON text that is carried and never parsed. The JSON
form embeds it, the Protobuf form carries the same text as bytes. In a command of a Protobuf client
it may be anything: whoever hands it on to others looks first whether it is JSON.
"""

from typing import Annotated

import msgspec

# Protobuf has integers of several widths, JSON has one; the width is told beside the number.
UInt32 = Annotated[int, msgspec.Meta(extra={"protobuf": "uint32"})]
Int32 = Annotated[int, msgspec.Meta(extra={"protobuf": "int32"})]
Int64 = Annotated[int, msgspec.Meta(extra={"protobuf": "int64"})]

MAX_OFFSET = 2**63 - 1  # what logs and feeds can count to
Offset = Annotated[int, msgspec.Meta(ge=0, le=MAX_OFFSET, extra={"protobuf": "uint64"})]

ABSENT = msgspec.Raw()  # a payload that is not there; `Raw | None` reads null only


class StreamPositionField(msgspec.Struct, omit_defaults=True):
    """`since` of a history request."""

    offset: Offset = 0
    epoch: str = ""


class ClientInfo(msgspec.Struct, omit_defaults=True):
    """Who is subscribed or has published; `user` is empty for the anonymous one."""

    user: str
    client: str
    conn_info: msgspec.Raw = ABSENT
    chan_info: msgspec.Raw = ABSENT


class PublicationField(msgspec.Struct, omit_defaults=True):
    """A publication; `info` of a client's own only, `channel` where the push's is a pattern.

    `delta` says that `data` is a patch against the publication before it; `time` is in
    milliseconds since 1970.
    """

    data: msgspec.Raw
    offset: Offset = 0
    info: ClientInfo | None = None
    tags: dict[str, str] = {}
    delta: bool = False
    time: Int64 = 0
    channel: str = ""


class ErrorField(msgspec.Struct, omit_defaults=True):
    """What went wrong with a command."""

    code: UInt32
    message: str
    temporary: bool = False
