"""Tasks through real workers: how many a second, how soon the first event, what a claim costs.

The workers are processes of their own, as in service; whoever submits shares this one. Postgres
writes to disk with fsync. What happens on the way from an append to a socket is in `live.py`.
"""

import statistics
import tempfile
import time
from pathlib import Path

import anyio
from psycopg import AsyncConnection

from bench import tasks_first_event
from bench.processes import parts
from bench.result import Result, at_least, at_most, noted
from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.embedded import embedded_postgres, embedded_valkey, socket_directory
from store.operations.agents import StoredAgents
from store.operations.catalogue import BUILT_IN
from store.operations.tasks import StoredTasks
from store.postgres.migrate import migrate
from store.postgres.pool import conninfo
from store.postgres.queue import Queue

WORKERS = 2
TASKS = 2000
SUBMITTERS = 64
ROUNDS = 4
CLAIMS = 60  # of each kind, in each round
BACKLOG = 10_000
RUN_SECONDS = 180.0

LEAST_PER_SECOND = 100.0
MOST_CLAIM_RATIO = 1.5

COUNT_DONE = "SELECT count(*) FROM stream_head WHERE kind = 1 AND state = 100"
COUNT_WORKERS = "SELECT count(*) FROM procrastinate_workers"

FIRST_EVENTS = """
SELECT extract(epoch FROM started.time - submitted.time) * 1000
FROM event_kept AS submitted
JOIN event_kept AS started USING (stream_id)
WHERE submitted.type = 'task.submitted' AND started.type = 'attempt.started'
"""

ADD_JOBS = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
SELECT 'bench', 'attempt', 'bench:' || gen_random_uuid(), '{}' FROM generate_series(1, %s)
"""


async def run() -> list[Result]:
    """Measure on servers of our own."""
    with tempfile.TemporaryDirectory(prefix="pygent-bench-") as name:
        sockets = socket_directory(Path(name))
        async with (
            embedded_postgres(Path(name) / "postgres", sockets=sockets) as postgres,
            embedded_valkey(Path(name) / "valkey", sockets=sockets) as valkey,
        ):
            await migrate(postgres.url)
            return await measure(Addresses(database=postgres.url, redis=valkey.url))


async def measure(addresses: Addresses) -> list[Result]:
    """All of it, on a database of its own."""
    async with open_store(addresses) as store:
        spec = AgentSpec.model_validate(
            {"name": "no-op", "model": "scripted", "strategy": "direct", "script": [{"text": "ok"}]}
        )
        await StoredAgents(store, system(), catalogue=BUILT_IN, knowledge=None).create(spec)
        short, long = await _claims(store, addresses.database)
        async with parts(addresses, *["worker"] * WORKERS):
            await _until(store, COUNT_WORKERS, WORKERS)
            first_event = await tasks_first_event.measure(store, addresses, agent="no-op")
            in_the_log = await _first_events(store)
            per_second = await _throughput(store)
    name = f"no-op tasks through {WORKERS} worker processes"
    ratio = f"one claim from a queue of {BACKLOG}, against one from a queue of 1"
    return [
        at_least(name, per_second, limit=LEAST_PER_SECOND, unit="a second"),
        *first_event,
        noted("  of it, between both events in the log, p50", in_the_log, unit="ms"),
        at_most(ratio, long / short, limit=MOST_CLAIM_RATIO, unit="times"),
        noted("  the claim from a queue of 1, p50", short, unit="ms"),
        noted(f"  the claim from a queue of {BACKLOG}, p50", long, unit="ms"),
    ]


async def _first_events(store: Store) -> float:
    """By the database's own clock, of all tasks so far."""
    async with store.log_pool.connection() as connection:
        cursor = await connection.execute(FIRST_EVENTS)
        return statistics.median([float(row[0]) for row in await cursor.fetchall()])


async def _throughput(store: Store) -> float:
    before = await _count(store, COUNT_DONE)
    limiter = anyio.CapacityLimiter(SUBMITTERS)

    async def submit() -> None:
        async with limiter:
            await _submit(store)

    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(TASKS):
            group.start_soon(submit)
    await _until(store, COUNT_DONE, before + TASKS)
    return TASKS / (time.perf_counter() - began)


async def _claims(store: Store, url: str) -> tuple[float, float]:
    """The median time of one claim in milliseconds: of the only job, and of the first of many.

    In turns, each after a checkpoint: else the backlog's own writing is measured with it.
    """
    queue = Queue(store.log_pool)
    worker = await queue.register()
    short: list[float] = []
    long: list[float] = []

    async def claim() -> float:
        began = time.perf_counter()
        claimed = await queue.claim("bench", worker=worker, limit=1)
        ended = time.perf_counter()
        await queue.finish([job.id for job in claimed], worker=worker)
        return (ended - began) * 1000

    info = conninfo(url, application="pygent-bench")
    async with await AsyncConnection.connect(info, autocommit=True) as server:
        for _ in range(ROUNDS):
            await server.execute("CHECKPOINT")
            for _ in range(CLAIMS):
                await _add(store, 1)
                short.append(await claim())
            await _add(store, BACKLOG)
            await server.execute("CHECKPOINT")
            long += [await claim() for _ in range(CLAIMS)]
            await server.execute("DELETE FROM procrastinate_jobs")
            await server.execute("VACUUM procrastinate_jobs")
    await queue.unregister(worker)
    return statistics.median(short), statistics.median(long)


async def _add(store: Store, count: int) -> None:
    async with store.log_pool.connection() as connection:
        await connection.execute(ADD_JOBS, (count,))


async def _submit(store: Store) -> None:
    await StoredTasks(store, system()).submit(SubmitTask(agent="no-op", input="go"))


async def _count(store: Store, statement: str) -> int:
    async with store.log_pool.connection() as connection:
        row = await (await connection.execute(statement.encode())).fetchone()
    return row[0] if row else 0


async def _until(store: Store, statement: str, least: int) -> None:
    with anyio.fail_after(RUN_SECONDS):
        while await _count(store, statement) < least:  # noqa: ASYNC110  other processes count
            await anyio.sleep(0.02)
