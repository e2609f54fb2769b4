"""When a factory that was just started can be used: it answers, and its guide has its pages."""

import logging

import anyio
import httpx

from protocols.errors import NotFound, Unavailable
from protocols.knowledge import DocumentState
from protocols.rest.client import RestClient
from store.operations.seed import COLLECTION

logger = logging.getLogger(__name__)

READY_SECONDS = 80.0
READY_POLL_SECONDS = 0.05
READ_SECONDS = 20.0
READ_POLL_SECONDS = 0.1


async def until_ready(url: str) -> None:
    """The hub answers that it is ready.

    Raises:
        Unavailable: It does not, for too long.
    """
    with anyio.move_on_after(READY_SECONDS):
        async with httpx.AsyncClient(base_url=url, timeout=2.0, trust_env=False) as client:
            while True:
                try:
                    answer = await client.get("/health/ready")
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.is_success:
                    return
                await anyio.sleep(READY_POLL_SECONDS)
    raise Unavailable(
        f"the hub did not become ready within {READY_SECONDS:.0f} s; its log lines above say why"
    )


async def until_read(url: str, *, key: str) -> None:
    """The workers have read the pages that came with the product, so that the first click answers.

    After a while it goes on without: they are read meanwhile.
    """
    with anyio.move_on_after(READ_SECONDS):
        async with RestClient(url, token=key) as client:
            while True:
                if not await _waits(client):
                    return
                await anyio.sleep(READ_POLL_SECONDS)
    logger.info("the guide's pages are still being read", extra={"collection": COLLECTION.name})


async def _waits(client: RestClient) -> bool:
    try:
        listing = await client.knowledge.documents(COLLECTION.name)
    except (NotFound, Unavailable):
        return False
    return any(document.state is DocumentState.QUEUED for document in listing.items)
