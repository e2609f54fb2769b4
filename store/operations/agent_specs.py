"""Finding an agent and its spec in the log: what both submitting and editing need.

Version `n` of a spec is an event of the agent's stream, with the whole spec in its body. Nothing is
kept here; a spec is as new as the head.
"""

import uuid
from dataclasses import dataclass

from pydantic import ValidationError

from protocols.agents import AgentSpec, agent_id
from protocols.errors import FactoryError, NotFound
from protocols.event_encoding import UNREADABLE, decode
from protocols.events import AgentVersionPublished, Event, StreamId
from protocols.principals import Principal, TeamId
from store.access import see
from store.postgres.log.appends import AGENT
from store.postgres.log.event_log import EventLog, Head

PAGE_EVENTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version of an agent's spec, with who published it and when."""

    event: Event
    data: AgentVersionPublished

    @property
    def spec(self) -> AgentSpec:
        """The spec, as it was checked when it was published.

        Raises:
            FactoryError: It no longer is one: written by another version of the factory.
        """
        try:
            return AgentSpec.model_validate_json(bytes(self.data.spec))
        except ValidationError as error:
            raise FactoryError(
                f"version {self.data.number} of agent {self.data.name} cannot be read: "
                f"{error.error_count()} fields do not fit"
            ) from error


def stream_of(team: TeamId, name: str) -> StreamId:
    """The stream of the agent with that name, or that id: what is spelled as an id is one."""
    return StreamId(name if is_id(name) else agent_id(team, name))


def is_id(name: str) -> bool:
    """Whether this is the usual spelling of a UUID, which no agent may be named."""
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


async def find(log: EventLog, principal: Principal, name: str) -> Head:
    """The head of the agent with that name or id.

    Raises:
        NotFound: There is none in the principal's team.
    """
    thing = f"agent {name[:128]!r}"
    try:
        stream = stream_of(principal.team, name)
    except UnicodeEncodeError:
        raise NotFound(f"there is no {thing}") from None
    head = await log.head(stream)
    if head is None or head.kind != AGENT:
        raise NotFound(f"there is no {thing}")
    see(principal, head.team, thing=thing)
    return head


async def latest(log: EventLog, head: Head) -> Published:
    """The newest version."""
    through = head.version
    while through > 0:
        after = max(0, through - PAGE_EVENTS)
        events = await log.read(head.stream, after=after, limit=through - after)
        for event in reversed(events):
            if found := _published(event):
                return found
        through = after
    raise FactoryError(f"agent {head.stream} has no version")


async def numbered(log: EventLog, head: Head, number: int) -> Published:
    """The version of that number.

    Raises:
        NotFound: The agent has fewer.
    """
    after = (
        number if 0 < number <= head.version else head.version
    )  # version n is event n + 1, or later
    while after < head.version:
        events = await log.read(head.stream, after=after, limit=PAGE_EVENTS)
        for event in events:
            found = _published(event)
            if found and found.data.number == number:
                return found
        after += PAGE_EVENTS
    raise NotFound(f"the agent has no version {number}")


async def all_published(log: EventLog, head: Head) -> list[Published]:
    """Every version, newest first."""
    found: list[Published] = []
    for after in range(0, head.version, PAGE_EVENTS):
        events = await log.read(head.stream, after=after, limit=PAGE_EVENTS)
        found += [published for event in events if (published := _published(event))]
    return found[::-1]


def _published(event: Event) -> Published | None:
    try:
        data = decode(event)
    except UNREADABLE:
        return None  # parked by its projection, which says so
    if isinstance(data, AgentVersionPublished):
        return Published(event=event, data=data)
    return None
