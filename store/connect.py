"""The one place that opens the store: Postgres and Redis, as every process of ours uses them.

It starts no server, migrates nothing and reads no environment: addresses in, a `Store` out.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from protocols.errors import Unavailable
from store.addresses import Addresses
from store.folded import FoldedTasks
from store.postgres.log.epoch import EpochKeeper
from store.postgres.log.event_log import EventLog, WriterLimits, open_event_log
from store.postgres.migrate import pending
from store.postgres.pool import LogPool, TeamPool, open_log_pool, open_team_pool
from store.redis.broker import Broker, open_broker


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Everything that outlives a process.

    Attributes:
        log: The event log, of every team.
        app: Reads and forms, one team at a time, under row security.
        log_pool: For what works across teams: projector, queue, scheduler.
        broker: Redis.
        folded: Tasks that were read lately, to be folded on from there.
    """

    addresses: Addresses
    log: EventLog
    app: TeamPool
    log_pool: LogPool
    broker: Broker
    folded: FoldedTasks


@asynccontextmanager
async def open_store(
    addresses: Addresses, *, pool_size: int = 8, limits: WriterLimits | None = None
) -> AsyncGenerator[Store]:
    """The store, until the end of the block; what was appended is finished first.

    Args:
        addresses: Of a database that has been migrated.
        pool_size: Connections at most, for each role.
        limits: Of the queue of appends.

    Raises:
        Unavailable: Postgres is out of reach, or not migrated. Redis may be away.
        InvalidRequest: An address cannot be read, or the database is newer than this version.
    """
    log_url = addresses.log or addresses.database
    epoch = EpochKeeper()
    await _refuse_unmigrated(log_url)
    async with (
        open_log_pool(log_url, size=pool_size, opened=epoch.check) as log_pool,
        open_team_pool(addresses.app or addresses.database, size=pool_size) as app,
        open_broker(addresses.redis, prefix=addresses.redis_prefix) as broker,
        open_event_log(log_url, log_pool, broker, epoch=epoch, limits=limits) as log,
    ):
        yield Store(
            addresses=addresses,
            log=log,
            app=app,
            log_pool=log_pool,
            broker=broker,
            folded=FoldedTasks(log),
        )


async def _refuse_unmigrated(url: str) -> None:
    if missing := await pending(url):
        raise Unavailable(f"the database lacks migration {missing[0]}; run `pygent migrate`")
