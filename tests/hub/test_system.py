"""What the factory says of itself: each part with its cure, its processes, its latest seconds."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import anyio
import psycopg
import pytest
from psycopg import sql

from hub.system import HubSystem
from protocols.channels import Channel, Namespace
from protocols.errors import Forbidden
from protocols.operations.system import Part, PartState, SamplesQuery
from protocols.principals import FIRST_TEAM, Actor, Principal, Role, system
from store.addresses import Addresses
from store.postgres.queue import Queue
from tests.serving import Served, serving


def named(parts: list[Part]) -> dict[str, Part]:
    return {part.name: part for part in parts}


async def state(served: Served) -> dict[str, Part]:
    """As the hub itself sees it, without a request."""
    hub = served.hub
    return named((await HubSystem(hub.opened, hub.settings, system()).system()).parts)


async def test_every_part_says_how_it_does_and_what_is_wrong_comes_with_its_cure(
    served: Served,
) -> None:
    async with await served.client() as client:
        found = await client.systems.system()
    parts = named(found.parts)
    for name in ("hub", "postgres", "redis", "log", "projections", "sockets"):
        assert parts[name].state is PartState.WELL, parts[name]
    assert parts["postgres"].version
    assert parts["postgres"].facts["pgvector"]
    assert (parts["redis"].title, bool(parts["redis"].version)) == ("Valkey", True)
    assert 0 < (parts["postgres"].seconds or 0) < 2
    # No worker and no scheduler run in this test.
    for name in ("workers", "scheduler"):
        assert parts[name].state is PartState.DOWN
        assert f"`pygent {name.removesuffix('s')}`" in (parts[name].cure or "")
    assert not found.is_well
    assert found.epoch == served.store.log.epoch
    assert (found.position or 0) >= 1


async def test_workers_and_their_jobs_are_counted_and_one_that_is_silent_is_named(
    served: Served,
) -> None:
    queue = Queue(served.store.log_pool)
    first, second = await queue.register(), await queue.register()
    await served.task()
    await served.task()
    assert len(await queue.claim("tasks", worker=first, limit=1)) == 1
    async with await served.client() as client:
        found = await client.systems.system()
        assert [(one.name, one.waiting, one.running) for one in found.queues] == [("tasks", 1, 1)]
        assert {one.id: one.running for one in found.workers} == {first: 1, second: 0}
        assert named(found.parts)["workers"].state is PartState.WELL

        async with served.store.log_pool.connection() as connection:
            await connection.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '40 seconds'"
                " WHERE id = %s",
                (second,),
            )
        workers = named((await client.systems.system()).parts)["workers"]
    assert (workers.state, workers.facts) == (PartState.LATE, {"alive": 1, "stale": 1})
    assert "PYGENT_LEASE_SECONDS" in (workers.cure or "")


async def test_nothing_of_addresses_and_paths_is_told(served: Served, addresses: Addresses) -> None:
    async with await served.program() as program:
        answer = await program.get("/api/v1/system")
    assert answer.status_code == 200
    for secret in (
        urlsplit(addresses.database).path.lstrip("/"),
        addresses.redis_prefix,
        "postgresql:",
        "redis:/",
        "unix:/",
        "/tmp/",
    ):
        assert secret not in answer.text, secret


async def test_who_may_only_look_at_tasks_is_refused(served: Served) -> None:
    viewer = Principal(actor=Actor("user:v"), team=FIRST_TEAM, role=Role.VIEWER, name="v")
    asked = HubSystem(served.hub.opened, served.hub.settings, viewer)
    with pytest.raises(Forbidden):
        await asked.system()
    with pytest.raises(Forbidden):
        await asked.samples(SamplesQuery())


async def test_a_delivery_is_in_the_samples_with_the_time_it_took(served: Served) -> None:
    task = await served.task()
    worker = served.worker(task)
    channel = Channel(Namespace.TASK, task)
    async with await served.client() as client:
        async with served.hub.opened.live.follow(system(), channel, after=None) as followed:
            await worker.begin()
            await anext(followed)
            with anyio.fail_after(10):
                while not any((found := await client.systems.samples(SamplesQuery())).p50):
                    await worker.say("more")  # what was there before is not handed over live
                    await anyio.sleep(0.1)
        at = next(index for index, value in enumerate(found.p50) if value)
        assert 0 < (found.p50[at] or 0) <= (found.p99[at] or 0) < 5
        assert found.deliveries[at] >= 1
        assert {len(column) for column in (found.times, found.p99, found.connections)} == {
            len(found.p50)
        }
        later = await client.systems.samples(SamplesQuery(after=found.next, hub=found.hub))
        assert later.next - len(later.times) == found.next  # nothing twice, however late it is
        stranger = await client.systems.samples(SamplesQuery(hub="another:1:abcd"))
        assert (stranger.hub, stranger.times) == (found.hub, [])


async def test_without_redis_it_is_down_with_a_cure_and_the_rest_is_told(
    addresses: Addresses,
) -> None:
    away = replace(addresses, redis="redis://127.0.0.1:1/0")
    async with serving(away) as served, await served.client() as client:
        found = await client.systems.system()
    redis = named(found.parts)["redis"]
    assert redis.state is PartState.DOWN
    assert redis.cure == (
        "start that server, or mend PYGENT_REDIS_URL; without it `pygent up` brings its own"
    )
    assert [hub.id for hub in found.hubs] == [found.hub]
    assert named(found.parts)["postgres"].state is PartState.WELL


async def test_without_postgres_one_part_is_down_and_what_hangs_on_it_is_unknown(
    served: Served, postgres_url: str, addresses: Addresses
) -> None:
    async with _shut(postgres_url, urlsplit(addresses.database).path.lstrip("/")):
        parts = await state(served)
    assert parts["postgres"].state is PartState.DOWN
    assert "PYGENT_DATABASE_URL" in (parts["postgres"].cure or "")
    for name in ("log", "projections", "queue", "workers", "scheduler"):
        assert (parts[name].state, parts[name].cure) == (PartState.UNKNOWN, None), name
    assert parts["redis"].state is PartState.WELL


async def test_hubs_know_of_one_another_and_forget_one_that_ended(
    served: Served, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.sampler.GONE_SECONDS", 6.0)  # a row is said every five at the latest

    async def ids() -> set[str]:
        hub = served.hub
        found = await HubSystem(hub.opened, hub.settings, system()).system()
        assert found.hubs[0].id == found.hub
        return {one.id for one in found.hubs}

    with anyio.fail_after(20):
        async with serving(addresses) as other:
            both = {served.hub.opened.sampler.id, other.hub.opened.sampler.id}
            while await ids() != both:
                await anyio.sleep(0.1)
        while len(await ids()) != 1:
            await anyio.sleep(0.1)


@asynccontextmanager
async def _shut(postgres_url: str, database: str) -> AsyncGenerator[None]:
    """The database takes nobody, and whoever was in it is out."""
    connection = await psycopg.AsyncConnection.connect(postgres_url, autocommit=True)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    async with connection:
        name = sql.Identifier(database)
        await connection.execute(allow.format(name, sql.SQL("false")))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,)
        )
        try:
            yield
        finally:
            await connection.execute(allow.format(name, sql.SQL("true")))
