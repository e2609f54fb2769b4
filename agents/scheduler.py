"""What must run once, whatever the number of processes: projector, rescuer, sweep, clearing up.

Any number of schedulers may run; one leads, the others wait for it to end. Everything here is safe
to be done twice at once, for the moment in which a leader has not yet noticed that it is none.
Strategies and attempts are no business of this file.
"""

import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskStatus

from agents.leader import lead
from protocols.errors import FactoryError
from store.connect import Store
from store.postgres import retention
from store.postgres.pool import Connection
from store.postgres.queue import Queue
from store.postgres.retention import Step
from store.projector import Projector

logger = logging.getLogger(__name__)

DELTA_RETENTION = timedelta(days=30)
KEY_RETENTION = timedelta(days=7)  # so long an Idempotency-Key answers with the old task
JOB_RETENTION = timedelta(days=1)

PARTITIONS_SECONDS = 60.0
SWEEP_SECONDS = 60.0
LOST_SECONDS = 60.0  # without an event, before a task without a job is taken for lost
LOST_AT_ONCE = 500
CLEARING_SECONDS = 600.0
PAUSE_SECONDS = 0.05  # between two steps, so that appends go first

Rescue = Callable[[Store], Coroutine[Any, Any, None]]


async def run(
    store: Store,
    *,
    rescue: Rescue,
    delta_retention: timedelta = DELTA_RETENTION,
    lost_seconds: float = LOST_SECONDS,
    sweep_seconds: float = SWEEP_SECONDS,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Lead, or wait to lead, until cancelled.

    Args:
        store: Opened.
        rescue: Runs until cancelled, beside the rest, while this process leads.
        delta_retention: Deltas of finished messages are kept for so long.
        lost_seconds: An open task without a job and without an event for so long is enqueued again.
        sweep_seconds: Between two looks for such tasks.
        task_status: Told when waiting begins.
    """
    task_status.started()
    sweep = partial(_repeat, "lost tasks", partial(_sweep, store, lost_seconds), sweep_seconds)
    work = partial(_lead, store, rescue=rescue, sweep=sweep, delta_retention=delta_retention)
    await lead(store.addresses.log or store.addresses.database, work)


async def _lead(
    store: Store,
    *,
    rescue: Rescue,
    sweep: Callable[[], Coroutine[Any, Any, None]],
    delta_retention: timedelta,
) -> None:
    clearing: dict[str, Callable[[Connection], Coroutine[Any, Any, Step]]] = {
        "deltas": partial(retention.compact_deltas, older_than=delta_retention),
        "keys": partial(retention.forget_keys, older_than=KEY_RETENTION),
        "jobs": partial(retention.delete_finished_jobs, older_than=JOB_RETENTION),
    }
    async with anyio.create_task_group() as group:
        group.start_soon(Projector(store).run)
        group.start_soon(rescue, store)
        group.start_soon(sweep)
        group.start_soon(_repeat, "partitions", partial(_cut_partitions, store), PARTITIONS_SECONDS)
        for name, step in clearing.items():
            group.start_soon(_repeat, name, partial(_clear, store, name, step), CLEARING_SECONDS)


async def _repeat(name: str, task: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    """Do it now, and again after so many seconds; a failure waits for the next time."""
    while True:
        try:
            await task()
        except FactoryError as error:
            logger.warning("a scheduled task failed", exc_info=error, extra={"task": name})
        await anyio.sleep(seconds)


async def _sweep(store: Store, older_than: float) -> None:
    """Every open task has a job; one that lost it, which nothing we know of does, waits again."""
    for task in await Queue(store.log_pool).enqueue_lost(older_than=older_than, limit=LOST_AT_ONCE):
        logger.warning("An open task had no job; it is enqueued again", extra={"task": task})


async def _cut_partitions(store: Store) -> None:
    cut = await store.log.cut_partitions()
    if cut:
        logger.info("partitions of the log were cut", extra={"leaves": cut})


async def _clear(
    store: Store, name: str, step: Callable[[Connection], Coroutine[Any, Any, Step]]
) -> None:
    removed, is_done = 0, False
    while not is_done:
        async with store.log_pool.connection() as connection:
            done = await step(connection)
        removed, is_done = removed + done.removed, done.is_last
        await anyio.sleep(PAUSE_SECONDS)
    if removed:
        logger.info("old rows were removed", extra={"kind": name, "rows": removed})
