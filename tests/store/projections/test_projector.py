"""Projections count every event once, however they race, die, or meet what cannot be folded."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import psycopg
import pytest

from protocols.errors import NotFound
from protocols.operations.tasks import TaskQuery
from protocols.task_fold import fold
from protocols.tasks import TaskState
from store import projector
from store.connect import Store
from store.postgres.pool import SEARCH_PATH
from store.projector import Projector, lag, rebuild
from tests.store.people import Worker, factory, submitted, with_agent

TABLES = {
    "tasks": ("task_row", "task_count", "task_total"),
    "agents": ("agent_row",),
    "overview": (
        "overview_minute",
        "model_minute",
        "overview_hour",
        "model_hour",
        "overview_task",
    ),
}


async def contents(store: Store, table: str) -> list[str]:
    """A table's rows as text, without the rows that count nothing.

    Seconds to twelve digits: a sum's last bit depends on how the events came in batches.
    """
    async with store.log_pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL extra_float_digits = -3")
        cursor = await connection.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1".encode())
        return [str(row[0]) for row in await cursor.fetchall() if not str(row[0]).endswith(",0)")]


async def all_contents(store: Store) -> dict[str, list[str]]:
    return {table: await contents(store, table) for tables in TABLES.values() for table in tables}


@asynccontextmanager
async def superuser(database: str) -> AsyncGenerator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(f"SET search_path = {SEARCH_PATH}".encode())
        yield connection


async def work(store: Store, *, count: int) -> None:
    """So many tasks from beginning to end, all at once."""
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(_one_task, store)


async def _one_task(store: Store) -> None:
    worker = Worker(store, await submitted(store))
    await worker.start()
    for ordinal in range(1, 6):
        await worker.step(ordinal)
    await worker.complete()


async def _compare_with_the_log(store: Store, *, count: int) -> None:
    """Rows equal the folds, and counters equal what a fold from the beginning counts."""
    rows = (await factory(store).tasks.list(TaskQuery(limit=200))).items
    assert len(rows) == count
    for row in rows:
        task = fold(row.id, await store.log.read(row.id, limit=1000))  # type: ignore[arg-type]
        assert (row.state, row.version, row.steps) == (task.state, task.version, len(task.steps))
        assert (row.cost, row.input_tokens) == (task.cost, task.usage.input)
    before = await all_contents(store)
    for name in TABLES:
        await rebuild(store, name)
    assert await all_contents(store) == before


async def test_racing_projectors_count_every_event_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "BATCH_EVENTS", 7)
    await with_agent(store)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(Projector(store).run)
        await work(store, count=30)
        await _caught_up(store)
        group.cancel_scope.cancel()
    await _compare_with_the_log(store, count=30)


async def test_a_projector_killed_anywhere_loses_and_doubles_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "BATCH_EVENTS", 7)
    await with_agent(store)
    await work(store, count=12)
    chance, kills, window, before = random.Random(7), 0, 0.01, -1
    while any(each.events for each in await lag(store)):
        position = sum(each.position for each in await lag(store))
        window *= 1.5 if position == before else 1.0  # a slow machine needs longer for one batch
        before = position
        with anyio.move_on_after(chance.uniform(0.0, window)) as scope:
            await Projector(store).catch_up()
        kills += scope.cancelled_caught
    assert kills > 3
    await _compare_with_the_log(store, count=12)


async def test_a_rebuild_gives_equal_rows_and_readers_see_the_old_ones_meanwhile(
    store: Store,
) -> None:
    await with_agent(store)
    await work(store, count=5)
    await Projector(store).catch_up()
    before = await all_contents(store)
    async with store.log_pool.connection() as connection:
        await connection.execute("UPDATE task_row SET title = 'wrong', steps = 99")
        await connection.execute("DELETE FROM overview_minute")
        await connection.execute("UPDATE task_count SET tasks = 77")

    for name in TABLES:
        assert await rebuild(store, name) >= 5 * 13

    assert await all_contents(store) == before
    with pytest.raises(NotFound, match="tasks, agents, overview"):
        await rebuild(store, "nothing")


async def test_a_stream_that_cannot_be_folded_is_parked_and_the_others_go_on(
    store: Store, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    await with_agent(store)
    await work(store, count=1)
    odd = await submitted(store, "odd")
    worker = Worker(store, odd)
    await worker.start()
    await worker.step(1)
    await work(store, count=1)
    async with superuser(database) as connection:
        await connection.execute(
            "UPDATE event SET head = '{}' WHERE type = 'step.started' AND stream_id = %s", (odd,)
        )

    await Projector(store).catch_up()

    lags = {each.name: each for each in await lag(store)}
    assert (lags["tasks"].parked, lags["tasks"].events) == (1, 0)
    assert "a stream cannot be folded and is parked" in caplog.text
    rows = {row.id: row for row in (await factory(store).tasks.list(TaskQuery())).items}
    assert len(rows) == 3
    assert (rows[odd].state, rows[odd].version) == (TaskState.WORKING, 2)

    await worker.complete()  # its further events are passed over
    await Projector(store).catch_up()
    async with superuser(database) as connection:
        await connection.execute(
            """UPDATE event SET head = '{"step":"1.1","kind":"model","name":"m"}'
               WHERE type = 'step.started' AND stream_id = %s""",
            (odd,),
        )
    await rebuild(store, "tasks")
    assert {each.name: each.parked for each in await lag(store)}["tasks"] == 0
    await _compare_with_the_log(store, count=3)


async def test_nonsense_of_a_provider_about_its_use_parks_nothing(
    store: Store, database: str
) -> None:
    await with_agent(store)
    await work(store, count=2)
    async with superuser(database) as connection:
        await connection.execute(
            """UPDATE event SET head = '{"step":"1.1","cost":1000000000000000000,"usage":
                 {"input":1000000000000000000000000000000,"output":-5}}'
               WHERE type = 'step.finished'"""
        )

    await Projector(store).catch_up()

    assert [each.parked for each in await lag(store)] == [0, 0, 0]
    rows = (await factory(store).tasks.list(TaskQuery())).items
    used = [(row.input_tokens, row.output_tokens, row.cost) for row in rows]
    assert used == [(10**12, 0, 10**12)] * 2


async def test_a_row_that_postgres_refuses_is_found_and_parked(store: Store, database: str) -> None:
    await with_agent(store)
    await work(store, count=2)
    odd = await submitted(store, "odd")
    await work(store, count=2)
    async with superuser(database) as connection:
        await connection.execute(
            r"""UPDATE event SET head = replace(head::text, '"odd"', '"o\u0000d"')::json
                WHERE stream_id = %s""",
            (odd,),
        )

    await Projector(store).catch_up()

    assert {each.name: each.parked for each in await lag(store)} == {
        "agents": 0,
        "overview": 0,
        "tasks": 1,
    }
    rows = (await factory(store).tasks.list(TaskQuery(state=(TaskState.COMPLETED,)))).items
    assert len(rows) == 4


async def test_one_projections_trouble_is_not_the_others(store: Store, database: str) -> None:
    await with_agent(store)
    async with superuser(database) as connection:
        await connection.execute("ALTER TABLE overview_minute RENAME TO away")
    await work(store, count=2)

    await Projector(store).catch_up()

    behind = {each.name: each.events for each in await lag(store)}
    assert (behind["tasks"], behind["agents"]) == (0, 0)
    assert behind["overview"] > 20
    async with superuser(database) as connection:
        await connection.execute("ALTER TABLE away RENAME TO overview_minute")
    await Projector(store).catch_up()
    await _compare_with_the_log(store, count=2)


async def test_the_lag_is_counted_in_events_and_seconds(store: Store) -> None:
    await with_agent(store)
    lags = await lag(store)
    assert [each.name for each in lags] == ["agents", "overview", "tasks"]
    assert all(each.events == 2 and each.seconds > 0 for each in lags)
    await Projector(store).catch_up()
    assert all(each.events == 0 and each.seconds == 0 for each in await lag(store))


async def _caught_up(store: Store) -> None:
    with anyio.fail_after(30):
        while any(each.events for each in await lag(store)):
            await anyio.sleep(0.02)
