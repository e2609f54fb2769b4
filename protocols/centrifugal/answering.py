"""How long anything that a client waits for may take."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from protocols.errors import Unavailable

ANSWER_SECONDS = 4.5  # clients give up on an answer after 5


@asynccontextmanager
async def in_time() -> AsyncGenerator[None]:
    """Do what is within, or give up on it.

    Raises:
        Unavailable: It took longer than ANSWER_SECONDS.
    """
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            yield
    except TimeoutError:
        raise Unavailable(f"no answer within {ANSWER_SECONDS:g} seconds") from None
