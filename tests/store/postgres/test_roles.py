"""Who may see and do what in the database, whatever the code above forgets to check."""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import anyio
import psycopg
import pytest
from psycopg import AsyncConnection

from protocols.errors import FactoryError, InvalidRequest, Unavailable
from store.postgres.log.event_log import EventLog
from store.postgres.pool import Connection, TeamPool, open_log_pool, open_team_pool
from tests.store.postgres.streams import OTHER_TEAM, TEAM, append, new_task

Root = AsyncConnection[Any]
COUNT = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM stream_head)"
FORBIDDEN_TO_THE_APP = [
    "SELECT * FROM event_kept",
    "SELECT * FROM event_delta_0",
    "SELECT * FROM event_kept_0",
    "SELECT * FROM append_key",
    "SELECT * FROM procrastinate_jobs",
    "DELETE FROM event",
    "UPDATE stream_head SET team_id = 1",
    "INSERT INTO stream_head DEFAULT VALUES",
    "SELECT append(0::smallint, " + ", ".join(["null"] * 22) + ")",
    "SELECT * FROM follow(0::smallint, 0, 10)",
    "SELECT open_epoch()",
    "SELECT rotate_epoch()",
    "SELECT cut_partitions(1000, 1)",
    "SELECT nextval('event_position')",
    "INSERT INTO projection_position VALUES ('x', 0, 0)",
    "CREATE TABLE pygent.mine (x int)",
]
FORBIDDEN_TO_THE_LOG = [
    "DELETE FROM event",
    "DELETE FROM event_kept",
    "UPDATE event SET body = null",
    "DELETE FROM stream_head",
    "TRUNCATE event_delta",
    "UPDATE epoch SET timeline = 0",
    "UPDATE migration SET name = 'x'",
]


@pytest.fixture
async def app(database: str) -> AsyncGenerator[TeamPool]:
    async with open_team_pool(database, size=2) as pool:
        yield pool


async def counts(connection: Connection) -> tuple[int, int]:
    return await (await connection.execute(COUNT)).fetchone() or (0, 0)


async def test_the_app_sees_its_team_and_no_other(log: EventLog, app: TeamPool) -> None:
    for _ in range(3):
        await new_task(log)
    await new_task(log, team=OTHER_TEAM, attempts=1)
    async with app.team(TEAM) as connection:
        assert await counts(connection) == (3, 3)
    async with app.team(OTHER_TEAM) as connection:
        assert await counts(connection) == (2, 1)


async def test_without_a_team_the_app_sees_nothing(database: str, log: EventLog) -> None:
    await new_task(log)
    login = await AsyncConnection.connect(
        database, autocommit=True, options="-c role=pygent_app -c search_path=pygent"
    )
    async with login:
        assert await counts(login) == (0, 0)
        await login.execute("SET pygent.team = ''")
        assert await counts(login) == (0, 0)
        await login.execute("SET pygent.team = '1'")
        assert await counts(login) == (1, 1)


async def test_the_team_ends_with_its_transaction(log: EventLog, app: TeamPool) -> None:
    await new_task(log)
    async with app.team(TEAM) as connection:
        await connection.execute("SELECT 1")
    async with app.team(OTHER_TEAM) as connection:
        assert await counts(connection) == (0, 0)
        cursor = await connection.execute("SELECT current_user, session_user <> current_user")
        assert await cursor.fetchone() == ("pygent_app", True)


async def test_the_app_may_neither_write_the_log_nor_read_around_its_policies(
    app: TeamPool,
) -> None:
    for statement in FORBIDDEN_TO_THE_APP:
        with pytest.raises(Unavailable, match="lacks a right"):
            async with app.team(TEAM) as connection:
                await connection.execute(statement.encode())


async def test_a_login_of_the_app_cannot_become_the_log(database: str, root: Root) -> None:
    name = f"login_{uuid.uuid4().hex}"
    await root.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE pygent_app".encode())
    try:
        url = database.replace(database.split("//")[1].split("@")[0], f"{name}:x")
        async with open_team_pool(url, size=1) as pool:
            for role in ("pygent_log", "postgres"):
                with pytest.raises(Unavailable):
                    async with pool.team(TEAM) as connection:
                        await connection.execute(f"SET ROLE {role}".encode())
        with pytest.raises(Unavailable, match="member of the role"):
            async with open_log_pool(url, size=1, opened=_nothing):
                pass
    finally:
        await root.execute(f"DROP ROLE {name}".encode())


async def test_the_log_may_not_change_history(database: str) -> None:
    async with open_log_pool(database, size=1, opened=_nothing) as pool:
        for statement in FORBIDDEN_TO_THE_LOG:
            with pytest.raises(Unavailable, match="lacks a right"):
                async with pool.connection() as connection:
                    await connection.execute(statement.encode())


async def test_neither_role_passes_row_security(root: Root) -> None:
    cursor = await root.execute(
        "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin) FROM pg_roles"
        " WHERE rolname IN ('pygent_log', 'pygent_app')"
    )
    assert await cursor.fetchone() == (False,)


async def test_a_block_that_fails_leaves_nothing(root: Root, app: TeamPool) -> None:
    await root.execute("CREATE TABLE pygent.form (x int PRIMARY KEY)")
    await root.execute("GRANT ALL ON pygent.form TO pygent_app")

    async def fill(values: str, then: Callable[[Connection], Awaitable[None]]) -> None:
        async with app.team(TEAM) as connection:
            await connection.execute(f"INSERT INTO form VALUES {values}".encode())
            await then(connection)

    async def fail(_: Connection) -> None:
        raise KeyError

    async def fail_and_go_on(connection: Connection) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await connection.execute("SELECT 1 / 0")

    async def hang(_: Connection) -> None:
        scope.cancel()
        await anyio.sleep_forever()

    with pytest.raises(KeyError):
        await fill("(1)", fail)
    with pytest.raises(FactoryError, match="its error was dropped"):
        await fill("(2)", fail_and_go_on)
    with pytest.raises(InvalidRequest, match=r"^the database refused a value of the request$"):
        await fill("(3), (3)", _nothing)
    with anyio.CancelScope() as scope:
        await fill("(4)", hang)
    await fill("(5)", _nothing)
    cursor = await root.execute("SELECT array_agg(x) FROM pygent.form")
    assert await cursor.fetchone() == ([5],)


async def test_pools_go_on_after_all_their_connections_were_cut(
    database: str, root: Root, log: EventLog, app: TeamPool
) -> None:
    stream = await new_task(log)

    async def look() -> None:
        async with app.team(TEAM) as connection:
            assert await counts(connection) == (1, 1)
        assert await log.head(stream)

    for _ in range(3):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(look)
        await root.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name LIKE 'pygent-%'"
        )
        with anyio.fail_after(5):
            await look()
    await log.append(append(stream, expected=1))


async def _nothing(_: Connection) -> None:
    pass
