"""Who asks: a person, a key or the system itself, and what they may do.

Made by `hub/identity` from a session or a key, carried to every operation, judged in
`store/access.py`. No secrets in here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

TeamId = NewType("TeamId", int)
UserId = NewType("UserId", str)
Actor = NewType("Actor", str)  # `user:…`, `key:…`, `agent:…`, `guest:…` or `system`

FIRST_TEAM = TeamId(1)


class Role(StrEnum):
    """What somebody may do in a team; each role may do all that stands below it.

    A guest is no member: somebody whom an application of the team let in by a token. They may use
    the application's channels, and nothing of the factory.
    """

    OWNER = "owner"
    OPERATOR = "operator"
    VIEWER = "viewer"
    GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one who asks.

    Attributes:
        actor: How they are named in events.
        team: The team they ask for.
        role: Their role in that team.
        name: How pages show them.
        expires_at: Unix seconds after which sockets opened by them are closed; None: never.
    """

    actor: Actor
    team: TeamId
    role: Role
    name: str
    expires_at: float | None = None


def system(team: TeamId = FIRST_TEAM) -> Principal:
    """The factory itself, as seeds and rescuers ask."""
    return Principal(actor=Actor("system"), team=team, role=Role.OWNER, name="system")
