"""A real Valkey as our child, for `pygent up` without a Redis URL, and for the tests.

It listens on a Unix socket only, which nobody but the user can open. What it holds survives a
crash but for the last second, and may be lost altogether without harm to what is true.
"""

import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from store.embedded.binaries import valkey_program
from store.embedded.child import Command, child, end_orphans
from store.embedded.directory import locked, ours_for_sockets, private_directory, socket_in
from store.embedded.server import EmbeddedServer, mark_of, ready

SOCKET = "valkey.sock"
START_SECONDS = 60.0
ANSWER_SECONDS = 1.0
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


@asynccontextmanager
async def embedded_valkey(
    directory: Path, *, sockets: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[EmbeddedServer]:
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
            "proc-title-template": f"{{title}} {mark_of(data)}",
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
            await ready(
                server,
                answers=partial(_answers, socket),
                seconds=START_SECONDS,
                what=f"Valkey on {data}",
            )
            yield EmbeddedServer(url=valkey_url(sockets), child=server)


def valkey_url(sockets: Path) -> str:
    """The URL of the server with its socket in this directory, whoever has started it."""
    return f"unix://{sockets / SOCKET}"


def _make_way(data: Path) -> None:
    """Ends a server whose parent died where nobody told it. We hold the lock."""
    left_behind = data / "valkey.pid"
    if left_behind.exists():
        pid = left_behind.read_text().strip()
        end_orphans("valkey-server", mark_of(data), leader=int(pid or 0), ends=ENDS)
        left_behind.unlink(missing_ok=True)


async def _answers(socket: Path) -> bool:
    """Not while it still loads what it kept: then PING answers with an error."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            async with await anyio.connect_unix(socket) as connection:
                await connection.send(b"PING\r\n")
                return (await connection.receive()).startswith(b"+PONG")
    except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        return False
