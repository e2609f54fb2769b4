"""How a process of ours is told to stop softly."""

import signal
from collections.abc import Callable

import anyio


async def on_signal(stop: Callable[[], None]) -> None:
    """Calls it at each SIGTERM and SIGINT, until cancelled."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
        async for _ in received:
            stop()
