"""The store beside a running factory, for commands that work on it without the hub."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hub.cli.data_directory import require_running
from hub.settings import HubSettings
from store.addresses import Addresses
from store.connect import Store, open_store

POOL_SIZE = 2  # folding a projection anew reads the log while it writes


@asynccontextmanager
async def opened_store() -> AsyncGenerator[tuple[Store, str]]:
    """The store of the factory that runs here, or of the URLs in the environment; and its URL."""
    settings = HubSettings()
    url = settings.public_url or f"http://{settings.host}:{settings.port}"
    if settings.database_url is not None and settings.redis_url is not None:
        addresses = settings.addresses
    else:
        running = require_running(
            settings.data_dir, otherwise="PYGENT_DATABASE_URL and PYGENT_REDIS_URL"
        )
        url = settings.public_url or running.url
        addresses = Addresses(
            database=running.database_url,
            redis=running.redis_url,
            redis_prefix=settings.redis_prefix,
        )
    async with open_store(addresses, pool_size=POOL_SIZE) as store:
        yield store, url
