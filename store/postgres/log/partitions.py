"""Cuts the log's next leaves before positions reach them.

The scheduler calls it each minute. The writer calls it when a position has no leaf, so that a log
without a scheduler goes on.
"""

from store.postgres.pool import Connection

LEAF_POSITIONS = 10_000_000
AHEAD_POSITIONS = 10_000_000


async def cut_partitions(
    connection: Connection, *, size: int = LEAF_POSITIONS, ahead: int = AHEAD_POSITIONS
) -> int:
    """Makes sure that the next `ahead` positions have leaves; how many had to be cut.

    Safe to call at any time, from any number of processes; needs the role `pygent_log`.

    Args:
        connection: Of the log's pool.
        size: Positions in a leaf that is cut now, at least 1,000.
        ahead: At most 100 leaves' worth.
    """
    cursor = await connection.execute("SELECT cut_partitions(%s, %s)", (size, ahead))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
