"""What projections tell open lists: the end at once, the rest at a pace, all of it at last."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from protocols.channels import StreamPosition
from protocols.operations.agents import AgentRow
from protocols.operations.tasks import SubmitTask, TaskQuery, TaskRow
from protocols.tasks import TaskState
from store.addresses import Addresses
from store.connect import Store, open_store
from store.embedded import embedded_valkey
from store.overview_counts import Moment
from store.projector import Projector
from tests.store.people import Worker, factory, submitted, with_agent


@asynccontextmanager
async def projecting(store: Store) -> AsyncGenerator[None]:
    async with anyio.create_task_group() as group:
        await group.start(Projector(store).run)
        yield
        group.cancel_scope.cancel()


async def test_lists_are_told_what_changed(store: Store) -> None:
    await with_agent(store)
    async with projecting(store):
        task = await submitted(store)
        await Worker(store, task).start()
        rows = await published(store, "tasks:1", until=b'"working"')
        agents = await published(store, "agents:1", until=b'"open_tasks":1')
        moments = await published(store, "overview:1", until=b'"working":1')

    row = TaskRow.model_validate_json(rows[-1])
    assert (row.id, row.state, row.version) == (task, TaskState.WORKING, 2)
    assert AgentRow.model_validate_json(agents[-1]).name == "guide"
    assert Moment.model_validate_json(moments[-1]).bucket.submitted == 1


async def test_a_busy_task_is_published_a_few_times_a_second_and_its_end_at_once(
    store: Store,
) -> None:
    await with_agent(store)
    async with projecting(store):
        worker = Worker(store, await submitted(store))
        await worker.start()
        started = anyio.current_time()
        for ordinal in range(1, 41):
            await worker.step(ordinal)
            await anyio.sleep(0.02)
        await published(store, "tasks:1", until=b'"working"', least=3)
        seconds = anyio.current_time() - started
        await worker.complete()
        rows = await published(store, "tasks:1", until=b'"completed"')
    assert 4 <= len(rows) <= 4 + seconds * 4


async def test_what_a_dead_projector_did_not_publish_the_next_one_does(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    await Projector(store).catch_up()  # folds, and dies before it publishes
    async with projecting(store):
        await published(store, "tasks:1", until=task.encode())


async def test_without_redis_lists_go_on_and_feeds_are_told_when_it_is_back(
    database: str, tmp_path: Path, server_sockets: Path
) -> None:
    sockets = server_sockets / "away"
    sockets.mkdir()
    async with embedded_valkey(tmp_path / "valkey", sockets=sockets) as server:
        url = server.url
    async with open_store(Addresses(database=database, redis=url)) as store:
        await with_agent(store)
        async with projecting(store):
            receipt = await factory(store).tasks.submit(SubmitTask(agent="guide", input="Why?"))
            page = await factory(store).tasks.list(TaskQuery(min_position=receipt.position))
            assert [row.id for row in page.items] == [receipt.id]
            async with embedded_valkey(tmp_path / "valkey", sockets=sockets):
                await published(store, "tasks:1", until=receipt.id.encode())


async def published(store: Store, channel: str, *, until: bytes, least: int = 1) -> list[bytes]:
    """All that a feed published, once so much of it is there and something says so."""
    deadline = anyio.current_time() + 10
    while anyio.current_time() < deadline:
        page = await store.broker.read_feed(channel, after=StreamPosition("", 0), limit=500)
        rows = [publication.data for publication in page.publications]
        if len(rows) >= least and any(until in row for row in rows):
            return rows
        await anyio.sleep(0.01)
    raise TimeoutError(f"{channel} never said {until!r}")
