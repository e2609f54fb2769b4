"""A store of its own for each test, opened, with nobody moving its projections."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from store.addresses import Addresses
from store.connect import Store, open_store


@pytest.fixture
async def addresses(database: str, redis_url: str) -> Addresses:
    return Addresses(database=database, redis=redis_url, redis_prefix=f"test-{uuid4().hex}")


@pytest.fixture
async def store(addresses: Addresses) -> AsyncGenerator[Store]:
    async with open_store(addresses) as opened:
        yield opened
