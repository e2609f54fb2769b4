"""The doctor finds what is wrong with Postgres and Redis; each test makes the mistake."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from redis.asyncio import Redis

from hub.cli.checks.finding import Finding, Verdict
from hub.cli.checks.postgres import now, postgres
from hub.cli.checks.redis import redis
from tests.conftest import OwnValkey, url_of
from tests.hub.cli.old_servers import answering, postgres_14, redis_6

NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nothing"


async def found(url: str, *, clock: Callable[[], datetime] = now) -> dict[str, Finding]:
    return {one.part: one async for one in postgres(url, app_url=None, clock=clock)}


async def run(url: str, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


def is_wrong(finding: Finding, *words: str) -> None:
    assert finding.verdict is Verdict.WRONG, finding
    assert finding.cure
    for word in words:
        assert word in f"{finding.sentence} → {finding.cure}"


async def test_a_database_that_is_well_has_nothing_to_mend(database: str):
    findings = await found(database)
    assert set(findings) == {"postgres", "migrations", "roles", "clock"}
    assert all(one.verdict is Verdict.FINE and one.cure is None for one in findings.values())


async def test_a_database_that_is_away_is_told_without_its_password():
    findings = await found(NOWHERE)
    is_wrong(findings["postgres"], "out of reach", "PYGENT_DATABASE_URL", "pygent up")
    assert "secret" not in str(findings)


async def test_a_wrong_password_is_told_as_such(database: str):
    user, _, place = database.partition("://")[2].partition("@")
    url = f"postgresql://{user.partition(':')[0]}:wrong@{place}"
    is_wrong((await found(url))["postgres"], "user or password", "PYGENT_DATABASE_URL")


async def test_a_url_that_is_none_is_shown_what_one_looks_like():
    is_wrong((await found("mysql//x"))["postgres"], "postgresql://user:password@host")


async def test_an_old_postgres_is_told_its_version():
    async with answering(postgres_14) as port:
        findings = await found(f"postgresql://u@127.0.0.1:{port}/x")
    assert list(findings) == ["postgres"]
    is_wrong(findings["postgres"], "Postgres 14", "15 is needed", "upgrade")


async def test_a_postgres_without_pgvector_is_told_what_to_install(
    database: str, postgres_url: str
):
    name = urlsplit(database).path.removeprefix("/")
    await run(postgres_url, f"ALTER DATABASE {name} SET extension_control_path = '/nowhere'")
    findings = await found(database)
    is_wrong(findings["postgres"], "pgvector", "postgresql-18-pgvector")


async def test_a_database_that_was_not_migrated_is_told_the_command(postgres_url: str):
    await run(postgres_url, "CREATE DATABASE never_migrated")
    try:
        findings = await found(url_of(postgres_url, database="never_migrated"))
        is_wrong(findings["migrations"], "lacks", "pygent migrate")
        assert "roles" not in findings
    finally:
        await run(postgres_url, "DROP DATABASE never_migrated WITH (FORCE)")


async def test_a_database_of_a_newer_program_asks_for_that_program(database: str):
    await run(database, "INSERT INTO pygent.migration (name, sha256) VALUES ('9999_next', '')")
    is_wrong((await found(database))["migrations"], "9999_next", "newer")


async def test_a_role_that_bypasses_row_security_is_told_how_to_bind_it(database: str):
    await run(database, "ALTER ROLE pygent_app BYPASSRLS")
    try:
        is_wrong((await found(database))["roles"], "teams see each other", "NOBYPASSRLS")
    finally:
        await run(database, "ALTER ROLE pygent_app NOBYPASSRLS")


@pytest.mark.parametrize(("seconds", "way"), [(90, "90 s ahead of"), (-90, "90 s behind")])
async def test_clocks_that_differ_are_told_by_how_much(database: str, seconds: int, way: str):
    findings = await found(database, clock=lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    is_wrong(findings["clock"], way, "NTP")


async def test_a_redis_that_is_away_or_misnamed_is_told_the_variable(own_valkey: OwnValkey):
    is_wrong(await redis("redis://127.0.0.1:1"), "cannot be reached", "PYGENT_REDIS_URL")
    is_wrong(await redis("http://127.0.0.1"), "redis://host:6379/0")
    async with own_valkey.running():
        assert (await redis(own_valkey.url)).verdict is Verdict.FINE


async def test_a_redis_that_forgets_when_it_is_full_is_told_the_setting(own_valkey: OwnValkey):
    async with own_valkey.running():
        async with Redis.from_url(own_valkey.url) as client:
            await client.config_set("maxmemory-policy", "allkeys-lru")
            await client.config_set("maxmemory", "0")
            assert (await redis(own_valkey.url)).verdict is Verdict.FINE, "it has no limit"
            await client.config_set("maxmemory", "100mb")
        is_wrong(await redis(own_valkey.url), "100 MiB", "allkeys-lru", "noeviction")


async def test_an_old_redis_is_told_its_version():
    async with answering(redis_6) as port:
        is_wrong(await redis(f"redis://127.0.0.1:{port}"), "6.2.14", "7 is needed")


async def test_embedded_servers_that_do_not_run_are_no_mistake():
    nothing = [one async for one in postgres(None, app_url=None)]
    assert [one.verdict for one in [*nothing, await redis(None)]] == [Verdict.NOTE] * 2
