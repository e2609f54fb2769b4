"""What one hub asks another about a team, and the shapes of what it says.

Values only: how they are answered stands in `hub/inspection.py`, how several answers become one in
`hub/team_hubs.py`.
"""

import msgspec
from pydantic import BaseModel

from protocols.operations.hubs import Client, OpenChannel
from protocols.principals import TeamId

KIND = "look"


class CountNow(msgspec.Struct, tag=True):
    """What the team has here."""

    team: TeamId


class FindClients(msgspec.Struct, tag=True):
    """Connections of the team."""

    team: TeamId
    search: str
    client: str
    limit: int


class FindChannels(msgspec.Struct, tag=True):
    """Channels that somebody of the team is in."""

    team: TeamId
    search: str


class FindSubscribers(msgspec.Struct, tag=True):
    """Who is in one channel."""

    team: TeamId
    channel: str


class CloseThose(msgspec.Struct, tag=True):
    """Close connections of the team."""

    team: TeamId
    client: str
    user: str
    code: int
    reason: str


Question = CountNow | FindClients | FindChannels | FindSubscribers | CloseThose


class Clients(BaseModel):
    """Some connections of one hub, and how many there are."""

    items: list[Client]
    total: int


class OpenChannels(BaseModel):
    """Some channels of one hub, and how many there are."""

    items: list[OpenChannel]
    total: int


class Count(BaseModel):
    """How many."""

    count: int
