"""A real Postgres as our child, for `pygent up` without a database URL, and for the tests.

It listens on a Unix socket only. Its directory holds `data`, the superuser's password, the log and
a lock; whoever can read the password can do everything. What is in the database is not its
business: migrations make the roles the application works as.
"""

import os
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
from anyio.to_thread import run_sync

from protocols.errors import Conflict, NotFound
from store.embedded.binaries import POSTGRES_MAJOR, as_seen, postgres_account, postgres_programs
from store.embedded.child import Account, Command, child, end_orphans
from store.embedded.directory import locked, ours_for_sockets, private_directory, socket_in
from store.embedded.initdb import PASSWORD, SUPERUSER, new_or_found
from store.embedded.server import EmbeddedServer, mark_of, ready

PORT = 5432  # only a part of the socket's name
SOCKETS = "postgres"
START_SECONDS = 120.0  # replaying max_wal_size after a crash, on a slow disk
SAME_START_SECONDS = 60.0  # clocks are set
ENDS = (
    (signal.SIGINT, 5.0),
    (signal.SIGQUIT, 2.0),
)  # fast; at once, with recovery at the next start

# About 60 MB at work, and next to no wake-ups when idle.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "200",  # 17 of each part, 7 of each attempt alone
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",  # worker: three processes more, and no faster from this cache
    # A container's /dev/shm is often too small for what parallel workers share.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "2",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "autovacuum_max_workers": "2",
    "autovacuum_naptime": "15s",  # heads of streams are updated with every append
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Statements and details carry content, and sometimes passwords.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
}


@asynccontextmanager
async def embedded_postgres(
    directory: Path, *, sockets: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[EmbeddedServer]:
    """Runs Postgres on this directory, made when it is empty, until the end of the block.

    A crash of ours or of the server, at any moment, does not keep the next start from succeeding
    with all that was committed.

    Args:
        directory: Becomes ours; nothing else may be kept in it.
        sockets: From `socket_directory`.
        settings: Of Postgres, in place of those in SETTINGS.

    Raises:
        Conflict: Another living process uses the directory, or it belongs to another user.
        Unavailable: The server cannot be started here; the message says why.
    """
    with locked(directory) as directory:
        programs = await run_sync(postgres_programs)
        account = postgres_account()
        data = await new_or_found(directory, programs=programs, account=account)
        await run_sync(_make_way, data, account)

        place = ours_for_sockets(sockets) / SOCKETS
        private_directory(place, uid=account.uid, gid=account.gid)
        socket_in(place, f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

        url = postgres_url(directory, sockets=sockets)
        options = {
            **SETTINGS,
            "unix_socket_directories": str(place),
            "port": str(PORT),
            "cluster_name": mark_of(data),
            **(settings or {}),
        }
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = Command(
            arguments=[str(programs / "postgres"), "-D", as_seen(data, account), *flags],
            directory=data,
            log=directory / "postgres.log",
            ends=ENDS,
            account=account,
        )
        async with child(command) as server:
            status = data / "postmaster.pid"
            await ready(
                server,
                answers=partial(_accepts, status, pid=server.pid),
                seconds=START_SECONDS,
                what=f"Postgres on {data}",
            )
            yield EmbeddedServer(url=url, child=server)


def postgres_url(directory: Path, *, sockets: Path) -> str:
    """The superuser's URL of the server on this directory, whoever has started it.

    Raises:
        NotFound: There has never been one.
    """
    try:
        password = (directory / PASSWORD).read_text().strip()
    except FileNotFoundError:
        raise NotFound(f"{directory} holds no password of a Postgres") from None
    where = urlencode({"host": str(sockets / SOCKETS), "port": PORT})
    return f"postgresql://{SUPERUSER}:{quote(password)}@/postgres?{where}"


def _make_way(data: Path, account: Account) -> None:
    """Refuses data that cannot be used, then clears away what a crash has left."""
    owner = data.stat().st_uid
    if owner != (account.uid if account.uid >= 0 else os.geteuid()):
        raise Conflict(f"{data} belongs to user {owner}, as whom Postgres does not run here")
    version = _lines(data / "PG_VERSION")
    if version != [str(POSTGRES_MAJOR)]:
        raise Conflict(f"{data} is not of Postgres {POSTGRES_MAJOR}, its PG_VERSION is {version}")

    left_behind = data / "postmaster.pid"
    if not left_behind.exists():
        return
    # The process and the second it started; absent when the machine died while they were written.
    pid, _, started, *_ = [*_lines(left_behind), "0", "0", "0"]
    pid, started = int(pid), int(started)
    end_orphans("postgres", mark_of(data), leader=pid, ends=ENDS)
    if _is_postgres(pid, started=started):
        raise Conflict(f"{data} is in use by Postgres process {pid}, which is not ours; stop it")
    # Its number may be another process's by now, after which Postgres would refuse to start.
    left_behind.unlink(missing_ok=True)


def _is_postgres(pid: int, *, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return (
            process.name() == "postgres"
            and process.status() != psutil.STATUS_ZOMBIE
            and abs(process.create_time() - started) < SAME_START_SECONDS
        )
    except psutil.Error:
        return False


async def _accepts(status: Path, *, pid: int) -> bool:
    """Its eighth line, as pg_ctl reads it: storage.h, LOCK_FILE_LINE_PM_STATUS."""
    lines = _lines(status)
    return lines[:1] == [str(pid)] and lines[7:8] == ["ready"]


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []
