"""Gives the jobs of dead workers to living ones: whoever has not beaten for a lease is dead.

Runs beside the scheduler's other parts, and in every worker too, so that a take-over does not wait
for a scheduler that died in the same moment. One statement; doing it twice harms nothing.
"""

import logging

import anyio

from protocols.errors import FactoryError
from store.connect import Store
from store.postgres.queue import Queue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


async def run(store: Store, *, lease_seconds: float = 15.0) -> None:
    """Look for dead workers, until cancelled."""
    queue = Queue(store.log_pool)
    while True:
        try:
            jobs = await queue.rescue(lease_seconds=lease_seconds)
        except FactoryError as error:
            logger.warning("Dead workers cannot be looked for", extra={"code": error.code})
        else:
            if jobs:
                logger.warning("Jobs of a dead worker wait again", extra={"jobs": jobs})
        await anyio.sleep(LOOK_SECONDS)
