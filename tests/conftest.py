"""What every test may use: one real Postgres and one real Valkey for the whole run.

A test takes `database`, a fresh migrated database of its own, or `redis_url` with `redis_prefix`,
or `addresses`, which names both.
The servers hold no task group open, so their fixtures are safe in anyio's plugin, and all tests
share one event loop.
"""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from store.addresses import Addresses
from store.embedded import (
    EmbeddedServer,
    embedded_postgres,
    embedded_valkey,
    socket_directory,
    valkey_url,
)
from store.postgres.migrate import migrate

# Folders and files that start whole products or fill whole databases: busy for half a minute each,
# while the others mostly wait.
LONG = ("flows", "browser", "test_plans.py", "shipping", "docs", "conformance", "faults")
TEMPLATE = "pygent_template"

# A test run need not survive the loss of power; kill -9 of the server loses nothing even so.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which files are begun: long ones among the others, for both cores to be used."""
    paths = list(dict.fromkeys(item.path for item in items))
    long = [path for path in paths if path.parent.name in LONG or path.name in LONG]
    places = {path: place / len(long) for place, path in enumerate(long)}
    short = [path for path in paths if path not in places]
    places |= {path: place / len(short) for place, path in enumerate(short)}
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def server_directory() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="pygent-tests-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def server_sockets(server_directory: Path) -> Generator[Path]:
    sockets = socket_directory(server_directory)
    yield sockets
    shutil.rmtree(sockets)


@pytest.fixture(scope="session")
async def postgres_url(
    anyio_backend: object, server_directory: Path, server_sockets: Path
) -> AsyncGenerator[str]:
    """The superuser's URL of the run's Postgres."""
    directory = server_directory / "postgres"
    async with embedded_postgres(directory, sockets=server_sockets, settings=NOT_DURABLE) as server:
        yield server.url


@pytest.fixture(scope="session")
async def redis_url(
    anyio_backend: object, server_directory: Path, server_sockets: Path
) -> AsyncGenerator[str]:
    """The URL of the run's Valkey, which all tests share: see `redis_prefix`."""
    async with embedded_valkey(server_directory / "valkey", sockets=server_sockets) as server:
        yield server.url


@pytest.fixture(scope="session")
async def template(anyio_backend: object, postgres_url: str) -> str:
    """The name of a migrated database that nobody is connected to."""
    await _run(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    await migrate(url_of(postgres_url, database=TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def database(anyio_backend: object, postgres_url: str, template: str) -> AsyncGenerator[str]:
    """The superuser's URL of a migrated, empty database that only this test uses."""
    name = f"test_{uuid4().hex}"
    fresh = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    gone = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    await _run(postgres_url, fresh.format(sql.Identifier(name), sql.Identifier(template)))
    yield url_of(postgres_url, database=name)
    await _run(postgres_url, gone.format(sql.Identifier(name)))


@pytest.fixture
def redis_prefix() -> str:
    """The beginning of every key and channel this test uses; ends with a colon."""
    return f"test-{uuid4().hex}:"


@pytest.fixture
def addresses(database: str, redis_url: str, redis_prefix: str) -> Addresses:
    """Where this test's own store is."""
    return Addresses(database=database, redis=redis_url, redis_prefix=redis_prefix)


class OwnValkey:
    """A Valkey that can be away."""

    def __init__(self, directory: Path, sockets: Path) -> None:
        self._directory = directory
        self._sockets = sockets
        self.url = valkey_url(sockets)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[EmbeddedServer]:
        async with embedded_valkey(self._directory, sockets=self._sockets) as server:
            yield server


@pytest.fixture
def own_valkey(tmp_path: Path) -> Generator[OwnValkey]:
    """One that the test may kill; not started yet."""
    sockets = socket_directory(tmp_path)
    yield OwnValkey(tmp_path / "valkey", sockets)
    shutil.rmtree(sockets)


def url_of(server: str, *, database: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


async def _run(url: str, statement: sql.Composed) -> None:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        await connection.execute(statement)
