"""The promise of a form: how messages are spelled, and how many stand in one frame."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from protocols.centrifugal.wire.commands import Command
from protocols.centrifugal.wire.replies import Reply
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import Publication
from protocols.operations.presence import Coming


class Form(Protocol):
    """What one connection speaks, both ways.

    Attributes:
        is_binary: Whether its frames are binary ones.
        is_unidirectional: Whether who speaks it only listens: no answers, no pongs.
        separator: Between two messages of a frame.
    """

    @property
    def is_binary(self) -> bool: ...  # noqa: D102  see Attributes
    @property
    def is_unidirectional(self) -> bool: ...  # noqa: D102
    @property
    def separator(self) -> bytes: ...  # noqa: D102

    def commands(self, frame: bytes) -> Iterator[Command]:
        """The commands of a frame, each decoded when its turn comes.

        Raises:
            InvalidRequest: What comes next is no command; an empty frame holds none.
        """
        ...

    def reply(self, reply: Reply) -> bytes:
        """One message."""
        ...

    def publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """Publications as pushes, several messages in a row: what a `Batch` is spelled by.

        Payloads are one line of JSON. All are of one kind.
        """
        ...

    def changes(
        self, channel: str, publications: Sequence[Publication], before: bytes | None
    ) -> bytes:
        """The same as what changed from one to the next, for who has agreed to `delta`."""
        ...

    def change_fields(
        self, publications: Sequence[Publication], before: bytes | None
    ) -> list[PublicationField]:
        """The same for an answer."""
        ...

    def coming(self, coming: Coming) -> bytes:
        """Who has come or gone, as a push; empty where what is told of them cannot be read."""
        ...
