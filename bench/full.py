"""A full product: 100,000 tasks, 1,000 agents, 10,000 documents, and a task of 100,000 events.

The rows are those its projections would have, written at once (`tests/store/crowd.sql`), in a
Postgres with the product's own settings. The long task is written by appends, as a worker does.
"""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import uuid_utils

from protocols.agents import agent_id
from protocols.events import (
    AttemptStarted,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFinished,
    StepStarted,
    StreamId,
    TaskCompleted,
    TaskSubmitted,
)
from protocols.messages import user_message
from protocols.principals import system
from protocols.steps import StepKind, Usage
from protocols.tasks import STATE_CODES, TaskState
from store.addresses import Addresses
from store.connect import Store, open_store
from store.embedded import embedded_postgres, embedded_valkey, socket_directory
from store.postgres.log.event_log import TASK, Append
from store.postgres.migrate import migrate
from tests.flows.product import COMMAND, Product, prepared
from tests.serving import Worker
from tests.store.crowd import crowd

EVENTS = 100_000
STEPS = 500
AT_ONCE = 100  # events of an append
AGENT = "agent-0321"
EMBEDDER = "minilm"  # vectors of another are made anew, which would go on beside what is measured
# Waiting jobs of tasks that have none of their events: workers would find nothing to do in them.
NO_JOBS = """
SET search_path = pygent;
DELETE FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
"""


@asynccontextmanager
async def full_product() -> AsyncGenerator[tuple[Product, str]]:
    """A running product and the id of its long task, for the block."""
    with tempfile.TemporaryDirectory(prefix="pygent-full-", dir="/tmp") as name:
        directory = Path(name)
        sockets = socket_directory(directory)
        async with (
            embedded_postgres(directory / "postgres", sockets=sockets) as postgres,
            embedded_valkey(directory / "valkey", sockets=sockets) as valkey,
        ):
            await migrate(postgres.url)
            await crowd(postgres.url, embedder=EMBEDDER)
            async with await psycopg.AsyncConnection.connect(
                postgres.url, autocommit=True
            ) as connection:
                await connection.execute(NO_JOBS)
            async with open_store(Addresses(database=postgres.url, redis=valkey.url)) as store:
                task = await _long_task(store)
            servers = (f"PYGENT_DATABASE_URL={postgres.url}", f"PYGENT_REDIS_URL={valkey.url}")
            with prepared(command=("/usr/bin/env", *servers, str(COMMAND))) as product:
                product.start()
                yield product, task
                product.stop()


async def _long_task(store: Store) -> str:
    """A task that is over, of EVENTS events: STEPS steps, and the deltas of an answer in each."""
    task = str(uuid_utils.uuid7())
    submitted = TaskSubmitted(
        agent=agent_id(system().team, AGENT),
        agent_name=AGENT,
        agent_version=1,
        model="scripted",
        title="A very long story",
        input=(user_message("Tell a very long story."),),
    )
    await store.log.append(
        Append(
            stream=StreamId(task),
            team=system().team,
            kind=TASK,
            actor=system().actor,
            data=(submitted,),
            expected=0,
            to_state=STATE_CODES[TaskState.SUBMITTED],
        )
    )
    worker = Worker(store, task, appended=0, attempt=1)
    await worker.append(AttemptStarted(worker="bench"), state=TaskState.WORKING)
    deltas = (EVENTS - 3) // STEPS - 4
    for number in range(1, STEPS + 1):
        await _step(worker, number, deltas=deltas)
    await worker.append(
        TaskCompleted(message=f"1.{STEPS}", text="The end."), state=TaskState.COMPLETED
    )
    return task


async def _step(worker: Worker, number: int, *, deltas: int) -> None:
    step = message = f"1.{number}"
    await worker.append(
        StepStarted(step=step, kind=StepKind.MODEL, name="scripted"),
        MessageStarted(message=message, step=step),
    )
    for start in range(0, deltas, AT_ONCE):
        count = min(AT_ONCE, deltas - start)
        await worker.append(*[MessageDelta(message=message, text="word ")] * count)
    await worker.append(
        MessageFinished(message=message, text="word " * deltas),
        StepFinished(step=step, usage=Usage(input=10, output=deltas), cost=0),
    )
