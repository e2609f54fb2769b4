"""A process of its own for one attempt: started, bounded in time, waited for; and how it died.

The child reads its settings from its environment. It dies with this process, and what it starts
dies with it. What happens in it is `alone.py`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

COMMAND = (sys.executable, "-m", "agents.attempts.alone")
END_SECONDS = 3.0  # after SIGTERM

# Where this package is imported from; an installed factory has it in a place of its own.
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended before its task; `code` is stable, `reason` for people."""

    code: str
    reason: str


@asynccontextmanager
async def child(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    command: Sequence[str] = COMMAND,
) -> AsyncGenerator[Process]:
    """The process at work; gone at the end of the block, with all it started."""
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    process = await anyio.open_process(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=None,
        stderr=None,
        env={**environment, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            _kill_group(process.pid)
            await process.wait()
            if process.stdin is not None:
                await process.stdin.aclose()


async def stop(process: Process) -> None:
    """The child has been asked to end, and had a little time for it."""
    if process.returncode is None:
        process.terminate()
        with anyio.move_on_after(END_SECONDS):
            await process.wait()


def death(returncode: int) -> Death:
    """How a process died with this return code, other than 0."""
    if returncode < 0:
        name = _signal_name(-returncode)
        if -returncode == signal.SIGKILL:
            return Death("killed", f"its process was killed ({name}), perhaps for want of memory")
        return Death("signal", f"its process died of {name}")
    return Death("exit", f"its process ended with code {returncode}")


def overdue(seconds: float) -> Death:
    """How a process died that was killed for taking too long."""
    return Death("time", f"its process did not end within {seconds:g} seconds and was killed")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have none
        return f"signal {number}"


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
