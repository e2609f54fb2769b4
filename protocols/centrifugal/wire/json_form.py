r"""The JSON form: text frames of one or more objects, separated by `\n`.

Zero and empty fields are left out; unknown fields are ignored.
"""

from collections.abc import Iterator, Sequence

import msgspec

from protocols.centrifugal.wire.changes import change_fields
from protocols.centrifugal.wire.commands import Command
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.publication import coming_push, push
from protocols.centrifugal.wire.replies import Push, Reply
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import ApplicationPublication, Publication
from protocols.errors import InvalidRequest
from protocols.operations.presence import Coming

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Command)


class JsonForm:
    """A `Form`: one object a line."""

    is_binary = False
    is_unidirectional = False
    separator = b"\n"

    def commands(self, frame: bytes) -> Iterator[Command]:
        """The commands of a frame; a line break may end it, a blank line is no command."""
        for line in frame.removesuffix(b"\n").split(b"\n"):
            yield _command(line)

    def reply(self, reply: Reply) -> bytes:
        """One line."""
        return _ENCODER.encode(reply)

    def publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """A line each."""
        if publications and isinstance(publications[0], ApplicationPublication):
            return b"\n".join(self.reply(push(channel, one)) for one in publications)
        head = b'{"push":{"channel":%s,"pub":{"data":' % _ENCODER.encode(channel)
        return b"\n".join(
            b'%s%s,"offset":%d}}}' % (head, publication.data, publication.offset)
            for publication in publications
        )

    def changes(
        self, channel: str, publications: Sequence[Publication], before: bytes | None
    ) -> bytes:
        """A message each, as what changed."""
        fields = self.change_fields(publications, before)
        return b"\n".join(self.reply(Reply(push=Push(channel, pub=one))) for one in fields)

    def change_fields(
        self, publications: Sequence[Publication], before: bytes | None
    ) -> list[PublicationField]:
        """The same for an answer."""
        return change_fields(publications, before, is_text=True)

    def coming(self, coming: Coming) -> bytes:
        """A message, or none."""
        push = coming_push(coming)
        return self.reply(push) if push else b""


def _command(line: bytes) -> Command:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("a line of the frame is no command") from None


JSON: Form = JsonForm()
