"""A broker on the run's Valkey, and a Valkey of its own for tests that kill it."""

import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from store.embedded import EmbeddedServer, embedded_valkey, socket_directory, valkey_url
from store.redis.broker import Broker, open_broker


@pytest.fixture
async def broker(
    anyio_backend: object, redis_url: str, redis_prefix: str
) -> AsyncGenerator[Broker]:
    async with open_broker(redis_url, prefix=redis_prefix) as broker:
        yield broker


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
    sockets = socket_directory(tmp_path)
    yield OwnValkey(tmp_path / "valkey", sockets)
    shutil.rmtree(sockets)
