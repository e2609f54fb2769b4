"""What lists have in common: cursors, and waiting until a projection has seen a position.

A cursor is the key of the last item, in base64: rows added meanwhile move nothing.
"""

import base64
import binascii
from time import monotonic

import anyio

from protocols.errors import InvalidRequest, Unavailable
from store.postgres.pool import Connection, LogPool

WAIT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.1
MAX_CURSOR_CHARACTERS = 500
MAX_POSITION = 2**63 - 1


def cursor_of(key: str) -> str:
    """The cursor of what follows the item with this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor: str) -> str:
    """The key a cursor was made of.

    Raises:
        InvalidRequest: It was not made by us.
    """
    padded = cursor[:MAX_CURSOR_CHARACTERS] + "=" * (-len(cursor) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise InvalidRequest(
            f"the cursor {cursor[:80]!r} was not given by a list", field="cursor"
        ) from None


async def position_of(connection: Connection, projection: str) -> int:
    """The log position the projection has reached."""
    cursor = await connection.execute(_POSITION, {"name": projection})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def reach(pool: LogPool, projection: str, position: int | None) -> None:
    """Return when the projection has reached the position; None is reached.

    Who waits holds no connection: positions that are never reached must not use the pool up.

    Raises:
        InvalidRequest: It is no position.
        Unavailable: It has not within WAIT_SECONDS; the same request may be repeated.
    """
    if position is None:
        return
    if not 0 <= position <= MAX_POSITION:
        raise InvalidRequest(f"min_position is {position}; it cannot be", field="min_position")
    deadline = monotonic() + WAIT_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while (reached := await _reached(pool, projection)) < position:
        if monotonic() + pause > deadline:
            raise Unavailable(
                f"the list is at position {reached} and did not reach {position} "
                f"within {WAIT_SECONDS:g} s; ask again, or without min_position"
            )
        await anyio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _reached(pool: LogPool, projection: str) -> int:
    async with pool.answering() as connection:
        return await position_of(connection, projection)


_POSITION = """
    SELECT position
    FROM projection_position
    WHERE name = %(name)s AND shard = 0
"""
