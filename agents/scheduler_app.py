"""The pieces of a scheduler put together; it runs until it is told to stop.

Apart from the worker: it needs no models, tools or numbers, and starts sooner and smaller so.
"""

from functools import partial

import anyio

from agents import rescuer, scheduler
from agents.logs import configure_logging
from agents.settings import AgentSettings
from agents.stopping import on_signal
from store.connect import open_store

POOL_SIZE = 8


async def run_scheduler(settings: AgentSettings) -> None:
    """Lead, or wait to lead, until a signal.

    Raises:
        InvalidRequest: A setting is missing or wrong.
        Unavailable: The store is out of reach at the start.
    """
    configure_logging(settings.log_format, settings.log_level, file=settings.log_file)
    rescue = partial(rescuer.run, lease_seconds=settings.lease_seconds)
    async with (
        open_store(settings.addresses, pool_size=POOL_SIZE) as store,
        anyio.create_task_group() as group,
    ):
        group.start_soon(on_signal, group.cancel_scope.cancel)
        await scheduler.run(store, rescue=rescue)
