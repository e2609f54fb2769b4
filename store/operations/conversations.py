"""What was asked and answered earlier in a task's conversation: what its agent is given of it.

Only turns that were answered before the task was submitted count, the newest first, as many as
fit: so every attempt at the task is given the same, whatever happens in the conversation meanwhile.
Nothing of it is stored again; a turn is read from the log of its own task.
"""

from collections.abc import Sequence

from protocols.errors import Unavailable
from protocols.event_encoding import UNREADABLE, decode
from protocols.events import Event, StreamId, TaskCompleted, TaskSubmitted
from protocols.messages import Message, TextPart
from protocols.principals import TeamId
from protocols.tasks import STATE_CODES, Task, TaskState
from store.connect import Store
from store.operations.listings import reach
from store.postgres.log.event_log import Head
from store.postgres.pool import Connection

MOST_TURNS = 20
MOST_CHARACTERS = 64_000  # of all turns; about 16,000 tokens
CHARACTERS_OF_A_TOKEN = 4
SHARE = 4  # of the agent's limit of tokens: the turns may be one part of so many
PATIENCE = 6  # times as long as a list waits for its projection


def room(tokens: int) -> int:
    """Characters of earlier turns that an agent with this limit of tokens is given."""
    return min(MOST_CHARACTERS, tokens * CHARACTERS_OF_A_TOKEN // SHARE)


async def earlier(
    store: Store, team: TeamId, task: Task, *, characters: int
) -> tuple[Message, ...]:
    """The messages of the turns before the task, oldest first; none where it began by itself.

    A turn is what was asked, as it was asked, and the answer; one that failed or was canceled is
    none. The newest that does not fit ends it.

    Raises:
        Unavailable: The list of tasks lags too far behind the log to know the turns.
    """
    head = await store.log.head(StreamId(task.id))
    if head is None or task.context_id == task.id:
        return ()
    await _reach(store, head.first_position)
    async with store.app.team(team) as connection:
        ids = await _answered(connection, team, task.context_id, before=head.first_position)
    heads = await store.log.heads(ids)
    turns: list[tuple[Message, ...]] = []
    for one in ids:
        turn = await _turn(store, heads[one]) if one in heads and heads[one].team == team else ()
        characters -= sum(len(message.text) for message in turn)
        if characters < 0:
            break
        turns.append(turn)
    return tuple(message for turn in reversed(turns) for message in turn)


async def _reach(store: Store, position: int) -> None:
    for patience in range(PATIENCE, 0, -1):
        try:
            return await reach(store.log_pool, "tasks", position)
        except Unavailable:
            if patience == 1:
                raise
    return None


async def _answered(
    connection: Connection, team: TeamId, context: str, *, before: int
) -> Sequence[StreamId]:
    values = {
        "team": team,
        "context": context,
        "completed": STATE_CODES[TaskState.COMPLETED],
        "before": before,
        "limit": MOST_TURNS,
    }
    cursor = await connection.execute(_ANSWERED, values)
    return [StreamId(str(row[0])) for row in await cursor.fetchall()]


async def _turn(store: Store, head: Head) -> tuple[Message, ...]:
    first = await store.log.read(head.stream, limit=1)
    last = await store.log.read(head.stream, after=head.version - 1, limit=1)
    try:
        asked, answered = _data(first), _data(last)
    except UNREADABLE:
        return ()  # written by another version of the factory
    if not isinstance(asked, TaskSubmitted) or not isinstance(answered, TaskCompleted):
        return ()
    return (*asked.input, Message(role="assistant", parts=(TextPart(answered.text),)))


def _data(events: Sequence[Event]) -> object:
    return decode(events[0]) if events else None


_ANSWERED = """
    SELECT id
    FROM task_row
    WHERE team_id = %(team)s AND context_id = %(context)s
      AND state = %(completed)s AND position < %(before)s
    ORDER BY id DESC
    LIMIT %(limit)s
"""
