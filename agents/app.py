"""The pieces of a worker put together; it runs until it is told to stop.

The first SIGTERM or SIGINT is a soft stop. A worker whose event loop hangs for a lease ends by
itself: its tasks are others' by then, and whoever keeps it alive starts a new one.
"""

import faulthandler
import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

import anyio

from agents.attempts.attending import Attending
from agents.attempts.isolation import COMMAND
from agents.attempts.solitary import Isolation
from agents.attempts.watch import Watch
from agents.conversation import earlier_of
from agents.factory import Factory
from agents.knowledge import Ingesting, search_of
from agents.lane import Lane
from agents.logs import configure_logging
from agents.models.providers import Outside
from agents.settings import AgentSettings, accesses
from agents.stopping import on_signal
from agents.tool import Tool
from agents.tools import TOOLS
from agents.trying import Trying
from agents.worker import Worker
from store.connect import open_store
from store.knowledge.embedders import choose_embedder
from store.operations import model_trials

logger = logging.getLogger(__name__)

POOL_SIZE = 8
TRIALS_AT_ONCE = 2


async def run_worker(
    settings: AgentSettings,
    *,
    tools: Mapping[str, Tool] = TOOLS,
    alone: Sequence[str] = COMMAND,
) -> None:
    """Claim tasks and documents until a signal; then end within the grace time and a little.

    Raises:
        InvalidRequest: A setting is missing or wrong.
        Unavailable: The store is out of reach at the start.
    """
    configure_logging(settings.log_format, settings.log_level, file=settings.log_file)
    async with (
        open_worker(settings, tools=tools, alone=alone) as worker,
        anyio.create_task_group() as group,
    ):
        group.start_soon(on_signal, worker.stop)
        group.start_soon(_watch_loop, settings.lease_seconds)
        logger.info("This worker is at work", extra={"tasks": settings.worker_tasks})
        await worker.run()
        group.cancel_scope.cancel()
    logger.info("This worker has ended")


@asynccontextmanager
async def open_worker(
    settings: AgentSettings,
    *,
    tools: Mapping[str, Tool] = TOOLS,
    alone: Sequence[str] = COMMAND,
) -> AsyncGenerator[Worker]:
    """A worker that can be run, and its store.

    Args:
        settings: Of the worker, and of the children it starts.
        tools: What its agents may use.
        alone: The program of an attempt alone.
    """
    name = f"{socket.gethostname()}:{os.getpid()}"
    isolation = Isolation(
        environment=settings.environment,
        limiter=anyio.CapacityLimiter(settings.worker_alone),
        command=alone,
    )
    async with (
        open_store(settings.addresses, pool_size=POOL_SIZE) as store,
        aclosing(Outside(accesses())) as outside,
    ):
        embedder = choose_embedder()
        search = search_of(store, embedder)
        factory = Factory(
            store.log, outside=outside, tools=tools, search=search, earlier=earlier_of(store)
        )
        watch = Watch(store)
        ingesting = Ingesting(store, embedder)
        trying = Trying(outside, store.broker.answers)
        attending = Attending(store.log, factory, watch, how=isolation, worker=name)
        lanes = [
            Lane("tasks", settings.worker_tasks, attending.attend, attending.give_up),
            Lane("ingest", settings.worker_ingests, ingesting.attend, ingesting.give_up),
            Lane(model_trials.QUEUE, TRIALS_AT_ONCE, trying.attend),
        ]
        yield Worker(store, settings, watch, [lane for lane in lanes if lane.capacity])


async def _watch_loop(lease_seconds: float) -> None:
    """Re-arms a timer of the C library, which no blocked loop can hold back."""
    try:
        while True:
            faulthandler.dump_traceback_later(lease_seconds, exit=True)
            await anyio.sleep(lease_seconds / 10)
    finally:
        faulthandler.cancel_dump_traceback_later()
