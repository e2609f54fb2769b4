"""Lists of conversations: the tasks that are the newest of theirs, found among the newest tasks.

There is no table of conversations to keep in step. A page looks through WALKED tasks at most, each
with one look into the index of conversations, so that an agent that was asked 100,000 things in one
conversation costs no more than any other.
"""

from uuid import UUID

from psycopg.rows import dict_row

from protocols.errors import InvalidRequest
from protocols.operations.conversations import Conversation, ConversationQuery
from protocols.operations.listings import Listing
from protocols.principals import Principal, TeamId
from protocols.tasks import STATES
from store.access import Operation, allow
from store.connect import Store
from store.operations.agent_specs import stream_of
from store.operations.listings import cursor_of, key_of, position_of, reach
from store.postgres.pool import Connection

WALKED = 2_000  # tasks looked through for one page
MOST_COUNTED = 1_000  # turns of one conversation
_NEWEST = UUID(int=2**128 - 1)


class StoredConversations:
    """Keeps the promise `protocols.operations.conversations.Conversations`."""

    def __init__(self, store: Store, principal: Principal) -> None:
        self._store = store
        self._principal = principal

    async def list(self, query: ConversationQuery) -> Listing[Conversation]:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        await reach(self._store.log_pool, "tasks", query.min_position)
        async with self._store.app.team(self._principal.team) as connection:
            position = await position_of(connection, "tasks")
            items, next_ = await conversation_page(connection, self._principal.team, query)
        return Listing(items=items, next=next_, position=position)


async def conversation_page(
    connection: Connection, team: TeamId, query: ConversationQuery
) -> tuple[list[Conversation], str | None]:
    """A page, and the cursor of the next one.

    Raises:
        InvalidRequest: The cursor or the agent cannot be.
    """
    values = {
        "team": team,
        "agent": UUID(stream_of(team, _named(query.agent))) if query.agent else None,
        "before": _before(query.cursor) if query.cursor else _NEWEST,
        "walked": WALKED,
        "counted": MOST_COUNTED,
        "limit": query.limit + 1,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        # Never prepared: a plan made for these values leaves out the filters that are null.
        await cursor.execute(_CONVERSATIONS, values, prepare=False)
        found = await cursor.fetchall()
        rows = found[: query.limit]
        if len(found) > query.limit:
            last = rows[-1]["task"]
        else:
            await cursor.execute(_END_OF_WALK, values, prepare=False)
            end = await cursor.fetchone()
            last = end["id"] if end else None
    items = [
        Conversation(
            context_id=row["context_id"],
            title=row["title"],
            agent=str(row["agent"]),
            agent_name=row["agent_name"],
            task=str(row["task"]),
            state=STATES[row["state"]],
            turns=max(1, row["turns"]),
            updated_at=row["updated_at"],
        )
        for row in rows
    ]
    return items, None if last is None else cursor_of(str(last))


def _named(agent: str) -> str:
    if "\0" in agent:
        raise InvalidRequest("agent holds a NUL character", field="agent")
    return agent


def _before(cursor: str) -> UUID:
    try:
        return UUID(key_of(cursor))
    except ValueError:
        raise InvalidRequest(
            f"the cursor {cursor[:80]!r} is not one of conversations", field="cursor"
        ) from None


# Subqueries that the planner cannot turn into joins: each is one look into an index, for a row that
# is walked or, those of the outer select, for a row of the page.
_CONVERSATIONS = """
    SELECT coalesce(w.context_id, w.id::text) AS context_id, w.id AS task, w.agent, w.agent_name,
           w.state, w.updated_at,
           coalesce((
             SELECT t.title
             FROM task_row AS t
             WHERE t.team_id = %(team)s AND t.context_id = w.context_id
             ORDER BY t.id
             LIMIT 1
           ), w.title) AS title,
           (
             SELECT count(*)
             FROM (
               SELECT FROM task_row AS t
               WHERE t.team_id = %(team)s AND t.context_id = w.context_id
               LIMIT %(counted)s
             ) AS c
           ) AS turns
    FROM (
      SELECT *
      FROM task_row
      WHERE team_id = %(team)s
        AND (%(agent)s::uuid IS NULL OR agent = %(agent)s)
        AND id < %(before)s
      ORDER BY id DESC
      LIMIT %(walked)s
    ) AS w
    WHERE w.id = coalesce((
      SELECT n.id
      FROM task_row AS n
      WHERE n.team_id = %(team)s AND n.context_id = w.context_id
        AND (%(agent)s::uuid IS NULL OR n.agent = %(agent)s)
      ORDER BY n.id DESC
      LIMIT 1
    ), w.id)
    ORDER BY w.id DESC
    LIMIT %(limit)s
"""

# The last task of a walk that was as long as it may be; none where the tasks ended before.
_END_OF_WALK = """
    SELECT id
    FROM task_row
    WHERE team_id = %(team)s
      AND (%(agent)s::uuid IS NULL OR agent = %(agent)s)
      AND id < %(before)s
    ORDER BY id DESC
    OFFSET %(walked)s - 1
    LIMIT 1
"""
