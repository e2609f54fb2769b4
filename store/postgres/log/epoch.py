"""The log's epoch: the same as long as versions mean what they meant.

Looked up with every new connection, because a database only becomes another one (a restore, a
failover to a copy that lagged) while nobody is connected to it; and every few seconds, because
people may begin a new one by hand.
"""

import logging
from contextlib import suppress

import anyio

from protocols.errors import FactoryError, Unavailable
from store.postgres.pool import Connection, LogPool

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


class EpochKeeper:
    """Knows the epoch of the database, as the connection says that was asked last."""

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

    async def look(self, pool: LogPool) -> None:
        """Asks again and again, until cancelled; a database that is away has no new epoch yet."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            with suppress(FactoryError):
                async with pool.connection() as connection:
                    await self.check(connection)


async def rotate(connection: Connection) -> str:
    """A new epoch, and which: no position that anybody holds is continued."""
    row = await (await connection.execute("SELECT rotate_epoch()::text")).fetchone()
    if row is None:
        raise Unavailable("the database gave no epoch")
    return str(row[0])
