"""What is said to a client that only listens: bare pushes, as JSON.

It has said one thing, a connect request, and says nothing more. The channels whose positions it
brought are asked for on its behalf by commands of ours, and what they are answered is told as
pushes. What would be an error, and a client would see to, ends its connection instead.
"""

from collections.abc import Iterator, Sequence

import msgspec

from protocols.centrifugal import codes
from protocols.centrifugal.listeners import CONNECT_ID
from protocols.centrifugal.wire.changes import change_fields
from protocols.centrifugal.wire.commands import Command, ConnectRequest
from protocols.centrifugal.wire.publication import coming_push, publication_field
from protocols.centrifugal.wire.replies import (
    PING,
    ConnectPush,
    Push,
    Reply,
    SubscribePush,
    UnsubscribePush,
)
from protocols.centrifugal.wire.results import ConnectResult, SubscribeResult
from protocols.centrifugal.wire.values import ErrorField, PublicationField
from protocols.channels import ApplicationPublication, Publication
from protocols.errors import InvalidRequest
from protocols.operations.presence import Coming

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ConnectRequest)


class UniForm:
    """A `Form`, for the client of one session; publications are spelled once for all of them.

    Args:
        session: What servers may name it by; a secret between them and the client.
    """

    is_binary = False
    is_unidirectional = True
    separator = b"\n"

    def __init__(self, *, session: str) -> None:
        self._session = session
        self._asked: dict[int, str] = {}

    def commands(self, frame: bytes) -> Iterator[Command]:
        """The request to connect, and one for each channel it brings."""
        try:
            request = _DECODER.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidRequest("the first message is no connect request") from None
        yield Command(id=CONNECT_ID, connect=request)
        for number, (channel, wish) in enumerate(request.subs.items(), CONNECT_ID + 1):
            self._asked[number] = channel
            # No push could agree to deltas.
            asked = msgspec.structs.replace(wish, channel=channel, delta="")
            yield Command(id=number, subscribe=asked)

    def reply(self, reply: Reply) -> bytes:
        """A push or a ping; an answer as the push that says the same."""
        if reply.push is not None:
            return _ENCODER.encode(reply.push)
        if reply.connect is not None:
            return _ENCODER.encode(Push(connect=self._connect(reply.connect)))
        channel = self._asked.pop(reply.id, "")
        if reply.subscribe is not None:
            return _subscribe(channel, reply.subscribe)
        if reply.error is not None:
            return _refused(channel, reply.error)
        return _ENCODER.encode(PING)

    @staticmethod
    def publications(channel: str, publications: Sequence[Publication]) -> bytes:
        """A line each."""
        if publications and isinstance(publications[0], ApplicationPublication):
            pushes = (Push(channel, pub=publication_field(one)) for one in publications)
            return b"\n".join(map(_ENCODER.encode, pushes))
        head = b'{"channel":%s,"pub":{"data":' % _ENCODER.encode(channel)
        return b"\n".join(
            b'%s%s,"offset":%d}}' % (head, one.data, one.offset) for one in publications
        )

    def changes(
        self, channel: str, publications: Sequence[Publication], before: bytes | None
    ) -> bytes:
        """A line each, as what changed."""
        fields = self.change_fields(publications, before)
        return b"\n".join(_ENCODER.encode(Push(channel, pub=one)) for one in fields)

    def change_fields(
        self, publications: Sequence[Publication], before: bytes | None
    ) -> list[PublicationField]:
        """The same for an answer."""
        return change_fields(publications, before, is_text=True)

    @staticmethod
    def coming(coming: Coming) -> bytes:
        """A push, or nothing."""
        reply = coming_push(coming)
        return _ENCODER.encode(reply.push) if reply else b""

    def _connect(self, result: ConnectResult) -> ConnectPush:
        told = msgspec.convert(result, ConnectPush, from_attributes=True)
        return msgspec.structs.replace(told, pong=False, session=self._session)


def _subscribe(channel: str, result: SubscribeResult) -> bytes:
    """That it is there now, and what it has missed."""
    told = SubscribePush(
        recoverable=result.recoverable,
        positioned=result.positioned,
        epoch=result.epoch,
        offset=result.offset,
        data=result.data,
    )
    pushes = [Push(channel, subscribe=told)]
    pushes += [Push(channel, pub=one) for one in result.publications]
    return b"\n".join(map(_ENCODER.encode, pushes))


def _refused(channel: str, error: ErrorField) -> bytes:
    if error.code == codes.ALREADY_SUBSCRIBED.code:
        return b""  # by the server, and told with the connection
    return _ENCODER.encode(
        Push(channel, unsubscribe=UnsubscribePush(codes.BY_SERVER.code, error.message))
    )
