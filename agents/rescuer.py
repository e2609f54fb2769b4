"""Gives the jobs of dead workers to living ones: whoever has not beaten for a lease is dead.

Runs beside the scheduler's other parts, and in every worker too, so that a take-over does not wait
for a scheduler that died in the same moment. Doing it twice harms nothing.
"""

import logging

import anyio

from protocols.errors import FactoryError
from store.connect import Store
from store.postgres.queue import Queue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
ONE_DAY = 86_400.0


async def run(store: Store, *, lease_seconds: float = 15.0) -> None:
    """Look for dead workers, until cancelled.

    After an outage, in which nobody could beat, leases last longer by as much: else the first look
    would take all tasks from all workers, which live.
    """
    queue = Queue(store.log_pool)
    seen = anyio.current_time()
    outage, until = 0.0, seen
    while True:
        try:
            jobs = await queue.rescue(lease_seconds=ONE_DAY)  # held up as long as the database is
            now = anyio.current_time()
            if now - seen > LOOK_SECONDS + lease_seconds / 3:
                outage, until = now - seen, now + lease_seconds
            seen = now
            patience = lease_seconds + (outage if now < until else 0.0)
            jobs += await queue.rescue(lease_seconds=patience)
        except FactoryError as error:
            logger.warning("Dead workers cannot be looked for", extra={"code": error.code})
        else:
            if jobs:
                logger.warning("Jobs of a dead worker wait again", extra={"jobs": jobs})
        await anyio.sleep(LOOK_SECONDS)
