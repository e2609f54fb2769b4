"""The Protobuf form: binary frames of messages, each after its length.

Unknown fields are ignored. Publications of the log and of feeds, the messages that are many, are
spelled by hand; all others by the runtime.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from protocols.centrifugal.wire import translate
from protocols.centrifugal.wire.changes import change_fields
from protocols.centrifugal.wire.commands import Command
from protocols.centrifugal.wire.field_numbers import FIELD_NUMBERS
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.publication import coming_push, push
from protocols.centrifugal.wire.replies import Push, Reply
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import ApplicationPublication, Publication
from protocols.errors import InvalidRequest
from protocols.operations.presence import Coming

MAX_LENGTH_BYTES = 5  # of a command's length: what 32 bits take
_CONTINUES = 0x80  # the bit of a varint's byte that says that another follows
_VARINT, _SIZED = 0, 2  # how a field's value is spelled


def varint(number: int) -> bytes:
    """A number from 0 on, seven bits a byte, the lowest first."""
    spelled = bytearray()
    while number >= _CONTINUES:
        spelled.append(number & 0x7F | _CONTINUES)
        number >>= 7
    spelled.append(number)
    return bytes(spelled)


_size = lru_cache(maxsize=4096)(varint)  # lengths come again and again
_LOWEST = [bytes((byte,)) for byte in range(256)]


def _count(number: int) -> bytes:
    """As `varint`, for numbers that follow one another: but for seven bits they are the same."""
    if number < _CONTINUES:
        return _LOWEST[number]
    return _LOWEST[number & 0x7F | _CONTINUES] + _size(number >> 7)


def _key(message: type[Push | Reply | PublicationField], field: str, kind: int) -> bytes:
    return varint(FIELD_NUMBERS[message][field] << 3 | kind)


_PUSH = _key(Reply, "push", _SIZED)
_CHANNEL = _key(Push, "channel", _SIZED)
_PUB = _key(Push, "pub", _SIZED)
_DATA = _key(PublicationField, "data", _SIZED)
_OFFSET = _key(PublicationField, "offset", _VARINT)


class ProtobufForm:
    """A `Form`: one message after the other, nothing between them."""

    is_binary = True
    is_unidirectional = False
    separator = b""

    def commands(self, frame: bytes) -> Iterator[Command]:
        """The commands of a frame."""
        if not frame:
            raise InvalidRequest("the frame is empty")
        position = 0
        while position < len(frame):
            size, position = _length(frame, position)
            end = position + size
            if end > len(frame):
                raise InvalidRequest("the frame ends within a command")
            yield translate.read(Command, frame[position:end])
            position = end

    def reply(self, reply: Reply) -> bytes:
        """One message."""
        message = translate.write(reply)
        return _size(len(message)) + message

    def publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """A message each: a reply of a push of a publication, each of them after its length."""
        if publications and isinstance(publications[0], ApplicationPublication):
            return b"".join(self.reply(push(channel, one)) for one in publications)
        name = channel.encode()
        head = b"%b%b%b%b" % (_CHANNEL, _size(len(name)), name, _PUB)
        spelled: list[bytes] = []
        for publication in publications:
            data = publication.data
            size, offset = _size(len(data)), _count(publication.offset)
            pub_bytes = len(_DATA) + len(size) + len(data) + len(_OFFSET) + len(offset)
            pub_size = _size(pub_bytes)
            push_bytes = len(head) + len(pub_size) + pub_bytes
            push_size = _size(push_bytes)
            reply_size = _size(len(_PUSH) + len(push_size) + push_bytes)
            spelled += (reply_size, _PUSH, push_size, head, pub_size, _DATA, size, data)
            spelled += (_OFFSET, offset)
        return b"".join(spelled)

    def changes(
        self, channel: str, publications: Sequence[Publication], before: bytes | None
    ) -> bytes:
        """A message each, as what changed."""
        fields = self.change_fields(publications, before)
        return b"".join(self.reply(Reply(push=Push(channel, pub=one))) for one in fields)

    def change_fields(
        self, publications: Sequence[Publication], before: bytes | None
    ) -> list[PublicationField]:
        """The same for an answer."""
        return change_fields(publications, before, is_text=False)

    def coming(self, coming: Coming) -> bytes:
        """A message, or none."""
        push = coming_push(coming)
        return self.reply(push) if push else b""


def _length(frame: bytes, position: int) -> tuple[int, int]:
    """A length, and where begins what it is of."""
    size = 0
    for index, byte in enumerate(frame[position : position + MAX_LENGTH_BYTES]):
        size |= (byte & 0x7F) << 7 * index
        if byte < _CONTINUES:
            return size, position + index + 1
    raise InvalidRequest("a command's length has no end")


PROTOBUF: Form = ProtobufForm()
