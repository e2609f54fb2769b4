"""Tasks through real workers: how many a second, how soon the first event, what a claim costs.

The workers are processes of their own, as in service; whoever submits shares this one. Postgres
writes to disk with fsync. What travels to sockets is measured in `live.py`.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from agents.settings import AgentSettings
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
from store.postgres.queue import Queue

WORKERS = 2
TASKS = 2000
SUBMITTERS = 64
IDLE_TASKS = 100
CLAIMS = 300
BACKLOG = 10_000
RUN_SECONDS = 180.0

LEAST_PER_SECOND = 100.0
MOST_FIRST_EVENT_MS = 80.0
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
SELECT %s, 'attempt', 'bench:' || gen_random_uuid(), '{}' FROM generate_series(1, %s)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers, and whether they keep what is promised."""

    per_second: float
    first_event_ms: float
    claim_empty_ms: float
    claim_backlog_ms: float

    @property
    def claim_ratio(self) -> float:
        """One claim from a long queue against one from a short one."""
        return self.claim_backlog_ms / self.claim_empty_ms

    @property
    def is_kept(self) -> bool:
        """Whether every limit is."""
        return (
            self.per_second >= LEAST_PER_SECOND
            and self.first_event_ms <= MOST_FIRST_EVENT_MS
            and self.claim_ratio <= MOST_CLAIM_RATIO
        )

    def __str__(self) -> str:
        rate = f"{self.per_second:.0f} a second (at least {LEAST_PER_SECOND:g})"
        first = f"{self.first_event_ms:.1f} ms (at most {MOST_FIRST_EVENT_MS:g})"
        claim = f"{self.claim_backlog_ms:.2f} ms / {self.claim_empty_ms:.2f} ms"
        ratio = f"{self.claim_ratio:.2f} (at most {MOST_CLAIM_RATIO:g})"
        return "\n".join(
            (
                f"no-op tasks through {WORKERS} workers     {rate}",
                f"accepted to first event, p50    {first}",
                f"a claim of {BACKLOG} against of 1   {claim} = {ratio}",
            ),
        )


async def measure(addresses: Addresses) -> Outcome:
    """All of it, on a database of its own."""
    async with open_store(addresses) as store:
        spec = AgentSpec(name="no-op", model="scripted", strategy="direct", description="Says ok.")
        spec = spec.model_validate({**spec.model_dump(), "script": [{"text": "ok"}]})
        await StoredAgents(store, system(), catalogue=BUILT_IN, knowledge=None).create(spec)
        empty, backlog = await _claims(store)
        async with _workers(addresses):
            await _until(store, COUNT_WORKERS, WORKERS)
            first_event = await _first_events(store)
            per_second = await _throughput(store)
    return Outcome(per_second, first_event, empty, backlog)


async def _first_events(store: Store) -> float:
    """With nothing else to do: by the database's own clock, both events committed."""
    for number in range(1, IDLE_TASKS + 1):
        await _submit(store)
        await _until(store, COUNT_DONE, number)
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


async def _claims(store: Store) -> tuple[float, float]:
    """The median time of one claim in milliseconds: of the only job, and of the first of many."""
    queue = Queue(store.log_pool)
    worker = await queue.register()

    async def claim(name: str) -> float:
        began = time.perf_counter()
        claimed = await queue.claim(name, worker=worker, limit=1)
        ended = time.perf_counter()
        await queue.finish([job.id for job in claimed], worker=worker)
        return (ended - began) * 1000

    short: list[float] = []
    for _ in range(CLAIMS):
        await _add(store, "bench-short", 1)
        short.append(await claim("bench-short"))
    await _add(store, "bench-long", BACKLOG)
    long = [await claim("bench-long") for _ in range(CLAIMS)]
    async with store.log_pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'bench-long'")
    await queue.unregister(worker)
    return statistics.median(short), statistics.median(long)


async def _add(store: Store, queue: str, count: int) -> None:
    async with store.log_pool.connection() as connection:
        await connection.execute(ADD_JOBS, (queue, count))


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


@asynccontextmanager
async def _workers(addresses: Addresses) -> AsyncGenerator[None]:
    settings = AgentSettings(
        database_url=addresses.database,
        redis_url=addresses.redis,
        redis_prefix=addresses.redis_prefix,
        log_level="warning",
    )
    command = [sys.executable, "-m", "hub.cli.app", "worker"]
    processes = [
        await anyio.open_process(command, env=settings.environment(), stdout=None, stderr=None)
        for _ in range(WORKERS)
    ]
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            for process in processes:
                process.terminate()
            for process in processes:
                await process.wait()


async def main() -> Outcome:
    """Measure on servers of our own, and print."""
    with tempfile.TemporaryDirectory(prefix="pygent-bench-") as name:
        sockets = socket_directory(Path(name))
        async with (
            embedded_postgres(Path(name) / "postgres", sockets=sockets) as postgres,
            embedded_valkey(Path(name) / "valkey", sockets=sockets) as valkey,
        ):
            await migrate(postgres.url)
            outcome = await measure(Addresses(database=postgres.url, redis=valkey.url))
    print(outcome)
    return outcome


if __name__ == "__main__":
    sys.exit(not anyio.run(main, backend_options={"use_uvloop": True}).is_kept)
