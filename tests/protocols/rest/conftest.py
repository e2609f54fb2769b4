"""A hub on loopback with an agent, asked over HTTP."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from store.addresses import Addresses
from tests.serving import Served, serving


@pytest.fixture
def addresses(database: str, redis_url: str, redis_prefix: str) -> Addresses:
    return Addresses(database=database, redis=redis_url, redis_prefix=redis_prefix)


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with serving(addresses) as served:
        await served.agent()
        yield served


@pytest.fixture
async def program(served: Served) -> AsyncGenerator[httpx.AsyncClient]:
    async with await served.program() as program:
        yield program
