"""One scheduler leads; another takes over; what leads projects, rescues and stops when it must."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg import waiting

from agents import leader, rescuer, scheduler
from protocols.agents import AgentSpec
from protocols.operations.agents import AgentQuery
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.operations.agents import StoredAgents
from store.operations.catalogue import BUILT_IN
from store.postgres.queue import Queue
from store.projector import Projector
from tests.agents.conftest import Site

DEADLINE_SECONDS = 15.0


@asynccontextmanager
async def opened(database: str, redis_url: str) -> AsyncGenerator[Store]:
    prefix = f"test-{uuid4().hex}"
    async with open_store(
        Addresses(database=database, redis=redis_url, redis_prefix=prefix)
    ) as store:
        yield store


class Part:
    """Something that leads, or waits to."""

    def __init__(self) -> None:
        self.leads = anyio.Event()
        self.stopped = anyio.Event()

    async def work(self) -> None:
        self.leads.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.stopped.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(leader, "CHECK_SECONDS", 0.2)


async def test_one_leads_and_when_its_session_is_gone_it_stops_and_the_other_leads(
    database: str, redis_url: str
) -> None:
    first, second = Part(), Part()
    async with opened(database, redis_url) as store, anyio.create_task_group() as group:
        with anyio.fail_after(DEADLINE_SECONDS):
            group.start_soon(leader.lead, database, first.work)
            await first.leads.wait()
            group.start_soon(leader.lead, database, second.work)
            await _until_two_sessions(store)
            assert not second.leads.is_set()

            async with await psycopg.AsyncConnection.connect(database) as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l "
                    "JOIN pg_database AS d ON d.oid = l.database "
                    "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
                )
            await first.stopped.wait()
            first.leads = anyio.Event()
            with anyio.move_on_after(5.0) as soon:
                await _first_of(first.leads, second.leads)
            assert not soon.cancelled_caught
        group.cancel_scope.cancel()


async def test_a_leader_that_must_stop_closes_its_session(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The driver then gives way once in each wait, also where there is nothing to wait for: there
    # a cancelled task stops, as it does now and then in life.
    monkeypatch.setattr(waiting, "MAX_BUSY_TIME", 0.0)
    part = Part()
    async with anyio.create_task_group() as group:
        group.start_soon(leader.lead, database, part.work)
        with anyio.fail_after(DEADLINE_SECONDS):
            await part.leads.wait()
        group.cancel_scope.cancel()
    gc.collect()  # what is open and forgotten warns, and a warning is an error


async def test_the_death_of_the_leader_is_noticed_within_five_seconds(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "POLL_SECONDS", 2.0)  # as in life
    first, second, doomed = Part(), Part(), anyio.CancelScope()

    async def lead_and_die() -> None:
        with doomed:
            await leader.lead(database, first.work)

    async with opened(database, redis_url) as store, anyio.create_task_group() as group:
        group.start_soon(lead_and_die)
        await first.leads.wait()
        group.start_soon(leader.lead, database, second.work)
        await _until_two_sessions(store)
        doomed.cancel()
        with anyio.fail_after(5):
            await second.leads.wait()
        group.cancel_scope.cancel()


async def test_the_scheduler_projects_and_rescues(database: str, redis_url: str) -> None:
    rescued = anyio.Event()

    async def rescue(store: Store) -> None:
        assert store.addresses.database == database
        rescued.set()
        await anyio.sleep_forever()

    async with opened(database, redis_url) as store, anyio.create_task_group() as group:
        await group.start(partial(scheduler.run, store, rescue=rescue))
        agents = StoredAgents(store, system(), catalogue=BUILT_IN, knowledge=None)
        agent = await agents.create(AgentSpec(name="guide"))
        page = await agents.list(AgentQuery(min_position=agent.position))
        assert [row.name for row in page.items] == ["guide"]
        with anyio.fail_after(DEADLINE_SECONDS):
            await rescued.wait()
        group.cancel_scope.cancel()


async def test_open_tasks_that_lost_their_jobs_are_done_all_the_same(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.agent()
    await site.agent(name="slow", script=[{"text": "a b c", "deltas": 3, "seconds": 2}])
    waiting, begun = await site.submit("waits"), await site.submit("has begun")
    await site.die_once(begun)
    async with site.store.log_pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    healthy = await site.submit(agent="slow")

    async with site.worker(), anyio.create_task_group() as group:
        run = partial(
            scheduler.run, site.store, rescue=rescuer.run, lost_seconds=0.3, sweep_seconds=0.1
        )
        await group.start(run)
        for task in (waiting, begun, healthy):
            await site.end(task)
        group.cancel_scope.cancel()

    answers = [(await site.task(task)).answer for task in (waiting, begun, healthy)]
    assert answers == ["waits", "has begun", "a b c"]
    lost = [str(vars(record)["task"]) for record in caplog.records if "no job" in record.message]
    assert sorted(lost) == sorted([waiting, begun])  # each once, and not the one at work
    assert len((await site.task(waiting)).attempts) == 1


async def test_a_sweep_is_bounded_and_leaves_new_tasks_alone(site: Site) -> None:
    await site.agent()
    tasks = [await site.submit() for _ in range(5)]
    async with site.store.log_pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    await Projector(site.store).catch_up()
    queue = Queue(site.store.log_pool)
    assert await queue.enqueue_lost(older_than=60, limit=3) == []
    found = [await queue.enqueue_lost(older_than=0, limit=3) for _ in range(3)]
    assert [sorted(some) for some in found] == [sorted(tasks[:3]), sorted(tasks[3:]), []]


async def _until_two_sessions(store: Store) -> None:
    while True:
        async with store.log_pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pygent-leader' "
                "AND datname = current_database()"
            )
            row = await cursor.fetchone()
        if row and row[0] == 2:
            return
        await anyio.sleep(0.02)


async def _first_of(*events: anyio.Event) -> None:
    async with anyio.create_task_group() as group:

        async def wait(event: anyio.Event) -> None:
            await event.wait()
            group.cancel_scope.cancel()

        for event in events:
            group.start_soon(wait, event)
