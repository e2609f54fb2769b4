"""One scheduler leads; another takes over; what leads projects, rescues and stops when it must."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import anyio
import psycopg
import pytest

from agents import leader, scheduler
from protocols.agents import AgentSpec
from protocols.operations.agents import AgentQuery
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store, open_store
from store.operations.agents import StoredAgents
from store.operations.catalogue import BUILT_IN

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
