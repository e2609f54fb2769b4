"""A store of its own for each test, opened, with nobody moving its projections."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from store.connect import Addresses, Store, open_store
from store.postgres.migrate import migrate
from tests.conftest import url_of

TEMPLATE = "pygent_template_ops"


@pytest.fixture(scope="session")
async def template(anyio_backend: object, postgres_url: str) -> str:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as c:
        await c.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    await migrate(url_of(postgres_url, database=TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def addresses(database: str, redis_url: str) -> Addresses:
    return Addresses(database=database, redis=redis_url, redis_prefix=f"test-{uuid4().hex}")


@pytest.fixture
async def store(addresses: Addresses) -> AsyncGenerator[Store]:
    async with open_store(addresses) as opened:
        yield opened
