"""A broker on the run's Valkey, and what the realtime hub keeps there."""

from collections.abc import AsyncGenerator

import pytest

from store.redis.broker import Broker, open_broker
from store.redis.realtime import Realtime, open_realtime
from tests.store.redis.hearing import deaf


@pytest.fixture
async def broker(
    anyio_backend: object, redis_url: str, redis_prefix: str
) -> AsyncGenerator[Broker]:
    async with open_broker(redis_url, prefix=redis_prefix) as broker:
        yield broker


@pytest.fixture
async def realtime(
    anyio_backend: object, redis_url: str, redis_prefix: str
) -> AsyncGenerator[Realtime]:
    async with open_realtime(redis_url, prefix=redis_prefix, node="one", hear=deaf) as realtime:
        yield realtime
