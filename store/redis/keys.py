"""Every name we use in Redis, made in one place.

One server may hold several factories, each under its own prefix (without braces, on a cluster).
Channels of applications belong to a team, and go by a name that carries it: `{t1:news}`. No other
channel's name begins with a brace, and Redis keeps what shares the words in braces on one server of
a cluster, whatever the channel is called: they begin with the team, so they are never empty.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from protocols.principals import TeamId

LOG = "log"  # no channel is called so: channels have a colon
CONTROL = "control"  # nor so
RESULT_BYTES = 16  # of the digest that stands for an idempotency key


class PresenceKeys(NamedTuple):
    """What is kept of who is in a channel, or anywhere it is asked for.

    Attributes:
        members: A hash: the user and the info of each client.
        expiries: A sorted set: when each client is gone, in Redis's milliseconds.
        order: A sorted set of the clients by name, for pages.
        users: A hash: how many clients each user has.
    """

    members: str
    expiries: str
    order: str
    users: str


def application_channel(team: TeamId, channel: str) -> str:
    """How a team's own channel is called here, and by a `Listener`."""
    return f"{{t{team}:{channel}}}"


def parse_application_channel(name: str) -> tuple[TeamId, str] | None:
    """Team and channel of such a name; None when it is the name of something else."""
    if not name.startswith("{t"):
        return None
    team, _, channel = name[2:-1].partition(":")
    return TeamId(int(team)), channel


def control_channel(node: str) -> str:
    """Where one process is told something; all of them: CONTROL."""
    return f"{CONTROL}:{node}"


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
        """The stream that keeps a channel's last publications; its ids are `<offset>-0`."""
        return f"{self.prefix}:h:{channel}"

    def meta(self, channel: str) -> str:
        """A hash: `e` the channel's epoch, `s` its top offset. It outlives the history.

        Of an application's channel also `v` and `ve`: the last version published, and its epoch;
        and `r`: the run id of the server that has this epoch.
        """
        return f"{self.prefix}:m:{channel}"

    def roll(self) -> str:
        """A hash: what each hub says of itself, by its id."""
        return f"{self.prefix}:roll"

    def answer(self, name: str) -> str:
        """What a worker answers to somebody who waits."""
        return f"{self.prefix}:a:{name}"

    def result(self, channel: str, idempotency_key: str) -> str:
        """What publishing under this key came to."""
        text = idempotency_key.encode(errors="surrogatepass")
        digest = blake2b(text, digest_size=RESULT_BYTES).hexdigest()
        return f"{self.prefix}:i:{digest}:{channel}"

    def presence(self, channel: str) -> PresenceKeys:
        """Who is in a channel."""
        return PresenceKeys(
            members=f"{self.prefix}:pm:{channel}",
            expiries=f"{self.prefix}:pe:{channel}",
            order=f"{self.prefix}:po:{channel}",
            users=f"{self.prefix}:pu:{channel}",
        )

    def seen(self, team: TeamId) -> str:
        """A sorted set: when each user of the team was last seen, in Redis's milliseconds."""
        return f"{self.prefix}:seen:{{t{team}}}"
