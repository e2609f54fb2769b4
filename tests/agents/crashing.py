"""A worker, and an attempt alone, that have tools which end their process. Never part of a factory.

python -m tests.agents.crashing worker
python -m tests.agents.crashing TASK TEAM ATTEMPT
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio

from agents import app
from agents.attempts import alone
from agents.settings import AgentSettings
from agents.tool import Tool, ToolContext, ToolResult
from agents.tools import TOOLS as OURS
from protocols.steps import StepKind

SCHEMA: dict[str, object] = {"type": "object"}


class Crash:
    """Ends its process by a signal, or hangs it."""

    name = "crash"
    kind = StepKind.TOOL
    description = "Ends the process."
    parameters = SCHEMA

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        assert isinstance(arguments, dict)
        if arguments.get("how") == "loop":
            while True:
                time.sleep(0.05)  # noqa: ASYNC251  it hangs the loop, that is the point
        os.kill(os.getpid(), signal.Signals[str(arguments.get("how", "SIGSEGV"))])
        await anyio.sleep(5)
        raise AssertionError


class Count:
    """Adds a line to a file, so that a test can count how often it was really called."""

    name = "count"
    kind = StepKind.TOOL
    description = "Counts its calls."
    parameters = SCHEMA

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        assert isinstance(arguments, dict)
        path = Path(str(arguments["path"]))
        with path.open("a") as file:  # noqa: ASYNC230  one line
            file.write("called\n")
        return ToolResult(value={"calls": len(path.read_text().splitlines())})  # noqa: ASYNC240


class Passages:
    """Finds three passages, whatever is asked."""

    name = "passages"
    kind = StepKind.RETRIEVAL
    description = "Finds passages."
    parameters = SCHEMA

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        first = context.reserve(3)
        found = [("d1", "First", "p1", "one"), ("d2", "Second", "p2", "two")]
        return ToolResult(
            value={
                "passages": [
                    {"n": n, "collection": "c", "document": d, "title": t, "chunk": p, "text": x}
                    for n, (d, t, p, x) in enumerate(found, start=first)
                ],
            },
            summary="2 passages",
        )


class Odd:
    """Answers with what no tool should."""

    name = "odd"
    kind = StepKind.TOOL
    description = "Answers oddly."
    parameters = SCHEMA

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        assert isinstance(arguments, dict)
        odd: dict[str, object] = {
            "passages": {"passages": [{"n": "one"}, "two", None, {"n": 10**40}], "also": "fine"},
            "list": ["no", "object"],
            "object": {"it": object()},
            "summary": {"fine": True},
        }
        how = str(arguments["how"])
        summary: object = 7 if how == "summary" else None
        return cast("ToolResult", None if how == "none" else _Loose(odd[how], summary))


@dataclass
class _Loose:
    value: object
    summary: object


TOOLS: dict[str, Tool] = {
    **OURS,
    "crash": Crash(),
    "count": Count(),
    "passages": Passages(),
    "odd": Odd(),
}


async def _work() -> None:
    command = (sys.executable, "-m", "tests.agents.crashing")
    await app.run_worker(AgentSettings(), tools=TOOLS, alone=command)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        anyio.run(_work, backend_options={"use_uvloop": True})
    else:
        alone.main(sys.argv[1:], tools=TOOLS)
