"""Lists that follow the log, for tests that have no scheduler."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from store.projector import Projector
from tests.serving import Served


@asynccontextmanager
async def projecting(served: Served) -> AsyncGenerator[None]:
    """A projector at work until the end of the block."""
    async with anyio.create_task_group() as group:
        group.start_soon(Projector(served.store).run)
        yield
        group.cancel_scope.cancel()
