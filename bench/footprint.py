"""What a factory at rest takes of the machine: memory after one answered question, and CPU.

All processes of `pygent up` together, the servers among them. Shared pages are counted once (PSS).
"""

import time
from collections.abc import Sequence

import psutil

from bench.result import Result, at_most, noted
from tests.flows.product import Product, is_part, lives, running

QUESTION = "How does a watcher resume after a restart?"
SETTLE_SECONDS = 15.0
IDLE_SECONDS = 30.0
MOST_MEGABYTES = 700.0
MOST_IDLE_PERCENT = 3.0
MEGABYTE = 1024 * 1024
NAMES = ("hub", "worker", "scheduler", "postgres", "valkey")


def run(*, quick: bool = False) -> list[Result]:
    """Asks the guide once, then leaves it alone."""
    with running() as product:
        said = product.run("run", "guide", QUESTION)
        if said.code:
            raise RuntimeError(f"the guide did not answer: {said.err}")
        time.sleep(SETTLE_SECONDS / 3 if quick else SETTLE_SECONDS)
        memory = _memory(_family(product))
        before, began = _cpu(_family(product)), time.monotonic()
        time.sleep(IDLE_SECONDS / 3 if quick else IDLE_SECONDS)
        after, took = _cpu(_family(product)), time.monotonic() - began
    idle = {name: 100 * (after[name] - before.get(name, 0.0)) / took for name in after}
    return [
        at_most(
            "memory of all processes after one answered question (PSS)",
            sum(memory.values()),
            limit=MOST_MEGABYTES,
            unit="MB",
        ),
        *(noted(f"memory of {name}", value, unit="MB") for name, value in memory.items()),
        at_most(
            "CPU of all processes when idle, of one core",
            sum(idle.values()),
            limit=MOST_IDLE_PERCENT,
            unit="%",
        ),
        *(noted(f"CPU of {name}", value, unit="%") for name, value in idle.items()),
    ]


def _family(product: Product) -> dict[str, list[psutil.Process]]:
    """The processes by part; those of Postgres are one part."""
    assert product.process is not None
    parent = psutil.Process(product.process.pid)
    found: dict[str, list[psutil.Process]] = {"up": [parent]}
    for child in parent.children():
        name = next((name for name in NAMES if is_part(child, name)), "others")
        found.setdefault(name, []).extend([child, *child.children(recursive=True)])
    return found


def _memory(family: dict[str, list[psutil.Process]]) -> dict[str, float]:
    return {
        name: sum(one.memory_full_info().pss for one in processes if lives(one)) / MEGABYTE
        for name, processes in family.items()
    }


def _cpu(family: dict[str, list[psutil.Process]]) -> dict[str, float]:
    """Seconds, those of ended children included."""
    return {name: _spent(processes) for name, processes in family.items()}


def _spent(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        if lives(one):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
