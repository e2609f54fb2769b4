"""Who may do what: one table from operation to the least role, and the rule for foreign things.

Every operation asks here before it reads or appends anything. Nothing here reads the store: a
principal comes with its role, a thing with its team.
"""

from enum import StrEnum

from protocols.errors import Forbidden, NotFound
from protocols.principals import Principal, Role, TeamId


class Operation(StrEnum):
    """One thing that may be asked, as its refusal names it."""

    TASKS_READ = "read tasks"
    TASKS_SUBMIT = "submit tasks"
    TASKS_CANCEL = "cancel tasks"
    AGENTS_READ = "read agents"
    AGENTS_EDIT = "edit agents"
    KNOWLEDGE_READ = "read and search collections"
    KNOWLEDGE_EDIT = "edit collections and ingest documents"
    OVERVIEW_READ = "read the overview"
    SYSTEM_READ = "read the state of the system"
    MODELS_TRY = "try models"
    CHANNELS_PUBLISH = "publish to channels"
    CONNECTIONS_READ = "look at connections"
    CONNECTIONS_MANAGE = "manage connections"
    NAMESPACES_READ = "look at namespaces"
    NAMESPACES_MANAGE = "manage namespaces"
    KEYS_MANAGE = "manage keys"
    MEMBERS_MANAGE = "manage members"


LEAST_ROLE: dict[Operation, Role] = {
    Operation.TASKS_READ: Role.VIEWER,
    Operation.TASKS_SUBMIT: Role.OPERATOR,
    Operation.TASKS_CANCEL: Role.OPERATOR,
    Operation.AGENTS_READ: Role.VIEWER,
    Operation.AGENTS_EDIT: Role.OPERATOR,
    Operation.KNOWLEDGE_READ: Role.VIEWER,
    Operation.KNOWLEDGE_EDIT: Role.OPERATOR,
    Operation.OVERVIEW_READ: Role.VIEWER,
    Operation.SYSTEM_READ: Role.OPERATOR,
    Operation.MODELS_TRY: Role.OPERATOR,
    Operation.CHANNELS_PUBLISH: Role.OPERATOR,
    Operation.CONNECTIONS_READ: Role.OPERATOR,
    Operation.CONNECTIONS_MANAGE: Role.OPERATOR,
    Operation.NAMESPACES_READ: Role.VIEWER,
    Operation.NAMESPACES_MANAGE: Role.OWNER,
    Operation.KEYS_MANAGE: Role.OWNER,
    Operation.MEMBERS_MANAGE: Role.OWNER,
}

_RANK = {Role.GUEST: 0, Role.VIEWER: 1, Role.OPERATOR: 2, Role.OWNER: 3}


def may(principal: Principal, operation: Operation) -> bool:
    """Whether the role is enough."""
    return _RANK[principal.role] >= _RANK[LEAST_ROLE[operation]]


def allow(principal: Principal, operation: Operation) -> None:
    """Return when the principal may do it.

    Raises:
        Forbidden: Its role is below the least one.
    """
    if not may(principal, operation):
        raise Forbidden(
            f"{principal.name} may not {operation}: the role is {principal.role}, "
            f"{LEAST_ROLE[operation]} is needed",
        )


def see(principal: Principal, team: TeamId | None, *, thing: str) -> None:
    """Return when what belongs to `team` may be known to exist; `team` is None for nothing.

    Raises:
        NotFound: It does not exist or is another team's, in the same words.
    """
    if team != principal.team:
        raise NotFound(f"there is no {thing}")
