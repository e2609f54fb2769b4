"""Namespaces of application channels: which there are, and what may be done in their channels.

A channel `news:sport` is of the namespace `news`, one without a colon of the one whose name is
empty. Where namespaces come from and who keeps their rules is not known here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from protocols.errors import InvalidRequest
from protocols.principals import Role

RESERVED = frozenset({"task", "agent", "tasks", "agents", "overview", "knowledge"})
MAX_NAMESPACES = 1000
MAX_HISTORY_SECONDS = 30 * 24 * 3600
MAX_PUBLICATION_BYTES = 65_536  # a command is no larger

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


class Clients(StrEnum):
    """Which clients may do something: subscribers of the channel, or members by their role."""

    NOBODY = "nobody"
    SUBSCRIBERS = "subscribers"
    VIEWERS = "viewers"
    OPERATORS = "operators"
    OWNERS = "owners"
    ANYONE = "anyone"


class Recovery(StrEnum):
    """What a client that was away gets: all that it missed, or the newest publication alone."""

    STREAM = "stream"
    CACHE = "cache"


class Subscribers(StrEnum):
    """Which clients may subscribe without a token for it."""

    ANYONE = "anyone"
    MEMBERS = "members"
    TOKEN = "token"  # noqa: S105  nobody may


MEMBERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.OWNER})

_ROLES: dict[Clients, frozenset[Role]] = {
    Clients.VIEWERS: MEMBERS,
    Clients.OPERATORS: frozenset({Role.OPERATOR, Role.OWNER}),
    Clients.OWNERS: frozenset({Role.OWNER}),
}


class ApplicationNamespace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of its channels.

    Attributes:
        name: What names of its channels begin with, before the colon; empty: they have none.
        history_size: How many publications are kept; 0: none, and who was away misses some.
        history_seconds: How long after the last one.
        publish: Which clients may publish.
        subscribe: Which clients may subscribe without a token for it.
        personal: Whether each client is subscribed to the channel `#<user>` of its own here.
        max_bytes: Of one publication.
        presence: Whether it is known who subscribes.
        see_presence: Which clients may ask who does, and be told who comes and goes.
        join_leave: Whether subscribers are told who comes and goes, if they wish.
        force_push_join_leave: They are told also if they do not.
        tags_filter: Whether subscribers may have only publications of certain tags.
        delta: Whether subscribers may have what has changed since the last one.
        conflate: Whether a slow reader gets the newest publication once it has room, and not all.
        recovery: What who was away gets of what is kept.
        auto_cache_recover: The newest publication is for who subscribes the first time, too.
    """

    name: str
    history_size: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    history_seconds: Annotated[float, msgspec.Meta(ge=0, le=MAX_HISTORY_SECONDS)] = 0
    publish: Clients = Clients.NOBODY
    subscribe: Subscribers = Subscribers.MEMBERS
    personal: bool = False
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=MAX_PUBLICATION_BYTES)] = MAX_PUBLICATION_BYTES
    presence: bool = False
    see_presence: Clients = Clients.SUBSCRIBERS
    join_leave: bool = False
    force_push_join_leave: bool = False
    tags_filter: bool = False
    delta: bool = False
    conflate: bool = False
    recovery: Recovery = Recovery.STREAM
    auto_cache_recover: bool = False

    @property
    def has_history(self) -> bool:
        """Whether its channels have positions, from which one recovers."""
        return self.history_size > 0

    def lets_publish(self, role: Role, *, is_subscribed: bool) -> bool:
        """Whether a client of this role may publish."""
        return _are_of(self.publish, role, is_subscribed=is_subscribed)

    def lets_see_presence(self, role: Role, *, is_subscribed: bool) -> bool:
        """Whether a client of this role may know who subscribes."""
        return _are_of(self.see_presence, role, is_subscribed=is_subscribed)

    def lets_subscribe(self, role: Role) -> bool:
        """Whether a client of this role may subscribe without a token for it."""
        is_member = role in MEMBERS
        return self.subscribe is Subscribers.ANYONE or (
            is_member and self.subscribe is Subscribers.MEMBERS
        )


def _are_of(clients: Clients, role: Role, *, is_subscribed: bool) -> bool:
    if clients is Clients.ANYONE:
        return True
    if clients is Clients.SUBSCRIBERS:
        return is_subscribed
    return role in _ROLES.get(clients, ())


class Namespaces:
    """All there are, by their names."""

    def __init__(self, namespaces: Iterable[ApplicationNamespace] = ()) -> None:
        self._by_name = {namespace.name: namespace for namespace in namespaces}

    def become(self, namespaces: Iterable[ApplicationNamespace]) -> None:
        """From now on there are these; whoever asks from now on is answered so."""
        self._by_name = {namespace.name: namespace for namespace in namespaces}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_name)

    def __iter__(self) -> Iterator[ApplicationNamespace]:
        """Each of them."""
        return iter(self._by_name.values())

    def of(self, channel: str) -> tuple[ApplicationNamespace, str] | None:
        """The namespace of a channel of this name, and its name within; None: there is none."""
        name, colon, rest = channel.partition(":")
        if not colon:
            name, rest = "", channel
        namespace = self._by_name.get(name) if rest else None
        return namespace and (namespace, rest)


NO_NAMESPACES = Namespaces()


def parse(text: str) -> Namespaces:
    """The namespaces of a JSON list of objects; of an empty text none.

    Raises:
        InvalidRequest: One of them breaks a rule; the message names both.
    """
    if not text.strip():
        return NO_NAMESPACES
    try:
        described = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, RecursionError):
        raise InvalidRequest("namespaces are a JSON list of objects") from None
    if len(described) > MAX_NAMESPACES:
        raise InvalidRequest(f"there are at most {MAX_NAMESPACES} namespaces, not {len(described)}")
    found: dict[str, ApplicationNamespace] = {}
    for number, fields in enumerate(described, 1):
        namespace = _namespace(fields, number)
        if namespace.name in found:
            raise InvalidRequest(f"namespace {namespace.name!r}: there are two of this name")
        found[namespace.name] = namespace
    return Namespaces(found.values())


def make(name: str, rules: Mapping[str, object]) -> ApplicationNamespace:
    """The namespace of this name with these rules.

    Raises:
        InvalidRequest: One of them is not sound; the message names it.
    """
    if "name" in rules:
        raise InvalidRequest("a namespace's name is not one of its rules", field="name")
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in rules.items()}
    return _namespace({**fields, "name": msgspec.Raw(msgspec.json.encode(name))}, 1)


def _namespace(fields: dict[str, msgspec.Raw], number: int) -> ApplicationNamespace:
    called = bytes(fields["name"]).decode()[:80] if "name" in fields else f"no. {number}"
    try:
        namespace = msgspec.json.decode(msgspec.json.encode(fields), type=ApplicationNamespace)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"namespace {called}: {error}") from None
    if rule := _broken(namespace):
        raise InvalidRequest(f"namespace {called}: {rule}")
    return namespace


def _broken(namespace: ApplicationNamespace) -> str | None:
    if namespace.name in RESERVED:
        return "the factory's own channels are called so"
    if namespace.name and not _NAME.fullmatch(namespace.name):
        return "a name has up to 64 letters, digits and _.- of ASCII, a letter or digit first"
    if bool(namespace.history_size) is not bool(namespace.history_seconds):
        return "history_size and history_seconds are both above 0, or both 0"
    if namespace.recovery is Recovery.CACHE and not namespace.has_history:
        return "recovery by cache needs history_size and history_seconds"
    if namespace.auto_cache_recover and namespace.recovery is not Recovery.CACHE:
        return "auto_cache_recover needs recovery by cache"
    if namespace.force_push_join_leave and not namespace.join_leave:
        return "force_push_join_leave needs join_leave"
    return None
