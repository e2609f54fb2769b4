"""Every name we use in Redis, made in one place.

One server may hold several factories, each under its own prefix.
"""

from dataclasses import dataclass

LOG = "log"  # no channel is called so: channels have a colon


@dataclass(frozen=True, slots=True)
class Keys:
    """The names under one prefix."""

    prefix: str

    def pubsub(self, channel: str) -> str:
        """Where the frames of a channel are published; LOG: the positions of commits."""
        return f"{self.prefix}:{LOG}" if channel == LOG else f"{self.prefix}:c:{channel}"

    def channel(self, pubsub: str) -> str:
        """The channel that is published there."""
        name = pubsub[len(self.prefix) + 1 :]
        return name if name == LOG else name[len("c:") :]

    def history(self, channel: str) -> str:
        """The stream that keeps a feed's last publications; its ids are `<offset>-0`."""
        return f"{self.prefix}:h:{channel}"

    def meta(self, channel: str) -> str:
        """A hash: `e` the feed's epoch, `s` its top offset. It outlives the history."""
        return f"{self.prefix}:m:{channel}"

    def roll(self) -> str:
        """A hash: what each hub says of itself, by its id."""
        return f"{self.prefix}:roll"

    def answer(self, name: str) -> str:
        """What a worker answers to somebody who waits."""
        return f"{self.prefix}:a:{name}"
