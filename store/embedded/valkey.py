"""A real Valkey as our child, for `pygent up` without a Redis URL, and for the tests.

It listens on a Unix socket only, which nobody but the user can open. What it holds survives a
crash but for the last second, and may be lost altogether without harm to what is true.
"""

import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from protocols.errors import Unavailable
from store.embedded.binaries import valkey_program
from store.embedded.child import Child, Command, child, end_orphans
from store.embedded.directory import (
    fingerprint,
    locked,
    ours_for_sockets,
    private_directory,
    socket_in,
)

SOCKET = "valkey.sock"
START_SECONDS = 60.0
ANSWER_SECONDS = 1.0
POLL_SECONDS = 0.01
ENDS = ((signal.SIGTERM, 5.0),)

SETTINGS: Mapping[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory": "128mb",
    "maxmemory-policy": "noeviction",  # presence and limits must not disappear in silence
    "maxclients": "1000",
    "databases": "16",
    "hz": "10",
    "always-show-logo": "no",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedValkey:
    """A Valkey that answers.

    Attributes:
        url: As redis-py reads it, of database 0.
        pid: Of the server.
    """

    url: str
    pid: int
    child: Child

    async def exited(self) -> int:
        """Waits for its end; then leave the block and enter a new one for the same directory."""
        return await self.child.exited()


@asynccontextmanager
async def embedded_valkey(
    directory: Path, *, sockets: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[EmbeddedValkey]:
    """Runs Valkey on this directory until the end of the block.

    Args:
        directory: Becomes ours; nothing else may be kept in it.
        sockets: From `socket_directory`.
        settings: Of Valkey, in place of those in SETTINGS.

    Raises:
        Conflict: Another living process uses the directory.
        Unavailable: The server cannot be started here; the message says why.
    """
    with locked(directory) as directory:
        program = valkey_program()
        data = private_directory(directory / "data")
        await run_sync(_make_way, data)

        socket = socket_in(ours_for_sockets(sockets), SOCKET)
        options = {
            **SETTINGS,
            "unixsocket": str(socket),
            "dir": str(data),
            "pidfile": str(data / "valkey.pid"),
            "proc-title-template": f"{{title}} {_mark(data)}",
            **(settings or {}),
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = Command(
            arguments=[str(program), *flags],
            directory=data,
            log=directory / "valkey.log",
            ends=ENDS,
        )
        async with child(command) as server:
            await _ready(server, socket)
            yield EmbeddedValkey(url=valkey_url(sockets), pid=server.pid, child=server)


def valkey_url(sockets: Path) -> str:
    """The URL of the server with its socket in this directory, whoever has started it."""
    return f"unix://{sockets / SOCKET}"


def _make_way(data: Path) -> None:
    """Ends a server whose parent died where nobody told it. We hold the lock."""
    left_behind = data / "valkey.pid"
    if left_behind.exists():
        pid = left_behind.read_text().strip()
        end_orphans("valkey-server", _mark(data), leader=int(pid or 0), ends=ENDS)
        left_behind.unlink(missing_ok=True)


def _mark(data: Path) -> str:
    return f"pygent-{fingerprint(data)}"


async def _ready(server: Child, socket: Path) -> None:
    with anyio.move_on_after(START_SECONDS):
        while server.process.returncode is None:
            if await _answers(socket):
                return
            await anyio.sleep(POLL_SECONDS)
    raise Unavailable(f"Valkey did not start: {await server.last_words()}")


async def _answers(socket: Path) -> bool:
    """Not while it still loads what it kept: then PING answers with an error."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            async with await anyio.connect_unix(socket) as connection:
                await connection.send(b"PING\r\n")
                return (await connection.receive()).startswith(b"+PONG")
    except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        return False
