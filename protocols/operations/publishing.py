"""What a program of the team may say in its channels, beside the clients that are in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from protocols.channels import Channel, StreamPosition
from protocols.errors import FactoryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What is to be published.

    Attributes:
        data: One line of JSON.
        tags: For subscribers that filter.
        skips_history: Whether it is for those alone who are in the channel now.
        idempotency_key: Publishing again under it, within five minutes, does nothing.
        version: Of what is published; one that is not newer than the last does nothing. 0: none.
        version_epoch: Versions of another one are not compared; empty: of whichever was last.
    """

    data: bytes
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    skips_history: bool = False
    idempotency_key: str = ""
    version: int = 0
    version_epoch: str = ""


class Publishing(Protocol):
    """The channels of applications, for who may publish to all of them, whatever their rules.

    On channels of the factory itself only the factory publishes.
    """

    async def publish(self, channel: Channel, publication: Publish) -> StreamPosition:
        """It is published; where the channel stands then. Without a history: no position.

        Raises:
            Forbidden: The role is not enough, or the channel is the factory's own.
            InvalidRequest: The data is not one line, or has a version and no history.
            LimitExceeded: It is too large.
            Unavailable: It may have been published, or not.
        """
        ...

    async def broadcast(
        self, channels: Sequence[Channel | FactoryError], publication: Publish
    ) -> list[StreamPosition | FactoryError]:
        """Publish the same to many, each for itself, with an answer for each in their order.

        Args:
            channels: Where to; an error stands for a name that was none, and is its answer.
            publication: What.

        Raises:
            Forbidden: The role is not enough.
            LimitExceeded: There are too many.
        """
        ...

    async def remove_history(self, channel: Channel) -> None:
        """The channel's publications are forgotten, its position is not.

        Raises:
            Forbidden: As `publish`.
            Unavailable: It may have been done, or not.
        """
        ...
