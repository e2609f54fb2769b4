"""From a request over HTTP to the worker's first event on a socket, with nothing else to do.

As a program meets it: the socket is open, the task is posted, its channel is subscribed when the
answer is there. Hub, scheduler and workers are processes of their own; this one only watches.
"""

import json
import statistics
import time
from dataclasses import dataclass
from itertools import count

import anyio
import httpx
from websockets.asyncio.client import ClientConnection

from bench.processes import parts, serving_hub
from bench.result import Result, at_most, noted
from bench.sockets import PING, Watching, publications
from hub.identity.keys import create_key
from protocols.operations.keys import CreateKey
from protocols.principals import system
from store.addresses import Addresses
from store.connect import Store

TASKS = 200
WARM_UP = 10
PACE_SECONDS = 0.05
MOST_MS = 80.0
TASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Of one task: when it was sent, when its 202 was there, when its first event was."""

    sent: float
    accepted: float
    seen: float


async def measure(store: Store, addresses: Addresses, *, agent: str) -> list[Result]:
    """Beside workers that are there already; `agent` is one that ends by itself at once."""
    key = await create_key(store, system(), CreateKey(name="bench"))
    async with serving_hub(addresses) as address, parts(addresses, "scheduler"):
        client = httpx.AsyncClient(
            base_url=f"http://{address}",
            headers={"Authorization": f"Bearer {key.token}"},
            trust_env=False,
        )
        async with client, Watching(address, key.token).connected() as watcher:
            program = _Program(client, watcher, agent)
            taken = [await program.ask() for _ in range(WARM_UP + TASKS)][WARM_UP:]
    accepted = [(one.seen - one.accepted) * 1000 for one in taken]
    sent = [(one.seen - one.sent) * 1000 for one in taken]
    return [
        at_most(
            "accepted (202) to the worker's first event on a socket, idle, p50",
            statistics.median(accepted),
            limit=MOST_MS,
            unit="ms",
        ),
        noted("  the same, p99", statistics.quantiles(accepted, n=100)[98], unit="ms"),
        noted("  from the sent request on, p50", statistics.median(sent), unit="ms"),
        noted("  from the sent request on, p99", statistics.quantiles(sent, n=100)[98], unit="ms"),
    ]


class _Program:
    """Asks and watches, one task after another."""

    def __init__(self, client: httpx.AsyncClient, watcher: ClientConnection, agent: str) -> None:
        self._client = client
        self._watcher = watcher
        self._request = {"agent": agent, "input": "go"}
        self._numbers = count(2)

    async def ask(self) -> Moments:
        """One task, to its end."""
        with anyio.fail_after(TASK_SECONDS):
            sent = time.perf_counter()
            answer = await self._client.post("/api/v1/tasks", json=self._request)
            accepted = time.perf_counter()
            receipt = answer.raise_for_status().json()
            channel = receipt["channel"]
            place = {"epoch": receipt["epoch"], "offset": receipt["version"], "recover": True}
            await self._command(subscribe={"channel": channel, **place})
            seen = await self._first_event()
            await self._command(unsubscribe={"channel": channel})
        await anyio.sleep(PACE_SECONDS)
        return Moments(sent, accepted, seen)

    async def _first_event(self) -> float:
        """When it was there; returns at the end of the task."""
        seen: float | None = None
        while True:
            frame = str(await self._watcher.recv())
            now = time.perf_counter()
            if frame == PING:
                await self._watcher.send(PING)
                continue
            types = [json.loads(payload)["type"] for _, payload in publications(frame)]
            if types and seen is None:
                if types[0] != "attempt.started":
                    raise RuntimeError(f"the first event after the receipt is {types[0]}")
                seen = now
            if seen is not None and "task.completed" in types:
                return seen

    async def _command(self, **command: object) -> None:
        await self._watcher.send(json.dumps({"id": next(self._numbers), **command}))
