"""A hub on loopback, and the SDK's clients of it. There is no worker: tests write as one."""

from collections.abc import AsyncGenerator

import pytest

import pygent
from tests.serving import Served
from tests.serving import served as served


@pytest.fixture
async def client(served: Served) -> AsyncGenerator[pygent.AsyncClient]:
    async with pygent.AsyncClient(served.url, await served.key()) as client:
        yield client
