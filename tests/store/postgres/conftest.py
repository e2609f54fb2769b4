"""An event log on a database of its own, with a publisher that remembers what it was told."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from psycopg import AsyncConnection

from store.postgres.log.event_log import EventLog
from tests.store.postgres.streams import Told, opened_log


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def log(database: str, told: Told) -> AsyncGenerator[EventLog]:
    async with opened_log(database, told) as log:
        yield log


@pytest.fixture
async def root(database: str) -> AsyncGenerator[AsyncConnection[Any]]:
    """A superuser's connection, to look behind the log and to disturb it."""
    connection = await AsyncConnection.connect(database, autocommit=True)
    async with connection:
        yield connection
