"""What a request asks for, where that does not depend on what was asked before.

Errors raised here answer the command: its sender may go on.
"""

import msgspec

from protocols import channels
from protocols.centrifugal.decisions import ReadHistory, Subscribe
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.commands import HistoryRequest, SubscribeRequest
from protocols.channels import Channel, StreamPosition
from protocols.errors import Forbidden, InvalidRequest
from protocols.namespaces import Namespaces

MAX_CHANNEL_BYTES = 255
MAX_HISTORY = 300
REJECT_UNRECOVERED = 2  # a bit of `flag`


def subscribe(command_id: int, request: SubscribeRequest, namespaces: Namespaces) -> Subscribe:
    """Where to begin, and whether only that will do.

    Raises:
        InvalidRequest, NotFound: As `channel`; or a filter by tags is wished for.
        Forbidden: It is none of a stream.
    """
    if request.type:
        raise Forbidden("only subscriptions to streams are served")
    if request.tf:
        raise InvalidRequest("a filter by tags is not served")
    since = StreamPosition(request.epoch, request.offset) if request.recover else None
    must_recover = bool(request.flag & REJECT_UNRECOVERED)
    terms = Terms(join_leave=request.join_leave)
    return Subscribe(command_id, channel(request.channel, namespaces), since, must_recover, terms)


def history(command_id: int, request: HistoryRequest, namespaces: Namespaces) -> ReadHistory:
    """Which part, within bounds.

    Raises:
        InvalidRequest, NotFound: As `channel`; or nothing can lie there.
    """
    asked = channel(request.channel, namespaces)
    since = request.since and StreamPosition(request.since.epoch, request.since.offset)
    if request.reverse and since and since.offset == 0:
        raise InvalidRequest("nothing lies before offset 0")
    limit = MAX_HISTORY if request.limit < 0 else min(request.limit, MAX_HISTORY)
    return ReadHistory(command_id, asked, since, limit, request.reverse)


def channel(name: str, namespaces: Namespaces) -> Channel:
    """The channel of that name.

    Raises:
        InvalidRequest: The name is empty or too long.
        NotFound: There can be no such channel.
    """
    size = len(name.encode())
    if not 0 < size <= MAX_CHANNEL_BYTES:
        raise InvalidRequest(f"a channel's name has 1 to {MAX_CHANNEL_BYTES} bytes, not {size}")
    return channels.parse(name, namespaces)


def payload(data: msgspec.Raw) -> bytes:
    """What a client publishes, as one line of JSON.

    Raises:
        InvalidRequest: It is no JSON.
    """
    text = bytes(data)
    try:
        msgspec.json.decode(text)
        return msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("what is published is JSON") from None
