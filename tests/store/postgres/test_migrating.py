"""Migrating: once, whoever calls and how often, and with a clear sentence when it cannot be."""

import re
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from psycopg import AsyncConnection

from protocols.errors import FactoryError, InvalidRequest, Unavailable
from store.addresses import Addresses
from store.connect import open_store
from store.postgres import migrate as migrating
from store.postgres.migrate import migrate, pending
from tests.conftest import url_of
from tests.store.postgres.streams import new_task, opened_log

Root = AsyncConnection[Any]
OURS = sorted(path.stem for path in migrating.MIGRATIONS.glob("*.sql"))


@pytest.fixture
async def empty(postgres_url: str) -> AsyncGenerator[str]:
    """The superuser's URL of a database in which there is nothing."""
    name = f"test_{uuid.uuid4().hex}"
    admin: Root = await AsyncConnection.connect(postgres_url, autocommit=True)
    async with admin:
        await admin.execute(f"CREATE DATABASE {name}".encode())
        yield url_of(postgres_url, database=name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def run(url: str, statement: str) -> None:
    connection: Root = await AsyncConnection.connect(url, autocommit=True)
    async with connection:
        await connection.execute(statement.encode())


async def test_it_applies_what_is_missing_and_nothing_twice(empty: str) -> None:
    assert (await pending(empty))[-len(OURS) :] == OURS
    assert await migrate(empty) == ["queue", *OURS]
    assert await pending(empty) == []
    assert await migrate(empty) == []
    async with opened_log(empty) as log:
        assert await log.head(await new_task(log))


async def test_several_processes_may_migrate_at_once(empty: str) -> None:
    applied: list[list[str]] = []

    async def one() -> None:
        applied.append(await migrate(empty))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    assert sorted(applied) == [[], [], [], [], ["queue", *OURS]]


async def test_a_failing_migration_leaves_nothing_of_itself(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (x int);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (x int); SELECT 1 / 0;")
    monkeypatch.setattr(migrating, "MIGRATIONS", tmp_path)
    with pytest.raises(FactoryError):
        await migrate(empty)
    assert await pending(empty) == ["0002_two"]
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (x int);")
    assert await migrate(empty) == ["0002_two"]

    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (x bigint);")
    with pytest.raises(InvalidRequest, match="0001_one was applied with another text"):
        await migrate(empty)
    (tmp_path / "0001_one.sql").unlink()
    with pytest.raises(InvalidRequest, match="newer than this version: it has 0001_one"):
        await migrate(empty)
    with pytest.raises(InvalidRequest, match="newer than this version"):
        await pending(empty)


async def test_the_store_does_not_open_on_a_database_that_lacks_a_migration(
    empty: str, redis_url: str
) -> None:
    addresses = Addresses(database=empty, redis=redis_url)
    with pytest.raises(Unavailable, match="run `pygent migrate`"):
        async with open_store(addresses):
            pass
    with pytest.raises(Unavailable, match="no such database"):
        async with open_store(Addresses(database=url_of(empty, database="no"), redis=redis_url)):
            pass
    with pytest.raises(InvalidRequest, match="cannot be read"):
        async with open_store(Addresses(database="nonsense", redis=redis_url)):
            pass
    wrong = re.sub(r":[^:@/]+@", ":wrong@", empty)
    with pytest.raises(Unavailable, match="refuses the user or password") as refused:
        async with open_store(Addresses(database=wrong, redis=redis_url)):
            pass
    assert "wrong" not in str(refused.value)


async def test_a_user_without_rights_is_told_what_it_needs(empty: str) -> None:
    name = f"login_{uuid.uuid4().hex}"
    await run(empty, f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    try:
        url = empty.replace(empty.split("//")[1].split("@")[0], f"{name}:x")
        with pytest.raises(InvalidRequest, match="CREATE EXTENSION vector"):
            await migrate(url)
        await run(empty, "CREATE EXTENSION vector")
        with pytest.raises(Unavailable, match="grant it both"):
            await migrate(url)
    finally:
        await run(empty, f"DROP ROLE {name}")


async def test_an_ordinary_user_may_own_it_all(empty: str, template: str) -> None:
    """As on managed servers: no superuser, but a member of both roles and owner of the database."""
    name = f"owner_{uuid.uuid4().hex}"
    await run(empty, "CREATE EXTENSION vector")
    await run(empty, f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE pygent_log, pygent_app")
    database = empty.rsplit("/", 1)[1].split("?")[0]
    try:
        await run(empty, f"ALTER DATABASE {database} OWNER TO {name}")
        url = empty.replace(empty.split("//")[1].split("@")[0], f"{name}:x")
        assert await migrate(url) == ["queue", *OURS]
        async with opened_log(url) as log:
            assert await log.head(await new_task(log))
            assert await log.cut_partitions() == 0
    finally:
        await run(empty, f"ALTER DATABASE {database} OWNER TO postgres")
        await run(empty, f"REASSIGN OWNED BY {name} TO postgres")
        await run(empty, f"DROP OWNED BY {name}")
        await run(empty, f"DROP ROLE {name}")
