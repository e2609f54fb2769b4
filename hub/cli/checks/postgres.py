"""Postgres: reachable, new enough, with pgvector, migrated, its roles bound, its clock ours.

Each is asked only when the one before is right, so that one mistake is one finding.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import psycopg

from hub import cures
from hub.cli.checks.finding import Finding, fine, note, wrong
from protocols.errors import FactoryError, InvalidRequest
from store.postgres.failures import translated
from store.postgres.migrate import OLDEST_POSTGRES, OLDEST_VECTOR, pending
from store.postgres.pool import APP_ROLE, Connection, conninfo

APPLICATION = "pygent-doctor"
SKEW_SECONDS = 2.0  # pages show ages; beyond this they look wrong
TARGET = cures.POSTGRES_URL


def now() -> datetime:
    """By this machine's clock."""
    return datetime.now(UTC)


async def postgres(
    url: str | None, *, app_url: str | None, clock: Callable[[], datetime] = now
) -> AsyncIterator[Finding]:
    """Everything about the database.

    Args:
        url: Where it is; None: embedded, and not running.
        app_url: Of the login for reads and forms, when it is another.
        clock: This machine's.
    """
    if url is None:
        yield note("postgres", "embedded, and not running", cure="`pygent up` starts it")
        return
    try:
        with translated():
            options = conninfo(url, application=APPLICATION)
            opened = await psycopg.AsyncConnection.connect(options, autocommit=True)
            async with opened as connection:
                server = await _server(connection)
                skew = None if server.cure else await _skew(connection, clock)
        yield server
        if server.cure:
            return
        schema = await _migrations(url)
        yield schema
        if schema.cure is None:
            yield await _roles(app_url or url)
        if skew is not None:
            yield skew
    except FactoryError as error:
        yield wrong("postgres", error.message.removesuffix("; try again"), cure=_way_in(error))


def _way_in(error: FactoryError) -> str:
    if isinstance(error, InvalidRequest):
        return f"mend {TARGET}; it looks like postgresql://user:password@host:5432/name"
    if "user or password" in error.message or "member of the role" in error.message:
        return f"mend user and password in {TARGET}, or run `pygent migrate` as the owner"
    return cures.away(TARGET)


async def _server(connection: Connection) -> Finding:
    major = connection.info.server_version // 10_000
    if major < OLDEST_POSTGRES:
        return wrong(
            "postgres",
            f"it is Postgres {major}, and {OLDEST_POSTGRES} is needed",
            cure=f"upgrade it, name another one in {TARGET}, or unset that: `pygent up` brings 18",
        )
    cursor = await connection.execute(
        "SELECT default_version, installed_version, pg_is_in_recovery()"
        " FROM (SELECT) AS one LEFT JOIN pg_available_extensions ON name = 'vector'"
    )
    offered, installed, is_standby = await cursor.fetchone() or (None, None, False)
    needed = ".".join(map(str, OLDEST_VECTOR))
    if is_standby:
        seen = f"Postgres {major} is a standby, which cannot be written"
        return wrong("postgres", seen, cure=f"name the primary in {TARGET}")
    if offered is None:
        return wrong(
            "postgres",
            f"Postgres {major} lacks the extension pgvector",
            cure=f"install pgvector {needed} or newer on its machine, such as the Debian package"
            f" postgresql-{major}-pgvector",
        )
    if _numbers(installed or offered) < OLDEST_VECTOR:
        seen = f"Postgres {major} has pgvector {installed or offered}, and {needed} is needed"
        return wrong("postgres", seen, cure="install a newer pgvector, and ALTER EXTENSION UPDATE")
    return fine("postgres", f"version {major}, pgvector {installed or offered}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


async def _migrations(url: str) -> Finding:
    try:
        missing = await pending(url)
    except InvalidRequest as error:
        cure = "install the version of PyGent Factory that migrated this database, or a newer one"
        return wrong("migrations", error.message, cure=cure)
    if missing:
        seen = f"the database lacks {len(missing)} of them"
        return wrong("migrations", seen, cure="run `pygent migrate`")
    return fine("migrations", "all applied")


async def _roles(url: str) -> Finding:
    with translated():
        options = conninfo(url, application=APPLICATION, role=APP_ROLE)
        async with await psycopg.AsyncConnection.connect(options, autocommit=True) as connection:
            cursor = await connection.execute(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
            row = await cursor.fetchone()
    if row is None or row[0]:
        return wrong(
            "roles",
            f"{APP_ROLE} is superuser or bypasses row security, so that teams see each other",
            cure=f"as an administrator: ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS",
        )
    return fine("roles", f"{APP_ROLE} is held to one team")


async def _skew(connection: Connection, clock: Callable[[], datetime]) -> Finding:
    before = clock()
    cursor = await connection.execute("SELECT clock_timestamp()")
    row = await cursor.fetchone()
    after = clock()
    there: datetime = row[0] if row else before
    behind = max(before - there, there - after, timedelta())  # nothing within the round trip
    seconds = behind.total_seconds()
    if seconds > SKEW_SECONDS:
        way = "ahead of" if there < before else "behind"
        return wrong(
            "clock",
            f"this machine is {seconds:.0f} s {way} the database, whose time every event carries",
            cure="let both follow NTP: `timedatectl set-ntp true`",
        )
    return fine("clock", "the same here and in the database")
