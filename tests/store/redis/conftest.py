"""A broker on the run's Valkey."""

from collections.abc import AsyncGenerator

import pytest

from store.redis.broker import Broker, open_broker


@pytest.fixture
async def broker(
    anyio_backend: object, redis_url: str, redis_prefix: str
) -> AsyncGenerator[Broker]:
    async with open_broker(redis_url, prefix=redis_prefix) as broker:
        yield broker
