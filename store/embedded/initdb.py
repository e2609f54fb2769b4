"""Makes the data of an embedded Postgres: whole, or not at all.

Starting a server on it is postgres.py.
"""

import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path
from typing import IO

import anyio
from anyio.to_thread import run_sync

from protocols.errors import Unavailable
from store.embedded.binaries import as_seen
from store.embedded.child import Account, Command, child

SUPERUSER = "postgres"
PASSWORD = "password"  # noqa: S105 - the name of its file
HALF_MADE = "data.new-"
INITDB_SECONDS = 120.0


async def new_or_found(directory: Path, *, programs: Path, account: Account) -> Path:
    """The data in this directory, made if there is none. The caller has locked the directory.

    It is made beside its place and moved there when whole, so that half of one never counts.

    Raises:
        Unavailable: It cannot be made; the message says why.
    """
    data = directory / "data"
    if await run_sync(data.exists):
        return data

    password = secrets.token_urlsafe(32)
    new = await run_sync(_empty, directory, account)
    with tempfile.TemporaryFile(dir=directory) as secret:
        _write(secret, password, account=account)
        await _initdb(new, secret=secret, programs=programs, account=account)
    await run_sync(_keep, directory / PASSWORD, password)
    await run_sync(_move, new, data)
    return data


async def _initdb(new: Path, *, secret: IO[bytes], programs: Path, account: Account) -> None:
    command = Command(
        arguments=[
            *(str(programs / "initdb"), "-D", as_seen(new, account)),
            *("-U", SUPERUSER, "--auth=scram-sha-256", "--pwfile=/dev/stdin"),
            *("-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
        ],
        directory=new,
        log=new.with_name("initdb.log"),
        ends=((signal.SIGTERM, 5.0),),
        account=account,
    )
    async with child(command, stdin=secret) as initdb:
        with anyio.move_on_after(INITDB_SECONDS):
            await initdb.exited()
    if initdb.process.returncode != 0:
        why = await initdb.last_words()
        raise Unavailable(f"no database could be made in {new.parent}: {why}")


def _empty(directory: Path, account: Account) -> Path:
    for half_made in directory.glob(f"{HALF_MADE}*"):
        shutil.rmtree(half_made, ignore_errors=True)  # what made it may still be ending
    new = Path(tempfile.mkdtemp(prefix=HALF_MADE, dir=directory))
    if account.uid >= 0:
        os.chown(new, account.uid, account.gid)
    return new


def _write(secret: IO[bytes], password: str, *, account: Account) -> None:
    """Into a file without a name, which the account may open again as its standard input."""
    secret.write(password.encode())
    secret.seek(0)
    if account.uid >= 0:
        os.fchown(secret.fileno(), account.uid, account.gid)


def _keep(path: Path, password: str) -> None:
    path.unlink(missing_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())


def _move(new: Path, data: Path) -> None:
    new.rename(data)
    opened = os.open(data.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
