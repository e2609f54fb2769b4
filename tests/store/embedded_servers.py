"""A data directory, and a process of its own that holds both embedded servers on it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import psycopg
import pytest

from store.embedded import socket_directory

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0
BOTH_SERVERS = """
import sys
from pathlib import Path
import anyio
from store.embedded import embedded_postgres, embedded_valkey, socket_directory

async def main(data: Path) -> None:
    sockets = socket_directory(data)
    async with (
        embedded_postgres(data / "postgres", sockets=sockets) as postgres,
        embedded_valkey(data / "valkey", sockets=sockets) as valkey,
    ):
        print(postgres.pid, valkey.pid, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)

anyio.run(main, Path(sys.argv[1]))
"""


@pytest.fixture
def data() -> Generator[Path]:
    """A data directory; its socket directory goes with it."""
    with tempfile.TemporaryDirectory(prefix="pygent-test-", dir="/tmp") as name:
        yield Path(name)
        shutil.rmtree(socket_directory(Path(name)), ignore_errors=True)


async def query(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def both_servers(data: Path, *before: str) -> subprocess.Popen[str]:
    """A process that holds both servers of this directory until its input ends."""
    search = os.pathsep.join([str(ROOT), *(place for place in sys.path if place)])
    return subprocess.Popen(
        [*before, sys.executable, "-c", BOTH_SERVERS, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PYTHONPATH": search, "PATH": "/usr/bin:/bin"},
    )


def pids_of(servers: subprocess.Popen[str]) -> list[int]:
    assert servers.stdout
    return [int(pid) for pid in servers.stdout.readline().split()]
