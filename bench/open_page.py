"""Pages that are left open while tasks run: whether tabs and servers take more as time goes by.

Three tabs are never touched: the overview, the list of tasks, and a task that writes all the time.
Each minute garbage is collected in each of them and what is left is counted; the servers' memory is
read beside it. The first third warms up and does not count: until then the histories of feeds fill,
500 publications each. Of the rest the last quarter is held against the first: of servers the
middle, of a tab the least, because what it has under way when it is looked at comes on top. After
garbage collection a heap still varies by a few percent, hence a tenth; a leak of one row a task
would be two to three times as much.
Ten minutes say little about an hour, and nothing of Valkey: `--minutes 60` is what is promised.
"""

import json
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from bench.family import MEGABYTE, Family, family, memory, own_memory, spent
from bench.result import Result, at_most, noted
from bench.tabs import Tabs, chromium
from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask
from protocols.rest.client import RestClient
from tests.flows.product import UNSEEDED, Product, running
from tests.flows.speakers import scripted, spoken, words

MINUTES = 10.0
QUICK_MINUTES = 3.0
SAMPLE_SECONDS = 60.0
QUICK_SAMPLE_SECONDS = 10.0
TASK_EVERY_SECONDS = 5.0
MOST_RATIO = 1.1
FILLED_MINUTES = 60.0  # at this load feeds have their whole histories after 24; a third warms up
SERIES = Path("test-results/open_page.jsonl")
BRIEF = scripted("brief", spoken(60, seconds=8), limits={"seconds": 600})
ROOM = {"seconds": 86_400, "tokens": 1_000_000}
PAGES = {  # what stands there once the page is filled
    "overview": ("/", "document.querySelectorAll('.feed li').length > 0"),
    "tasks": ("/tasks", "document.querySelectorAll('.vrows [role=row]').length > 0"),
    "task": ("/tasks/{task}", "document.querySelectorAll('.talk .md').length > 0"),
}

Sample = dict[str, float]


@dataclass(kw_only=True)
class Watching:
    """What was counted so far, and how."""

    product: Product
    browser: Tabs
    tabs: Mapping[str, str]
    samples: list[Sample] = field(default_factory=list)

    async def sample(self) -> None:
        """One more line of the series."""
        found: Sample = {"time": time.time()}
        for name, target in self.tabs.items():
            held = await self.browser.held(target)
            found[f"tab {name}: JavaScript heap, MB"] = held.heap / MEGABYTE
            found[f"tab {name}: nodes"] = held.nodes
            found[f"tab {name}: listeners"] = held.listeners
        found["all tabs: processes, MB"] = memory(await self.browser.renderers())
        for name, processes in family(self.product).items():
            found[f"{name}: MB"] = (own_memory if name == "postgres" else memory)(processes)
            if name == "postgres":
                found["postgres with its shared buffers: MB"] = memory(processes)
        self.samples.append(found)
        _keep(self.samples)


async def run(*, quick: bool = False, minutes: float | None = None) -> list[Result]:
    """On a product of its own, at the same load from the first minute to the last."""
    minutes = minutes or (QUICK_MINUTES if quick else MINUTES)
    every = QUICK_SAMPLE_SECONDS if minutes < MINUTES else SAMPLE_SECONDS
    with running(environment=UNSEEDED) as product:
        async with RestClient(product.url, token=product.key) as client, chromium() as browser:
            story = await _begin(client, seconds=minutes * 60 + every)
            await browser.log_in(product.link(), home=f"{product.url}/")
            tabs = {
                name: await browser.open(product.url + path.format(task=story), ready=ready)
                for name, (path, ready) in PAGES.items()
            }
            watching = Watching(product=product, browser=browser, tabs=tabs)
            before, began = _cpu(family(product)), time.monotonic()
            load = _Load(client)
            async with anyio.create_task_group() as group:
                group.start_soon(load.keep_on)
                for number in range(1, int(minutes * 60 / every) + 1):
                    await anyio.sleep(max(0.0, began + number * every - time.monotonic()))
                    await watching.sample()
                group.cancel_scope.cancel()
            after, took = _cpu(family(product)), time.monotonic() - began
    share = {name: 100 * (after[name] - before.get(name, 0.0)) / took for name in after}
    return [
        *_judged(watching.samples, minutes=minutes),
        noted("tasks that were asked meanwhile", load.asked, unit="tasks"),
        noted("asking that was refused or not answered", load.refused, unit="times"),
        noted("CPU of all servers meanwhile, of one core", sum(share.values()), unit="%"),
    ]


class _Load:
    """A task every few seconds."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self.asked = 0
        self.refused = 0

    async def keep_on(self) -> None:
        """Until it is cancelled."""
        began = time.monotonic()
        while True:
            try:
                await self._client.tasks.submit(SubmitTask(agent="brief", input="Say it again."))
                self.asked += 1
            except Exception as error:  # noqa: BLE001  it is counted, and said
                self.refused += 1
                print(f"  a task was not taken: {error}", file=sys.stderr)
            turn = self.asked + self.refused
            await anyio.sleep(max(0.0, began + turn * TASK_EVERY_SECONDS - time.monotonic()))


async def _begin(client: RestClient, *, seconds: float) -> str:
    """Both agents, a few tasks for the lists, and the task that writes a word a second."""
    count = int(min(seconds, 3600))
    story = scripted("story", spoken(count, seconds=count), limits=ROOM)
    for spec in (BRIEF, story):
        await client.agents.create(AgentSpec.model_validate(spec))
    for _ in range(3):
        await client.tasks.submit(SubmitTask(agent="brief", input="Say it."))
    receipt = await client.tasks.submit(SubmitTask(agent="story", input=f"Write {words(3)} …"))
    return receipt.id


def _judged(samples: list[Sample], *, minutes: float) -> list[Result]:
    """The last quarter against the first, after the warm-up."""
    counted = samples[len(samples) // 3 :]
    part = max(1, len(counted) // 4)
    results: list[Result] = []
    for name in (name for name in counted[0] if name != "time"):
        level = min if name.startswith("tab ") else statistics.median
        first = level([each[name] for each in counted[:part]])
        last = level([each[name] for each in counted[-part:]])
        label, _, unit = name.rpartition(", ") if ", " in name else name.rpartition(": ")
        said = f"{minutes:g} min, {label}, first quarter {first:,.1f}, last {last:,.1f} {unit}"
        is_filling = minutes < FILLED_MINUTES and name.startswith("valkey")
        if is_filling or "shared buffers" in name:  # they fill up to their size, whatever is asked
            results.append(noted(said, last / first, unit="times"))
        else:
            results.append(at_most(said, last / first, limit=MOST_RATIO, unit="times"))
    return results


def _keep(samples: list[Sample]) -> None:
    """The whole series, for whoever looks while it goes on."""
    SERIES.parent.mkdir(exist_ok=True)
    SERIES.write_text("".join(json.dumps(each) + "\n" for each in samples))


def _cpu(processes: Family) -> dict[str, float]:
    return {name: spent(each) for name, each in processes.items()}
