"""The epoch: the same while the database is the same, another after a restore."""

from typing import Any

import anyio
import pytest
from psycopg import AsyncConnection

from store.postgres.log import epoch
from store.postgres.log.event_log import EventLog
from tests.store.postgres.streams import append, new_task, opened_log

Root = AsyncConnection[Any]
CUT = """
SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'pygent-%'
"""


async def test_every_process_knows_the_same_epoch(database: str, log: EventLog) -> None:
    async with opened_log(database) as other:
        assert other.epoch == log.epoch
        assert len(log.epoch) == 36


async def test_a_restored_database_has_a_new_epoch_once(
    database: str, log: EventLog, root: Root
) -> None:
    stream, was = await new_task(log), log.epoch
    await root.execute(CUT)
    await log.append(append(stream, expected=1))
    assert log.epoch == was

    await root.execute("UPDATE pygent.epoch SET system_identifier = system_identifier + 1")
    await root.execute(CUT)
    await log.append(append(stream, expected=2))
    assert log.epoch != was
    async with opened_log(database) as other:
        assert other.epoch == log.epoch


async def test_a_new_timeline_is_a_new_epoch_for_processes_that_only_read(
    log: EventLog, root: Root
) -> None:
    stream, was = await new_task(log), log.epoch
    await root.execute("UPDATE pygent.epoch SET timeline = timeline + 1")
    await root.execute(CUT)
    with anyio.fail_after(5):
        assert await log.head(stream)
    assert log.epoch != was


async def test_an_epoch_begun_by_hand_is_noticed_on_old_connections(
    database: str, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "LOOK_SECONDS", 0.1)
    async with opened_log(database) as log, opened_log(database) as other:
        was = log.epoch
        row = await (await root.execute("SELECT pygent.rotate_epoch()::text")).fetchone()
        begun = row[0] if row else was
        assert begun != was
        with anyio.fail_after(5):
            while not log.epoch == other.epoch == begun:
                await anyio.sleep(0.02)


async def test_processes_that_find_it_at_once_agree(database: str, root: Root) -> None:
    await root.execute("UPDATE pygent.epoch SET timeline = timeline + 1")
    found: list[str] = []

    async def look() -> None:
        async with opened_log(database) as log:
            found.append(log.epoch)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(look)
    assert len(found) == 6
    assert len(set(found)) == 1
