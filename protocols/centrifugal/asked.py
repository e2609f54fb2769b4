"""What a request asks for, where that does not depend on what was asked before.

Errors raised here answer the command: its sender may go on.
"""

from collections.abc import Mapping

import msgspec

from protocols import channels
from protocols.centrifugal import tags
from protocols.centrifugal.decisions import ReadHistory, Subscribe
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.commands import HistoryRequest, SubscribeRequest
from protocols.channels import Channel, StreamPosition
from protocols.errors import Forbidden, InvalidRequest
from protocols.namespaces import Namespaces

MAX_CHANNEL_BYTES = channels.MAX_NAME_BYTES
MAX_HISTORY = 300
FOSSIL = "fossil"
REJECT_UNRECOVERED = 2  # a bit of `flag`


def subscribe(command_id: int, request: SubscribeRequest, namespaces: Namespaces) -> Subscribe:
    """Where to begin, and whether only that will do.

    Raises:
        InvalidRequest, NotFound: As `channel`; or the filter by tags or the delta is not to be had.
        Forbidden: It is none of a stream.
    """
    if request.type:
        raise Forbidden("only subscriptions to streams are served")
    asked = channel(request.channel, namespaces)
    since = StreamPosition(request.epoch, request.offset) if request.recover else None
    must_recover = bool(request.flag & REJECT_UNRECOVERED)
    return Subscribe(command_id, asked, since, must_recover, _terms(request, asked))


def _terms(request: SubscribeRequest, asked: Channel) -> Terms:
    """As they are wished for; deltas where there are none are not granted, and that is said."""
    rules = asked.application
    if request.delta not in ("", FOSSIL):
        raise InvalidRequest(f"delta is {FOSSIL!r} or empty, not {request.delta[:20]!r}")
    if request.tf and (rules is None or not rules.tags_filter):
        raise InvalidRequest(f"channel {request.channel!r} takes no filter by tags")
    if request.tf and request.delta:
        raise InvalidRequest("a filter by tags and delta do not go together")
    return Terms(
        join_leave=request.join_leave,
        tags=tags.parse(request.tf) if request.tf else None,
        is_delta=bool(request.delta) and rules is not None and rules.delta,
    )


def positions(subs: Mapping[str, SubscribeRequest]) -> dict[str, StreamPosition]:
    """Those a client wants to continue, of the channels the server subscribes it to."""
    return {
        name: StreamPosition(request.epoch, request.offset)
        for name, request in subs.items()
        if request.recover
    }


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
