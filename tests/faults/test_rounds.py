"""Random `kill -9` and stops of each part under load, round after round; a judge looks at it all.

A failing run is repeated by its printed seed: `PYGENT_FAULT_SEED=… make faults`.
"""

import hashlib
import json
import random
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

import anyio
import psutil
import pytest
from anyio.to_thread import run_sync

from protocols.agents import AgentSpec
from protocols.errors import Unavailable
from protocols.operations.tasks import SubmitTask, TaskReceipt
from protocols.rest.client import RestClient
from tests.faults.judge import judge
from tests.faults.settings import FaultSettings
from tests.flows.product import PARTS, SHORT_LEASES, Product, running
from tests.flows.speakers import scripted, spoken
from tests.flows.watchers import TRANSPORTS, Seen, everything

TASKS = 4
AGENTS = ("quick", "middling", "long")
ROUND_SECONDS = 90.0
LONGEST_STOP_SECONDS = 5.0  # longer than the lease of these rounds
LONGEST_CALM_SECONDS = 2.0


class Rounds:
    """One load, one kind of trouble at a time, and the record of both."""

    def __init__(self, product: Product, client: RestClient, record: IO[str], seed: int) -> None:
        self.product = product
        self.client = client
        self._record = record
        self._dice = random.Random(seed)
        self._seed = seed

    async def play(self, number: int) -> None:
        watched: list[tuple[TaskReceipt, dict[str, Seen]]] = []
        async with anyio.create_task_group() as group, AsyncExitStack() as stack:
            part, how = self._dice.choice(PARTS), self._dice.choice(["kill", "stop"])
            self.note(kind="fault", round=number, part=part, how=how)
            print(f"round {number}: {how} {part}", flush=True)
            group.start_soon(self._trouble, part, how)
            for n in range(TASKS):
                watched.append(await self._begin(stack, number, n))  # noqa: PERF401  one by one
            with anyio.fail_after(ROUND_SECONDS):
                for _, watchers in watched:
                    for seen in watchers.values():
                        await seen.is_over.wait()
        for receipt, watchers in watched:
            await self._write(receipt, watchers)

    async def _begin(
        self, stack: AsyncExitStack, number: int, n: int
    ) -> tuple[TaskReceipt, dict[str, Seen]]:
        request = SubmitTask(agent=self._dice.choice(AGENTS), input=f"round {number}")
        receipt = await self._submitted(request, key=f"{self._seed}-{number}-{n}")
        self.note(kind="submitted", task=receipt.id)
        return receipt, {
            name: await stack.enter_async_context(watch(self.product, receipt))
            for name, watch in TRANSPORTS.items()
        }

    async def _submitted(self, request: SubmitTask, *, key: str) -> TaskReceipt:
        """As a careful program does it: again with the same key, until there is an answer."""
        with anyio.fail_after(ROUND_SECONDS):
            while True:
                with suppress(Unavailable):
                    return await self.client.tasks.submit(request, key=key)
                await anyio.sleep(0.1)

    async def _trouble(self, part: str, how: str) -> None:
        await anyio.sleep(self._dice.uniform(0, LONGEST_CALM_SECONDS))
        if how == "kill":
            await run_sync(self.product.kill_part, part)
            return
        process = await run_sync(self.product.part, part)
        family = [process, *process.children(recursive=True)]
        _send(family, signal.SIGSTOP)
        try:
            await anyio.sleep(self._dice.uniform(0.1, LONGEST_STOP_SECONDS))
        finally:
            _send(family, signal.SIGCONT)

    async def _write(self, receipt: TaskReceipt, watchers: dict[str, Seen]) -> None:
        for entry in _entries(await everything(self.client, receipt.id)):
            self.note(kind="log", task=receipt.id, **entry)
        for watcher, seen in watchers.items():
            self.note(kind="watching", task=receipt.id, watcher=watcher)
            for entry in _entries(seen.events):
                self.note(kind="seen", task=receipt.id, watcher=watcher, **entry)

    def note(self, **entry: object) -> None:
        self._record.write(json.dumps(entry) + "\n")
        self._record.flush()


def _entries(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "version": event["version"],
            "type": event["type"],
            "digest": hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:16],
        }
        for event in events
    ]


def _send(family: Sequence[psutil.Process], what: signal.Signals) -> None:
    for process in family:
        with suppress(psutil.Error):
            process.send_signal(what)


@asynccontextmanager
async def loaded(product: Product) -> AsyncGenerator[RestClient]:
    """Agents that speak for one, two and four seconds."""
    async with product.client() as client:
        for name, seconds in zip(AGENTS, (1.0, 2.0, 4.0), strict=True):
            spec = scripted(name, spoken(100, seconds=seconds))
            await client.agents.create(AgentSpec.model_validate(spec))
        yield client


@pytest.mark.faults
async def test_nothing_is_lost_or_doubled_whatever_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    settings = FaultSettings()  # pyright: ignore[reportCallIssue]  the seed has a default
    record = tmp_path / "record.jsonl"
    with capsys.disabled(), running(environment=SHORT_LEASES) as product, record.open("w") as file:
        print(f"\nseed {settings.seed}, record {record}")
        began = anyio.current_time()
        async with loaded(product) as client:
            rounds = Rounds(product, client, file, settings.seed)
            for number in range(1, settings.rounds + 1):
                if anyio.current_time() - began > settings.seconds:
                    print(f"time is up after {number - 1} of {settings.rounds} rounds")
                    break
                await rounds.play(number)
        verdict = judge(record.read_text().splitlines())
        print(verdict)
    assert verdict.is_clean, f"seed {settings.seed}: {verdict}"
