"""`pygent doctor`: looks at everything a factory needs and says what to do about what is wrong."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

import httpx
import psycopg
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.text import Text

from hub.cli import compose, drawing
from hub.cli.data_directory import Running, read_running
from hub.cli.exits import EXIT_FAILED, command
from hub.cli.settings import UpSettings
from hub.settings import HubSettings, model_providers
from protocols.errors import FactoryError
from store.postgres.failures import translated
from store.postgres.migrate import OLDEST_POSTGRES, pending
from store.postgres.pool import APP_ROLE, conninfo
from store.redis.connection import open_pool

OLDEST_REDIS = 7
CONNECT_SECONDS = 5.0
app = typer.Typer()


class Verdict(StrEnum):
    """How bad a finding is."""

    FINE = "ok"
    NOTE = "note"
    WRONG = "wrong"


STYLE = {Verdict.FINE: ("✓", "green"), Verdict.NOTE: ("·", "yellow"), Verdict.WRONG: ("✕", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and what to do when it is wrong."""

    part: str
    verdict: Verdict
    sentence: str


@app.command()
@command
async def doctor() -> None:
    """Check this machine and the servers; exit code 1 when something must be mended."""
    settings = HubSettings()
    running = read_running(settings.data_dir)
    is_well = True
    async for finding in _findings(settings, running):
        icon, style = STYLE[finding.verdict]
        drawing.out.print(
            Text.assemble((f"{icon} ", style), (f"{finding.part:<12}", "bold"), finding.sentence)
        )
        is_well = is_well and finding.verdict is not Verdict.WRONG
    if not is_well:
        raise typer.Exit(EXIT_FAILED)


async def _findings(settings: HubSettings, running: Running | None) -> AsyncIterator[Finding]:
    yield Finding("python", Verdict.FINE, sys.version.split()[0])
    yield _site()
    yield _data_directory(settings.data_dir)
    if settings.is_proxied:
        yield _proxy(settings)
    database = settings.database_url or (running.database_url if running else None)
    redis = settings.redis_url or (running.redis_url if running else None)
    for finding in await _postgres(database):
        yield finding
    yield await _redis(redis)
    for finding in _models():
        yield finding
    yield await _hub(running)


def _site() -> Finding:
    try:
        site = compose.require_site(UpSettings().site_dir)
    except FactoryError as error:
        return Finding("pages", Verdict.WRONG, error.message)
    return Finding("pages", Verdict.FINE, f"built in {site}")


def _data_directory(directory: Path) -> Finding:
    existing = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not os.access(existing, os.W_OK):
        return Finding("data", Verdict.WRONG, f"{existing} cannot be written; set PYGENT_DATA_DIR")
    return Finding("data", Verdict.FINE, str(directory.absolute()))


def _proxy(settings: HubSettings) -> Finding:
    closed = "/health/deep and /health/metrics ask for a key"
    if not settings.trusted_proxies.strip():
        sentence = (
            f"{settings.public_url} leads here, and PYGENT_TRUSTED_PROXIES is not set: behind a"
            f" proxy all visitors share its address and its limits; {closed}"
        )
        return Finding("proxy", Verdict.NOTE, sentence)
    if not settings.is_public:
        sentence = (
            f"{settings.trusted_proxies} is trusted, and PYGENT_PUBLIC_URL is not set to the"
            f" address of the proxy: it decides cookies and allowed origins; {closed}"
        )
        return Finding("proxy", Verdict.NOTE, sentence)
    sentence = f"{settings.public_url} by way of {settings.trusted_proxies}; {closed}"
    return Finding("proxy", Verdict.FINE, sentence)


async def _postgres(url: str | None) -> Sequence[Finding]:
    if url is None:
        return [
            Finding("postgres", Verdict.NOTE, "embedded, and not running; `pygent up` starts it")
        ]
    try:
        with translated():
            connection = await psycopg.AsyncConnection.connect(
                conninfo(url, application="pygent-doctor", role=APP_ROLE), autocommit=True
            )
            async with connection:
                return [*await _database(connection), await _migrations(url)]
    except FactoryError as error:
        return [Finding("postgres", Verdict.WRONG, error.message)]


async def _database(connection: psycopg.AsyncConnection) -> list[Finding]:
    major = connection.info.server_version // 10_000
    findings = [
        Finding("postgres", Verdict.FINE, f"version {major}")
        if major >= OLDEST_POSTGRES
        else Finding("postgres", Verdict.WRONG, f"version {major}; {OLDEST_POSTGRES} is needed")
    ]
    cursor = await connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    row = await cursor.fetchone()
    if row is None or row[0]:
        sentence = f"{APP_ROLE} is superuser or bypasses row security: teams are not kept apart"
        findings.append(Finding("roles", Verdict.WRONG, sentence))
    else:
        findings.append(Finding("roles", Verdict.FINE, f"{APP_ROLE} is held to one team"))
    return findings


async def _migrations(url: str) -> Finding:
    missing = await pending(url)
    if missing:
        sentence = f"{len(missing)} to apply; run `pygent migrate`"
        return Finding("migrations", Verdict.WRONG, sentence)
    return Finding("migrations", Verdict.FINE, "all applied")


async def _redis(url: str | None) -> Finding:
    if url is None:
        return Finding("redis", Verdict.NOTE, "embedded, and not running; `pygent up` starts it")
    try:
        async with open_pool(url) as pool:
            version = await _redis_version(Redis(connection_pool=pool))
    except (RedisError, OSError) as error:
        return Finding("redis", Verdict.WRONG, f"cannot be reached: {type(error).__name__}")
    except FactoryError as error:
        return Finding("redis", Verdict.WRONG, error.message)
    if int(version.split(".")[0]) < OLDEST_REDIS:
        return Finding("redis", Verdict.WRONG, f"version {version}; {OLDEST_REDIS} is needed")
    return Finding("redis", Verdict.FINE, f"version {version}")


async def _redis_version(client: Redis) -> str:
    answer = cast("dict[str, object]", await cast("Awaitable[object]", client.info("server")))  # pyright: ignore[reportUnknownMemberType]  untyped **kwargs
    return str(answer["redis_version"])


def _models() -> Sequence[Finding]:
    found = [provider.name for provider in model_providers() if provider.is_configured]
    return [Finding("models", Verdict.FINE, ", ".join(found))]


async def _hub(running: Running | None) -> Finding:
    if running is None:
        return Finding("hub", Verdict.NOTE, "not running on this data directory")
    try:
        async with httpx.AsyncClient(timeout=CONNECT_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{running.url}/health/ready")
    except httpx.TransportError as error:
        sentence = f"{running.url} does not answer: {type(error).__name__}"
        return Finding("hub", Verdict.WRONG, sentence)
    if not answer.is_success:
        return Finding("hub", Verdict.WRONG, f"{running.url} is not ready: {answer.status_code}")
    return Finding("hub", Verdict.FINE, f"ready at {running.url}")
