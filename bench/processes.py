"""The product's own parts as processes of their own, on the servers of a bench.

They run as `pygent hub`, `pygent worker` and `pygent scheduler` do in service, and end with the
block. What they are asked stands in the benches.
"""

import os
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from anyio.abc import Process

from store.addresses import Addresses

START_SECONDS = 30.0


@asynccontextmanager
async def serving_hub(addresses: Addresses) -> AsyncGenerator[str]:
    """A hub that answers; yields its address without a scheme, such as `127.0.0.1:8000`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    async with _process("hub", _environment(addresses, PYGENT_PORT=str(port))):
        with anyio.fail_after(START_SECONDS):
            while not await _answers(port):  # noqa: ASYNC110  another process
                await anyio.sleep(0.05)
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def parts(addresses: Addresses, *names: str) -> AsyncGenerator[None]:
    """Parts that listen nowhere, one process a name; they may not be at work yet."""
    async with AsyncExitStack() as stack:
        for name in names:
            await stack.enter_async_context(_process(name, _environment(addresses)))
        yield


def _environment(addresses: Addresses, **others: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYGENT_DATABASE_URL": addresses.database,
        "PYGENT_REDIS_URL": addresses.redis,
        "PYGENT_REDIS_PREFIX": addresses.redis_prefix,
        "PYGENT_LOG_LEVEL": "warning",
        "PYGENT_MAX_SOCKETS": "2000",  # one key opens all of a bench
        **others,
    }


@asynccontextmanager
async def _process(name: str, environment: Mapping[str, str]) -> AsyncGenerator[Process]:
    command = [sys.executable, "-m", "hub.cli.app", name]
    async with await anyio.open_process(
        command, env=environment, stdout=None, stderr=None
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


async def _answers(port: int) -> bool:
    try:
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    except OSError:
        return False
    return True
