"""The supervisor keeps children alive and leaves none behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil
import pytest

from hub.cli.running import supervisor
from hub.cli.running.supervisor import Backoff, Child, describe_exit, keep
from hub.cli.settings import inherited
from protocols.errors import InvalidRequest, Unavailable

FOREVER = "import time\nwhile True: time.sleep(1)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER


def child(code: str, *, grace_seconds: float = 5.0) -> Child:
    return Child(
        name="part",
        command=[sys.executable, "-c", code],
        environment=inherited(),
        grace_seconds=grace_seconds,
    )


def ignores_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    return bool(ignored >> (signal.SIGTERM - 1) & 1)


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
        await until(lambda: ignores_sigterm(pids[0]))
        group.cancel_scope.cancel()
    assert not psutil.pid_exists(pids[0])


@pytest.mark.parametrize("is_ready", [False, True])
async def test_a_child_that_refuses_its_settings_ends_it_all_at_its_first_start(*, is_ready: bool):
    pids: list[int] = []
    with anyio.fail_after(10), pytest.raises(InvalidRequest, match=r"the part .*exit code 2"):
        await keep(child("raise SystemExit(2)"), on_start=pids.append, is_ready=lambda: is_ready)
    assert len(pids) == 1


@pytest.mark.parametrize("end", ["raise SystemExit(7)", "import os; os.kill(os.getpid(), 9)"])
async def test_a_child_that_never_gets_anywhere_ends_it_all_soon(end: str):
    pids: list[int] = []
    with anyio.fail_after(10), pytest.raises(Unavailable, match="3 times") as said:
        await keep(child(end), on_start=pids.append, is_ready=lambda: False)
    assert len(pids) == 3
    assert ("exit code 7" in said.value.message) or ("SIGKILL" in said.value.message)


async def test_after_everything_was_ready_a_child_is_started_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_WAIT_SECONDS", 0.01)
    pids: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: keep(child("raise SystemExit(7)"), on_start=pids.append))
        await until(lambda: len(pids) > 5)
        group.cancel_scope.cancel()


async def test_one_that_has_lived_for_long_is_started_again_whatever_it_says(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SECONDS", 0.01)
    pids: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: keep(child("raise SystemExit(2)"), on_start=pids.append))
        await until(lambda: len(pids) > 2)
        group.cancel_scope.cancel()


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
        "from hub.cli.running.parent import stop_with_parent\n"
        "stop_with_parent(grace_seconds=0.5)\n"
        "print('up', flush=True)\n" + program
    )
    holder = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {code!r}], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", holder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(await anyio.to_thread.run_sync(process.stdout.readline))
        process.kill()
    await until(lambda: not psutil.pid_exists(pid))
