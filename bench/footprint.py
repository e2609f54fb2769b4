"""What a factory at rest takes of the machine: memory after one answered question, and CPU.

All processes of `pygent up` together, the servers among them. Shared pages are counted once (PSS).
"""

import time

from bench.family import Family, family, memory, spent
from bench.result import Result, at_most, noted
from tests.flows.product import running

QUESTION = "How does a watcher resume after a restart?"
SETTLE_SECONDS = 15.0
IDLE_SECONDS = 30.0
MOST_MEGABYTES = 700.0
MOST_IDLE_PERCENT = 3.0


def run(*, quick: bool = False) -> list[Result]:
    """Asks the guide once, then leaves it alone."""
    with running() as product:
        said = product.run("run", "guide", QUESTION)
        if said.code:
            raise RuntimeError(f"the guide did not answer: {said.err}")
        time.sleep(SETTLE_SECONDS / 3 if quick else SETTLE_SECONDS)
        taken = {name: memory(processes) for name, processes in family(product).items()}
        before, began = _cpu(family(product)), time.monotonic()
        time.sleep(IDLE_SECONDS / 3 if quick else IDLE_SECONDS)
        after, took = _cpu(family(product)), time.monotonic() - began
    idle = {name: 100 * (after[name] - before.get(name, 0.0)) / took for name in after}
    return [
        at_most(
            "memory of all processes after one answered question (PSS)",
            sum(taken.values()),
            limit=MOST_MEGABYTES,
            unit="MB",
        ),
        *(noted(f"memory of {name}", value, unit="MB") for name, value in taken.items()),
        at_most(
            "CPU of all processes when idle, of one core",
            sum(idle.values()),
            limit=MOST_IDLE_PERCENT,
            unit="%",
        ),
        *(noted(f"CPU of {name}", value, unit="%") for name, value in idle.items()),
    ]


def _cpu(processes: Family) -> dict[str, float]:
    return {name: spent(each) for name, each in processes.items()}
