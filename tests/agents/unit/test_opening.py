"""Opening a language model for the first time, in a process that has none of the packages yet."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# Two at once: their packages import each other in circles.
PROGRAM = """
import sys
from contextlib import aclosing

import anyio
from pydantic import SecretStr

from agents.models import open_model
from agents.models.providers import Access, Outside
from protocols.agents import AgentSpec

MODELS = ("anthropic:claude-sonnet-4-6", "google:gemini-2.5-flash")


async def main():
    assert not {"pydantic_ai", "anthropic", "google.genai"} & set(sys.modules)
    accesses = {name: Access(key=SecretStr("k")) for name in ("anthropic", "google")}
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async with aclosing(Outside(accesses)) as outside, anyio.create_task_group() as ticking:
        ticking.start_soon(tick)
        async with anyio.create_task_group() as opening:
            for model in MODELS:
                opening.start_soon(open_model, AgentSpec(name="asker", model=model), outside)
        ticking.cancel_scope.cancel()
    print(ticks)


anyio.run(main)
"""


def test_the_event_loop_goes_on_while_a_providers_package_is_imported() -> None:
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= 10
