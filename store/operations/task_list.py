"""Reading lists of tasks: one statement a kind of filter, each walking an index, never an offset.

Ids are UUIDv7, so newest first is by id, and times bound ids: hubs' clocks may differ from the
database's by SKEW_SECONDS at most, the exact time is compared as well.
"""

import re
from datetime import UTC, datetime
from uuid import UUID

from psycopg.rows import class_row

from protocols.errors import InvalidRequest
from protocols.operations.tasks import TaskQuery, TaskRow
from protocols.principals import TeamId
from protocols.tasks import STATE_CODES, TaskState
from store.operations.agent_specs import stream_of
from store.operations.listings import key_of
from store.postgres.pool import Connection
from store.task_rows import TaskRecord, task_row

SKEW_SECONDS = 600.0
OLDEST = UUID(int=0)
NEWEST = UUID(int=2**128 - 1)
_WORD = re.compile(r"\w+")


async def task_page(
    connection: Connection, team: TeamId, query: TaskQuery, *, limit: int
) -> list[TaskRow]:
    """The newest tasks of the team that fit, `limit` at most.

    Raises:
        InvalidRequest: The cursor, a time or a text cannot be.
    """
    filters = _filters(team, query, limit=limit)
    if query.text is not None and not filters["words"]:
        return []
    if query.context_id is not None:
        statement = _OF_CONTEXT
    elif query.text is not None:
        statement = _BY_WORDS
    else:
        statement = _BY_STATE if query.state else _NEWEST
    async with connection.cursor(row_factory=class_row(TaskRecord)) as cursor:
        # Never prepared: a plan made for these values leaves out the filters that are null.
        await cursor.execute(statement, filters, prepare=False)
        return [task_row(record) for record in await cursor.fetchall()]


async def open_tasks(connection: Connection, team: TeamId, *, limit: int) -> list[TaskRow]:
    """The newest tasks of the team that are not over."""
    states = tuple(state for state in TaskState if not state.is_final)
    return await task_page(connection, team, TaskQuery(state=states), limit=limit)


def _filters(team: TeamId, query: TaskQuery, *, limit: int) -> dict[str, object]:
    for field in ("text", "submitted_by", "agent", "context_id"):
        if "\0" in (getattr(query, field) or ""):
            raise InvalidRequest(f"{field} holds a NUL character", field=field)
    since, until = _aware(query.since, "since"), _aware(query.until, "until")
    before = _cursor(query.cursor) if query.cursor else NEWEST
    return {
        "team": team,
        "states": [STATE_CODES[state] for state in dict.fromkeys(query.state)] or None,
        "agent": UUID(stream_of(team, query.agent)) if query.agent else None,
        "submitted_by": query.submitted_by,
        "context": query.context_id,
        "since": since,
        "until": until,
        "from": _id_at(since, -SKEW_SECONDS) if since else OLDEST,
        "before": min(before, _id_at(until, SKEW_SECONDS)) if until else before,
        "words": None if query.text is None else _words(query.text),
        "limit": limit,
    }


def _words(text: str | None) -> str:
    """Every word must be in the title, each may go on: `quar rep` finds `Quarterly report`."""
    return " & ".join(f"{word}:*" for word in _WORD.findall(text or ""))


def _cursor(cursor: str) -> UUID:
    try:
        return UUID(key_of(cursor))
    except ValueError:
        raise InvalidRequest(
            f"the cursor {cursor[:80]!r} is not one of tasks", field="cursor"
        ) from None


def _aware(time: datetime | None, field: str) -> datetime | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidRequest(f"{field} needs an offset, such as Z", field=field)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidRequest(f"{field} is out of range", field=field) from None


def _id_at(time: datetime, shift: float) -> UUID:
    """The least UUIDv7 of that time. Source: RFC 9562, section 5.7."""
    milliseconds = int((time.timestamp() + shift) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


_NEWEST = """
    SELECT *
    FROM task_row
    WHERE team_id = %(team)s
      AND (%(agent)s::uuid IS NULL OR agent = %(agent)s)
      AND (%(submitted_by)s::text IS NULL OR submitted_by = %(submitted_by)s)
      AND (%(since)s::timestamptz IS NULL OR submitted_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR submitted_at < %(until)s)
      AND id >= %(from)s AND id < %(before)s
    ORDER BY id DESC
    LIMIT %(limit)s
"""

# A conversation is short: what else is wanted of it is looked for among its tasks.
_OF_CONTEXT = """
    SELECT *
    FROM task_row
    WHERE team_id = %(team)s AND context_id = %(context)s
      AND (%(states)s::smallint[] IS NULL OR state = ANY (%(states)s))
      AND (%(agent)s::uuid IS NULL OR agent = %(agent)s)
      AND (%(submitted_by)s::text IS NULL OR submitted_by = %(submitted_by)s)
      AND (%(words)s::text IS NULL
           OR to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s))
      AND (%(since)s::timestamptz IS NULL OR submitted_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR submitted_at < %(until)s)
      AND id >= %(from)s AND id < %(before)s
    ORDER BY id DESC
    LIMIT %(limit)s
"""

# A walk of the index for each state, merged: `state = ANY` would read and sort all of them.
_BY_STATE = """
    SELECT t.*
    FROM unnest(%(states)s::smallint[]) AS wanted (state)
    CROSS JOIN LATERAL (
      SELECT *
      FROM task_row
      WHERE team_id = %(team)s AND state = wanted.state
        AND (%(agent)s::uuid IS NULL OR agent = %(agent)s)
        AND (%(submitted_by)s::text IS NULL OR submitted_by = %(submitted_by)s)
        AND (%(since)s::timestamptz IS NULL OR submitted_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR submitted_at < %(until)s)
        AND id >= %(from)s AND id < %(before)s
      ORDER BY id DESC
      LIMIT %(limit)s
    ) AS t
    ORDER BY t.id DESC
    LIMIT %(limit)s
"""

_BY_WORDS = """
    SELECT *
    FROM task_rows_by_words(
      %(words)s, %(states)s::smallint[], %(agent)s, %(submitted_by)s, %(since)s, %(until)s,
      %(from)s, %(before)s, %(limit)s)
"""
