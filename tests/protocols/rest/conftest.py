"""A hub on loopback with an agent, asked over HTTP."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.serving import Served
from tests.serving import served as served


@pytest.fixture
async def program(served: Served) -> AsyncGenerator[httpx.AsyncClient]:
    async with await served.program() as program:
        yield program
