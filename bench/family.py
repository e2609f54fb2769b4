"""The processes of a `pygent up`, by part: what they take of memory, and what of CPU.

Shared pages are counted once (PSS). Nothing here starts or ends any of them.
"""

from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.flows.processes import is_part, lives
from tests.flows.product import Product

MEGABYTE = 1024 * 1024
NAMES = ("hub", "worker", "scheduler", "postgres", "valkey")

Family = dict[str, list[psutil.Process]]


def family(product: Product) -> Family:
    """The processes by part; those of Postgres are one part."""
    assert product.process is not None
    parent = psutil.Process(product.process.pid)
    found: Family = {"up": [parent]}
    for child in parent.children():
        name = next((name for name in NAMES if is_part(child, name)), "others")
        found.setdefault(name, []).extend([child, *child.children(recursive=True)])
    return found


def memory(processes: Sequence[psutil.Process]) -> float:
    """Megabytes of them, and their shares of what they have in common with others."""
    return sum(_rollup(one, "Pss") for one in processes) / MEGABYTE


def own_memory(processes: Sequence[psutil.Process]) -> float:
    """Megabytes of it that are neither files nor memory shared on purpose, such as a cache's."""
    return sum(_rollup(one, "Pss_Anon") for one in processes) / MEGABYTE


def spent(processes: Sequence[psutil.Process]) -> float:
    """Seconds of CPU, those of ended children included."""
    total = 0.0
    for one in processes:
        if lives(one):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _rollup(process: psutil.Process, name: str) -> int:
    """Bytes, 0 of one that has ended. Source: proc_pid_smaps(5)."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    found = next((line.split() for line in lines if line.startswith(f"{name}:")), None)
    return int(found[1]) * 1024 if found else 0
