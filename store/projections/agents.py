"""Agents as lists show them: a row an agent, with its latest version.

The numbers of tasks beside it come from `task_count`, at reading. Used by the projector to write,
by the operations and the feed to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from protocols.agents import STATE_CODES, AgentState
from protocols.channels import Namespace
from protocols.operations.agents import AgentRow
from protocols.principals import TeamId
from store.postgres.log.event_log import Followed
from store.projection import Connection, Folded, Touched, as_json, by_stream, fold_stream

STATES = {code: state for state, code in STATE_CODES.items()}


class _Published(msgspec.Struct):
    name: str
    number: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    model: str
    strategy: str
    description: str = ""


class _Created(msgspec.Struct):
    name: str


_CREATED = msgspec.json.Decoder(_Created)
_PUBLISHED = msgspec.json.Decoder(_Published)


class AgentRecord(msgspec.Struct, kw_only=True):
    """A row of `agent_row`, column for column."""

    id: UUID
    team_id: int
    name: str
    description: str = ""
    state: int
    model: str = ""
    strategy: str = ""
    number: int = 0
    updated_at: datetime
    version: int
    position: int


class AgentProjection:
    """Keeps `agent_row`."""

    name = "agents"

    async def fold(self, connection: Connection, events: Sequence[Followed]) -> Folded:
        """One read and one write of the touched rows."""
        streams = by_stream([event for event in events if event.type.startswith("agent.")])
        if not streams:
            return Folded()
        before = await _records(connection, list(streams))

        folded, after = Folded(), list[AgentRecord]()
        for stream, history in streams.items():
            record, unfoldable = fold_stream(before.get(stream), history, advance)
            if unfoldable:
                folded.unfoldable.append(unfoldable)
            if record:
                after.append(record)
                team = TeamId(record.team_id)
                folded.touched.append(Touched(Namespace.AGENTS, team, stream, is_urgent=True))
        await connection.execute(_WRITE, {"rows": as_json(after)})
        return folded

    async def clear(self, connection: Connection) -> None:
        """No agent is known."""
        await connection.execute("DELETE FROM agent_row")


def advance(record: AgentRecord | None, event: Followed) -> AgentRecord | None:
    """The row after one more event of its stream; None while it has none.

    Raises:
        msgspec.ValidationError: The head does not fit its type.
    """
    if record is None:
        return _first(event)
    if event.version <= record.version:
        return record
    match event.type:
        case "agent.version_published":
            data = _PUBLISHED.decode(event.head or b"{}")
            record.number, record.description = data.number, data.description
            record.model, record.strategy = data.model, data.strategy
        case "agent.retired":
            record.state = STATE_CODES[AgentState.RETIRED]
        case _:
            pass
    record.version, record.position, record.updated_at = event.version, event.position, event.time
    return record


def _first(event: Followed) -> AgentRecord | None:
    if event.type != "agent.created":
        return None  # such as agent.delegated, in the stream of a task
    return AgentRecord(
        id=UUID(event.stream),
        team_id=event.team,
        name=_CREATED.decode(event.head or b"{}").name,
        state=STATE_CODES[AgentState.ACTIVE],
        updated_at=event.time,
        version=event.version,
        position=event.position,
    )


async def _records(connection: Connection, agents: Sequence[str]) -> dict[str, AgentRecord]:
    async with connection.cursor(row_factory=class_row(AgentRecord)) as cursor:
        await cursor.execute(_READ, {"agents": [UUID(agent) for agent in agents]})
        return {str(record.id): record for record in await cursor.fetchall()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    id: UUID
    name: str
    description: str
    state: int
    model: str
    strategy: str
    number: int
    updated_at: datetime
    open_tasks: int
    finished_tasks: int
    failed_tasks: int
    position: int


async def agent_rows(connection: Connection, agents: Sequence[str]) -> list[AgentRow]:
    """The rows of these agents, as far as they are known."""
    async with connection.cursor(row_factory=class_row(_Listed)) as cursor:
        await cursor.execute(_ROWS, {"agents": [UUID(agent) for agent in agents]})
        return [_row(listed) for listed in await cursor.fetchall()]


async def agent_page(
    connection: Connection,
    *,
    team: TeamId,
    after: str,
    states: Sequence[AgentState],
    text: str | None,
    limit: int,
) -> list[AgentRow]:
    """A team's agents whose names follow `after`, by name; `text` stands in name or description."""
    filters = {
        "team": team,
        "after": after,
        "states": [STATE_CODES[state] for state in states] or None,
        "text": text.lower() if text else None,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(_Listed)) as cursor:
        await cursor.execute(_PAGE, filters, prepare=False)
        return [_row(listed) for listed in await cursor.fetchall()]


def _row(listed: _Listed) -> AgentRow:
    return AgentRow(
        id=str(listed.id),
        name=listed.name,
        description=listed.description,
        state=STATES[listed.state],
        model=listed.model,
        strategy=listed.strategy,
        number=listed.number,
        updated_at=listed.updated_at,
        open_tasks=listed.open_tasks,
        finished_tasks=listed.finished_tasks,
        failed_tasks=listed.failed_tasks,
        position=listed.position,
    )


_READ = """
    SELECT *
    FROM agent_row
    WHERE id = ANY (%(agents)b::uuid[])
"""

_WRITE = """
    INSERT INTO agent_row
    SELECT *
    FROM jsonb_populate_recordset(NULL::agent_row, %(rows)s::jsonb)
    ON CONFLICT (id) DO UPDATE
    SET description = excluded.description, state = excluded.state, model = excluded.model,
        strategy = excluded.strategy, number = excluded.number, updated_at = excluded.updated_at,
        version = excluded.version, position = excluded.position
"""

# States below 100 are open; 100 is completed, 101 failed, 103 rejected: canceled is neither.
_ROWS = """
    SELECT a.id, a.name, a.description, a.state, a.model, a.strategy, a.number, a.updated_at,
           coalesce(sum(c.tasks) FILTER (WHERE c.state < 100), 0)::bigint AS open_tasks,
           coalesce(sum(c.tasks) FILTER (WHERE c.state = 100), 0)::bigint AS finished_tasks,
           coalesce(sum(c.tasks) FILTER (WHERE c.state IN (101, 103)), 0)::bigint AS failed_tasks,
           a.position
    FROM agent_row AS a
    LEFT JOIN task_count AS c ON c.team_id = a.team_id AND c.agent = a.id
    WHERE a.id = ANY (%(agents)b::uuid[])
    GROUP BY a.id
"""

_PAGE = """
    SELECT a.id, a.name, a.description, a.state, a.model, a.strategy, a.number, a.updated_at,
           coalesce(c.open_tasks, 0) AS open_tasks,
           coalesce(c.finished_tasks, 0) AS finished_tasks,
           coalesce(c.failed_tasks, 0) AS failed_tasks,
           a.position
    FROM agent_row AS a
    LEFT JOIN LATERAL (
      SELECT (sum(c.tasks) FILTER (WHERE c.state < 100))::bigint AS open_tasks,
             (sum(c.tasks) FILTER (WHERE c.state = 100))::bigint AS finished_tasks,
             (sum(c.tasks) FILTER (WHERE c.state IN (101, 103)))::bigint AS failed_tasks
      FROM task_count AS c
      WHERE c.team_id = a.team_id AND c.agent = a.id
    ) AS c ON true
    WHERE a.team_id = %(team)s
      AND a.name COLLATE "C" > %(after)s
      AND (%(states)s::smallint[] IS NULL OR a.state = ANY (%(states)s))
      AND (%(text)s::text IS NULL
           OR position(%(text)s IN lower(a.name)) > 0
           OR position(%(text)s IN lower(a.description)) > 0)
    ORDER BY a.name COLLATE "C"
    LIMIT %(limit)s
"""
