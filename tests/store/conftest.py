"""A store of its own for each test, opened, with nobody moving its projections."""

from collections.abc import AsyncGenerator

import pytest

from store.addresses import Addresses
from store.connect import Store, open_store


@pytest.fixture
async def store(addresses: Addresses) -> AsyncGenerator[Store]:
    async with open_store(addresses) as opened:
        yield opened
