"""An embedded server as a child process: its start, its end, its log, and its orphans.

Knows nothing of Postgres or Valkey. The child runs in a session of its own, so that Ctrl-C in the
terminal reaches only us, and we end it in order. It ends with us, however we end: see
launcher.py.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
import psutil
from anyio.abc import Process
from anyio.to_thread import run_sync

LAUNCHER = Path(__file__).with_name("launcher.py")
LOG_BYTES = 4 * 1024 * 1024  # then it becomes *.log.1, and the one before it goes
LOG_TAIL_LINES = 3
LOG_JOIN_SECONDS = 1.0
ORPHAN_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom a server runs as; -1 is whoever we are."""

    uid: int = -1
    gid: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start and how to end it.

    Attributes:
        arguments: The program's absolute path, then its arguments.
        directory: Where it works.
        log: The file its output goes to; at most two of LOG_BYTES are kept.
        account: Whom it runs as.
        ends: What to send, and the seconds to wait after it; SIGKILL follows. The first is also
            what it gets when we die.
    """

    arguments: Sequence[str]
    directory: Path
    log: Path
    ends: Sequence[tuple[signal.Signals, float]]
    account: Account = Account()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A running command."""

    process: Process
    log: Path
    log_writer: threading.Thread

    @property
    def pid(self) -> int:
        """The server's own process id: the launcher has become it."""
        return self.process.pid

    async def exited(self) -> int:
        """Waits for its end, whatever the reason; the return code, negative for a signal."""
        return await self.process.wait()

    async def last_words(self) -> str:
        """The last lines of its log, on one line; for the message of a failed start."""
        if self.process.returncode is not None:
            await run_sync(self.log_writer.join, LOG_JOIN_SECONDS)
        return self._last_lines()

    def _last_lines(self) -> str:
        try:
            with self.log.open(errors="replace") as lines:
                return " | ".join(line.strip() for line in deque(lines, maxlen=LOG_TAIL_LINES))
        except OSError:
            return "it wrote no log"


@asynccontextmanager
async def child(command: Command, *, stdin: IO[bytes] | None = None) -> AsyncGenerator[Child]:
    """Runs the command for the length of the block, which may outlive it: see `exited`."""
    output, its_end = os.pipe()
    try:
        process = await anyio.open_process(
            _launched(command),
            stdin=stdin or subprocess.DEVNULL,
            stdout=its_end,
            stderr=its_end,
            cwd=command.directory,
            start_new_session=True,
        )
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(its_end)

    # A thread, since a full pipe would stop the server whenever our event loop is busy.
    writer = threading.Thread(target=_keep_log, args=(output, command.log), daemon=True)
    writer.start()
    try:
        yield Child(process=process, log=command.log, log_writer=writer)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process, command.ends)
            await process.aclose()
            await run_sync(writer.join, LOG_JOIN_SECONDS)


def _launched(command: Command) -> list[str]:
    death_signal, _ = command.ends[0]
    account = command.account
    numbers = (os.getpid(), death_signal.value, account.uid, account.gid)
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, numbers), *command.arguments]


async def _end(process: Process, ends: Sequence[tuple[signal.Signals, float]]) -> None:
    for stop_signal, seconds in ends:
        if process.returncode is not None:
            return
        process.send_signal(stop_signal)
        with anyio.move_on_after(seconds):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def _keep_log(output: int, path: Path) -> None:
    """Copies until the last writing process has ended; reads on when the disk is full."""
    with os.fdopen(output, "rb", buffering=0) as source:
        while chunk := source.read(65536):
            try:
                if path.exists() and path.stat().st_size + len(chunk) > LOG_BYTES:
                    path.replace(path.with_name(path.name + ".1"))
                with path.open("ab") as log:
                    log.write(chunk)
            except OSError:
                continue


def orphans(name: str, mark: str) -> list[psutil.Process]:
    """Living processes of this name with this mark in their command line, whoever runs them.

    A dead one that nobody has reaped has no command line, and so is not among them.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and mark in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def end_orphans(
    name: str, mark: str, *, leader: int, ends: Sequence[tuple[signal.Signals, float]]
) -> None:
    """Ends what an earlier parent left behind, and returns when it is gone. Blocks.

    Args:
        name: Of the processes.
        mark: In their command lines.
        leader: The process that ends the others: where it lives, it alone gets the first signal.
        ends: As in Command.
    """
    found = orphans(name, mark)
    led = [process for process in found if process.pid == leader]
    if led:
        _end_all(led, name=name, mark=mark, end=ends[0])
    for end in [*ends[1:], (signal.SIGKILL, 5.0)]:
        _end_all(orphans(name, mark), name=name, mark=mark, end=end)


def _end_all(
    processes: Sequence[psutil.Process], *, name: str, mark: str, end: tuple[signal.Signals, float]
) -> None:
    """Sends to these, then waits for all that carry the mark."""
    stop_signal, seconds = end
    for process in processes:
        _send(process, stop_signal)
    patience_ends = time.monotonic() + seconds
    while orphans(name, mark) and time.monotonic() < patience_ends:
        time.sleep(ORPHAN_POLL_SECONDS)


def _send(process: psutil.Process, stop_signal: signal.Signals) -> None:
    try:
        process.send_signal(stop_signal)
    except psutil.Error:
        return
