"""Channels: what can be watched, and the positions every transport resumes from."""

import re
import uuid
from dataclasses import dataclass
from enum import StrEnum

from protocols.errors import NotFound
from protocols.principals import TeamId


class Namespace(StrEnum):
    """`task` and `agent` are streams of the log; the others are feeds of a team."""

    TASK = "task"
    AGENT = "agent"
    TASKS = "tasks"
    AGENTS = "agents"
    OVERVIEW = "overview"
    KNOWLEDGE = "knowledge"


LOGGED = frozenset({Namespace.TASK, Namespace.AGENT})
_NAMES = frozenset(namespace.value for namespace in Namespace)

_FEED = re.compile(r"^[1-9][0-9]{0,9}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Channel:
    """A parsed channel name: `task:<uuid>`, `tasks:<team>`."""

    namespace: Namespace
    key: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.key}"

    @property
    def is_logged(self) -> bool:
        """Whether its offsets are versions of a stream of the log."""
        return self.namespace in LOGGED

    @property
    def team(self) -> TeamId | None:
        """The team a feed belongs to; None for a stream, whose head knows."""
        return None if self.is_logged else TeamId(int(self.key))


def task_channel(task_id: str) -> str:
    """The channel that is the task's stream."""
    return f"{Namespace.TASK}:{task_id}"


def feed_channel(namespace: Namespace, team: TeamId) -> str:
    """A team's feed of changed rows."""
    return f"{namespace}:{team}"


def parse(name: str) -> Channel:
    """The channel of that name, spelled exactly so and no other way.

    Raises:
        NotFound: No such namespace, or the key is not in its one usual spelling.
    """
    namespace, colon, key = name.partition(":")
    if colon and namespace in _NAMES:
        channel = Channel(Namespace(namespace), key)
        if channel.is_logged and _is_plain_uuid(key):
            return channel
        if not channel.is_logged and _FEED.fullmatch(key):
            return channel
    raise NotFound(f"there is no channel {name[:80]!r}")


def _is_plain_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """A place in a channel: nothing up to `offset` is missing."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Publication:
    """One thing published: an offset and a payload that is one line of JSON, never parsed."""

    offset: int
    data: bytes
