"""Brings a database to the shape this version needs. Forward only; run it as often as you like.

First the queue's schema, which the queue's package brings, then `migrations/NNNN_name.sql` in
order, each in a transaction of its own and remembered with its SHA-256. Any number of processes may
call it at once: one works, the others wait and find nothing left to do. It starts no server and
makes no database.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from anyio.to_thread import run_sync
from procrastinate.schema import SchemaManager

from protocols.errors import InvalidRequest, Unavailable
from store.postgres.failures import translated, translation
from store.postgres.pool import SEARCH_PATH, Connection, conninfo, open_connection

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x7079_6765_6E74  # "pygent"; any number that nobody else locks
LOCK_SECONDS = 120
OLDEST_POSTGRES = 15
OLDEST_VECTOR = (0, 8)  # iterative scans: without them a filtered search loses rows

CREATE_MIGRATION = """
CREATE TABLE IF NOT EXISTS migration (
  name       text PRIMARY KEY,
  sha256     bytea NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step; `is_ours` tells our files from those the queue's package brings."""

    name: str
    sql: str
    is_ours: bool

    @property
    def sha256(self) -> bytes:
        """Of its text: history that was changed is refused."""
        return hashlib.sha256(self.sql.encode()).digest()


async def migrate(url: str) -> list[str]:
    """Applies what is missing; the names of what was applied, in order.

    Raises:
        InvalidRequest: Postgres is too old, pgvector is missing, the database is newer than this
            version, or an applied migration is not the one this version knows.
        Unavailable: The database is out of reach, or its user may not do what a migration needs.
    """
    try:
        async with open_connection(conninfo(url, application="pygent-migrate")) as connection:
            await _refuse_old_server(connection)
            await _lock(connection)
            await _prepare(connection)
            return await _apply(connection, await run_sync(_known))
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unavailable(
            "the database's user may not do what migrations need: let it create schemas and roles, "
            "or have an administrator create the roles pygent_log and pygent_app and grant it both"
        ) from error
    except psycopg.Error as error:
        raise translation(error) from error


async def pending(url: str) -> list[str]:
    """Names of the migrations this database lacks; all of them where there has never been one.

    Raises:
        InvalidRequest: The database is newer than this version, or its history is another.
        Unavailable: The database is out of reach.
    """
    known = await run_sync(_known)
    with translated():
        async with open_connection(conninfo(url, application="pygent-check")) as connection:
            exists = await _one(connection, "SELECT to_regclass('pygent.migration') IS NOT NULL")
            applied = await _applied(connection) if exists else {}
    _refuse_other_history(applied, known)
    return [migration.name for migration in known if migration.name not in applied]


def _known() -> list[Migration]:
    """Every step in order; a fresh database gets the queue's newest schema for the queue's."""
    queue = [
        Migration(name=f"queue/{path.stem}", sql=path.read_text(), is_ours=False)
        for path in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    ]
    ours = [
        Migration(name=path.stem, sql=path.read_text(), is_ours=True)
        for path in sorted(MIGRATIONS.glob("[0-9]*.sql"))
    ]
    return [*queue, *ours]


async def _refuse_old_server(connection: Connection) -> None:
    major = connection.info.server_version // 10_000
    if major < OLDEST_POSTGRES:
        raise InvalidRequest(
            f"the database is Postgres {major}; it must be {OLDEST_POSTGRES} or newer"
        )
    if await _one(connection, "SELECT pg_is_in_recovery()"):
        raise Unavailable("the database is a standby, which cannot be written; name its primary")


async def _lock(connection: Connection) -> None:
    await connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
    try:
        await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    except psycopg.errors.LockNotAvailable:
        raise Unavailable(
            f"another process has been migrating this database for {LOCK_SECONDS} seconds"
        ) from None


async def _prepare(connection: Connection) -> None:
    await _refuse_missing_vector(connection)
    if not await _one(connection, "SELECT to_regnamespace('pygent') IS NOT NULL"):
        await connection.execute("CREATE SCHEMA pygent")
    await connection.execute(CREATE_MIGRATION)


async def _refuse_missing_vector(connection: Connection) -> None:
    sql = "SELECT installed_version FROM pg_available_extensions WHERE name = 'vector'"
    row = await (await connection.execute(sql)).fetchone()
    needed = ".".join(map(str, OLDEST_VECTOR))
    if row is None:
        raise InvalidRequest(
            f"the database's server lacks the extension pgvector; install {needed} or newer"
        )
    if row[0] is None:
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        except psycopg.errors.InsufficientPrivilege:
            raise InvalidRequest(
                "the database's user may not install pgvector; have an administrator run "
                "CREATE EXTENSION vector SCHEMA public"
            ) from None
        row = await (await connection.execute(sql)).fetchone() or ("",)
    version = tuple(int(part) for part in str(row[0]).split(".")[:2] if part.isdigit())
    if version < OLDEST_VECTOR:
        raise InvalidRequest(f"the database has pgvector {row[0]}; it must be {needed} or newer")


async def _apply(connection: Connection, known: Sequence[Migration]) -> list[str]:
    applied = await _applied(connection)
    _refuse_other_history(applied, known)
    names: list[str] = []
    if not applied:
        await _install_queue(connection, known)
        applied = await _applied(connection)
        names.append("queue")
    for migration in known:
        if migration.name not in applied:
            async with connection.transaction():
                await _run(connection, migration.sql)
                await _remember(connection, migration)
            names.append(migration.name)
    return names


async def _install_queue(connection: Connection, known: Sequence[Migration]) -> None:
    steps = [migration for migration in known if not migration.is_ours]
    async with connection.transaction():
        await _run(connection, SchemaManager.get_schema())
        for migration in steps:
            await _remember(connection, migration)


async def _run(connection: Connection, sql: str) -> None:
    await connection.execute(f"SET LOCAL search_path = {SEARCH_PATH}")
    await connection.execute(sql.encode())


async def _remember(connection: Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO migration (name, sha256) VALUES (%s, %s)", (migration.name, migration.sha256)
    )


async def _applied(connection: Connection) -> dict[str, bytes]:
    cursor = await connection.execute("SELECT name, sha256 FROM pygent.migration")
    return {str(name): bytes(sha256) for name, sha256 in await cursor.fetchall()}


def _refuse_other_history(applied: dict[str, bytes], known: Sequence[Migration]) -> None:
    names = {migration.name for migration in known}
    if newer := sorted(applied.keys() - names):
        raise InvalidRequest(
            f"the database is newer than this version: it has {newer[-1]}; run a newer version"
        )
    for migration in known:
        was = applied.get(migration.name)
        if migration.is_ours and was is not None and was != migration.sha256:
            raise InvalidRequest(
                f"migration {migration.name} was applied with another text than this version has"
            )


async def _one(connection: Connection, sql: LiteralString) -> object:
    row = await (await connection.execute(sql)).fetchone()
    return None if row is None else row[0]
