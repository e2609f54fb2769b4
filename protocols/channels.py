"""Channels: what can be watched, and the positions every transport resumes from."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from protocols.errors import NotFound
from protocols.namespaces import NO_NAMESPACES, ApplicationNamespace, Namespaces, Recovery
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
MAX_NAME_BYTES = 255
_NAMES = frozenset(namespace.value for namespace in Namespace)

_FEED = re.compile(r"^[1-9][0-9]{0,9}$", re.ASCII)
_APPLICATION = re.compile(r"[!-~]+", re.ASCII)  # printable in one way, without spaces
USERS = "#"  # what follows the last one are the users the channel is for


@dataclass(frozen=True, slots=True)
class Channel:
    """A parsed channel name: `task:<uuid>`, `tasks:<team>`, or of an application: `news:sport`.

    Each team has its own channels of applications, by the same names.
    """

    namespace: Namespace | ApplicationNamespace
    key: str

    def __str__(self) -> str:
        if isinstance(self.namespace, Namespace):
            return f"{self.namespace}:{self.key}"
        return f"{self.namespace.name}:{self.key}" if self.namespace.name else self.key

    @property
    def application(self) -> ApplicationNamespace | None:
        """The rules of an application's channel; None for a stream or feed of the factory."""
        return None if isinstance(self.namespace, Namespace) else self.namespace

    @property
    def users(self) -> frozenset[str]:
        """The users that alone may subscribe, `x#42,43` and `#42`; none: the rules say who."""
        _, boundary, users = self.key.rpartition(USERS)
        return frozenset(users.split(",")) if boundary and self.application else frozenset()

    @property
    def has_history(self) -> bool:
        """Whether it has positions to go on from."""
        return isinstance(self.namespace, Namespace) or self.namespace.has_history

    @property
    def recovers_newest(self) -> bool:
        """Whether who comes back gets the newest publication alone."""
        rules = self.application
        return rules is not None and rules.recovery is Recovery.CACHE

    @property
    def is_logged(self) -> bool:
        """Whether its offsets are versions of a stream of the log."""
        return self.namespace in LOGGED

    @property
    def team(self) -> TeamId | None:
        """The team a feed belongs to; None for a stream, whose head knows, and an application's."""
        is_feed = isinstance(self.namespace, Namespace) and not self.is_logged
        return TeamId(int(self.key)) if is_feed else None


def task_channel(task_id: str) -> str:
    """The channel that is the task's stream."""
    return f"{Namespace.TASK}:{task_id}"


def personal_channel(namespace: ApplicationNamespace, user: str) -> Channel | None:
    """The user's own one there; None for users whose names no channel can be called by."""
    channel = Channel(namespace, USERS + user)
    is_sound = _APPLICATION.fullmatch(user) and len(str(channel)) <= MAX_NAME_BYTES
    return channel if is_sound and "," not in user and USERS not in user else None


def feed_channel(namespace: Namespace, team: TeamId) -> str:
    """A team's feed of changed rows."""
    return f"{namespace}:{team}"


def parse(name: str, namespaces: Namespaces = NO_NAMESPACES) -> Channel:
    """The channel of that name, spelled exactly so and no other way.

    Args:
        name: Of the channel; of bounded length.
        namespaces: Of application channels; none of them can take a name of the factory's own.

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
    elif _APPLICATION.fullmatch(name) and (found := namespaces.of(name)):
        channel = Channel(*found)
        if "" not in channel.users:
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


@dataclass(frozen=True, slots=True)
class ApplicationPublication(Publication):
    """One thing published by an application; its offset is 0 where no history is kept.

    Attributes:
        time: When, in milliseconds since 1970.
        info: Of the client that published, one line of JSON; empty when it was no client.
        tags: For subscribers that filter.
    """

    time: int
    info: bytes = b""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
