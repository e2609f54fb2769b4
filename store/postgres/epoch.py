"""The log's epoch: the same as long as versions mean what they meant.

Looked up with every new connection, because a database only becomes another one (a restore, a
failover to a copy that lagged) while nobody is connected to it.
"""

import logging

from store.postgres.pool import Connection

logger = logging.getLogger(__name__)


class EpochKeeper:
    """Knows the epoch of the database that the last new connection led to."""

    __slots__ = ("epoch",)

    def __init__(self) -> None:
        self.epoch = ""

    async def check(self, connection: Connection) -> None:
        """Asks this connection; the database begins a new epoch by itself when it must."""
        row = await (await connection.execute("SELECT open_epoch()::text")).fetchone()
        found = str(row[0]) if row else ""
        if self.epoch and found != self.epoch:
            logger.warning("the log has a new epoch", extra={"was": self.epoch, "now": found})
        self.epoch = found
