"""The supervisor keeps children alive and leaves none behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import anyio
import psutil
import pytest

from hub.cli.settings import inherited
from hub.cli.supervisor import Backoff, Child, describe_exit, keep

FOREVER = "import time\nwhile True: time.sleep(1)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER


def child(code: str, *, grace_seconds: float = 5.0) -> Child:
    return Child(
        name="part",
        command=[sys.executable, "-c", code],
        environment=inherited(),
        grace_seconds=grace_seconds,
    )


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.01)


async def test_a_killed_child_starts_again():
    pids: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: keep(child(FOREVER), on_start=pids.append))
        await until(lambda: len(pids) == 1)
        os.kill(pids[0], signal.SIGKILL)
        await until(lambda: len(pids) == 2)
        assert psutil.pid_exists(pids[1])
        group.cancel_scope.cancel()
    assert not psutil.pid_exists(pids[1])


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace():
    pids: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: keep(child(STUBBORN, grace_seconds=0.3), on_start=pids.append))
        await until(lambda: len(pids) == 1)
        await anyio.sleep(0.3)  # until it ignores the signal
        group.cancel_scope.cancel()
    assert not psutil.pid_exists(pids[0])


def test_waits_double_up_to_a_limit_and_a_steady_life_forgets_them():
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(4)] == [0.5, 1.0, 2.0, 4.0]
    assert [backoff.after(0.1) for _ in range(5)][-1] == 30.0
    assert backoff.after(60.0) == 0.5


def test_an_end_is_told_in_words():
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-signal.SIGKILL) == "signal SIGKILL"


@pytest.mark.parametrize("program", [FOREVER, STUBBORN], ids=["willing", "stubborn"])
async def test_a_supervised_part_ends_when_its_supervisor_is_killed(program: str):
    """The part watches its standard input, which ends with whoever holds the other end."""
    code = (
        "from hub.cli.parent import stop_with_parent\n"
        "stop_with_parent(grace_seconds=0.5)\n"
        "print('up', flush=True)\n" + program
    )
    supervisor = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {code!r}], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", supervisor]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(await anyio.to_thread.run_sync(process.stdout.readline))
        process.kill()
    await until(lambda: not psutil.pid_exists(pid))
