"""The factory the client commands talk to: named by PYGENT_URL, or the one that runs here."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hub.cli import drawing
from hub.cli.data_directory import require_running
from hub.cli.settings import ClientSettings
from hub.settings import HubSettings
from protocols.errors import Unauthenticated
from protocols.rest.client import RestClient


@dataclass(frozen=True, slots=True)
class Named:
    """A factory and a way into it."""

    url: str
    key: str


def named() -> Named:
    """Which factory the client commands talk to.

    Raises:
        Unavailable: No factory is named and none runs on the data directory.
        Unauthenticated: PYGENT_URL is set without PYGENT_API_KEY.
    """
    settings = ClientSettings()
    url, key = settings.url, settings.api_key
    if url is None:
        running = require_running(HubSettings().data_dir, otherwise="PYGENT_URL and PYGENT_API_KEY")
        url, key = running.url, key or running.api_key
    if key is None:
        raise Unauthenticated(
            "PYGENT_API_KEY is not set;"
            " make a key with `pygent token create` where the factory runs"
        )
    return Named(url.rstrip("/"), key)


@asynccontextmanager
async def opened(*, patience: float | None = None) -> AsyncGenerator[RestClient]:
    """A client with a key; it raises as `named` does.

    Args:
        patience: Seconds that the hub may be away; 0 for who sees to that, or must not wait;
            None: as long as PYGENT_PATIENCE_SECONDS says.
    """
    factory = named()
    if patience is None:
        patience = ClientSettings().patience_seconds
    client = RestClient(
        factory.url, token=factory.key, patience=patience, on_wait=Waiting(factory.url).tell
    )
    async with client:
        yield client


class Waiting:
    """Tells a person, once, what is being waited for; programs read the end of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._has_told = False

    def tell(self, why: str) -> None:
        """Say why, the first time."""
        if not self._has_told and drawing.err.is_terminal:
            drawing.err.print(f"{self._url}: {why}; trying again …", style="dim", markup=False)
        self._has_told = True
