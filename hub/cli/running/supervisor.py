"""Children that are kept alive: started, restarted with back-off, and ended together.

A child is a process, or a server given as an async context manager. The supervisor knows nothing
of what they do. A child process stops by itself when its standard input ends, so that none
outlives a supervisor that was killed. One that cannot start is not started for ever: what its
settings forbid, or what failed several times before anything was ready, is said and ends it all.
"""

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
from anyio.abc import Process, TaskStatus

from hub.cli.exits import EXITS
from protocols.errors import InvalidRequest, Unavailable

logger = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 30.0  # one that lived this long starts again without having to wait
FIRST_STARTS = 3  # that may fail before everything was ready once


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A command to keep running.

    Attributes:
        name: For people: `hub`, `worker 1`.
        command: The program and its arguments; no secrets, they can be seen by others.
        environment: All of its environment; secrets belong here.
        grace_seconds: How long it may take to end after SIGTERM.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace_seconds: float = 6.0


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next start: doubling, forgotten after a steady life."""

    wait_seconds: float = FIRST_WAIT_SECONDS
    deaths: int = field(default=0)

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait after a life of `lived_seconds`."""
        if lived_seconds >= STEADY_SECONDS:
            self.wait_seconds, self.deaths = FIRST_WAIT_SECONDS, 0
        self.deaths += 1
        wait = self.wait_seconds
        self.wait_seconds = min(self.wait_seconds * 2, LONGEST_WAIT_SECONDS)
        return wait


async def keep(
    child: Child,
    *,
    is_ready: Callable[[], bool] = lambda: True,
    on_start: Callable[[int], None] | None = None,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run the child until cancelled, starting it again whenever it ends.

    Args:
        child: What to run.
        is_ready: Whether everything was ready once; then only a steady life counts.
        on_start: Told each process's id.
        task_status: Told of the first start.

    Raises:
        InvalidRequest: It says that its settings are wrong, and has never lived for long.
        Unavailable: It ended FIRST_STARTS times before everything was ready.
    """
    backoff = Backoff()
    was_steady = False
    while True:
        began = time.monotonic()
        process = await _start(child)
        if on_start is not None:
            on_start(process.pid)
        task_status.started()
        task_status = anyio.TASK_STATUS_IGNORED
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                with anyio.CancelScope(shield=True):
                    await _end(child, process)
        lived_seconds = time.monotonic() - began
        wait = backoff.after(lived_seconds)
        was_steady = was_steady or lived_seconds >= STEADY_SECONDS
        if not was_steady:
            _refuse_hopeless(child, code, deaths=0 if is_ready() else backoff.deaths)
        logger.warning(
            "a part ended and is started again",
            extra={"part": child.name, "how": describe_exit(code), "wait_seconds": wait},
        )
        await anyio.sleep(wait)


def _refuse_hopeless(child: Child, code: int, *, deaths: int) -> None:
    how = describe_exit(code)
    if code == EXITS[InvalidRequest]:
        raise InvalidRequest(f"the {child.name} refuses its settings ({how}); it says above which")
    if deaths >= FIRST_STARTS:
        raise Unavailable(
            f"the {child.name} ended {deaths} times before everything was ready, the last time"
            f" with {how}; it says above why"
        )


async def _start(child: Child) -> Process:
    return await anyio.open_process(
        child.command,
        stdin=subprocess.PIPE,  # its end tells the child that we are gone
        stdout=None,
        stderr=None,
        env=dict(child.environment),
        start_new_session=True,  # Ctrl-C reaches us alone, and we end the others in order
    )


async def _end(child: Child, process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    with anyio.move_on_after(child.grace_seconds):
        await process.wait()
        return
    logger.warning("a part did not stop in time and is killed", extra={"part": child.name})
    process.kill()
    await process.wait()


def describe_exit(code: int) -> str:
    """How a process ended, in words: `exit code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
