"""A child for one attempt: how it is said to have died, and that nothing of it is left."""

import sys

import anyio
import psutil
import pytest

from agents.attempts import isolation
from agents.settings import AgentSettings

FAMILY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("code", "name", "told"),
    [
        (-9, "killed", "SIGKILL"),
        (-11, "signal", "SIGSEGV"),
        (-40, "signal", "died of signal 40"),  # a real-time one, which has no name
        (3, "exit", "ended with code 3"),
    ],
)
def test_a_death_is_said_in_words(code: int, name: str, told: str) -> None:
    death = isolation.death(code)
    assert death.code == name
    assert told in death.reason


async def test_a_child_is_gone_with_all_it_started() -> None:
    async with isolation.child(
        (), environment=AgentSettings().environment(), command=(sys.executable, "-c", FAMILY)
    ) as process:
        with anyio.fail_after(10):
            while not (children := psutil.Process(process.pid).children()):
                await anyio.sleep(0.02)
    with anyio.fail_after(10):
        while any(child.is_running() and child.status() != "zombie" for child in children):
            await anyio.sleep(0.02)
    assert process.returncode == -9


async def test_a_child_sees_the_end_of_its_parents_pipe() -> None:
    script = "import os, sys; os.read(0, 1); sys.exit(7)"
    async with isolation.child(
        (), environment=AgentSettings().environment(), command=(sys.executable, "-c", script)
    ) as process:
        assert process.stdin is not None
        await process.stdin.aclose()
        with anyio.fail_after(10):
            assert await process.wait() == 7
