"""Judges what the rounds have recorded, knowing nothing of how it came about.

    python -m tests.faults.judge RECORD

A record is JSON lines: `submitted` names a task; `log` and `seen` carry a task, a version, a type
and a digest, in the order of the log or in the order in which one watcher was told.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ENDS = frozenset({"task.completed", "task.failed", "task.canceled", "task.rejected"})


@dataclass(kw_only=True)
class Verdict:
    """Counts of what went wrong, and how much was looked at."""

    tasks: int = 0
    watchers: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    different: int = 0
    holes: int = 0  # versions the log itself lacks
    unended: list[str] = field(default_factory=list[str])
    not_completed: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        wrong = (self.lost, self.doubled, self.out_of_order, self.different, self.holes)
        return not any(wrong) and not self.unended and not self.not_completed


Told = tuple[int, str, str]  # version, type, digest


def judge(lines: Iterable[str]) -> Verdict:
    """What is to be said of this record."""
    submitted, log, seen = _sorted(lines)
    verdict = Verdict(tasks=len(submitted), watchers=len(seen))
    for task in submitted:
        _judge_task(verdict, task, log.get(task, []))
    for (task, _), told in seen.items():
        _judge_watcher(verdict, told, log.get(task, []))
    return verdict


def _sorted(
    lines: Iterable[str],
) -> tuple[list[str], dict[str, list[Told]], dict[tuple[str, str], list[Told]]]:
    submitted: list[str] = []
    log: dict[str, list[Told]] = defaultdict(list)
    seen: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for line in lines:
        entry: dict[str, Any] = json.loads(line)
        match entry["kind"]:
            case "submitted":
                submitted.append(entry["task"])
            case "log":
                log[entry["task"]].append((entry["version"], entry["type"], entry["digest"]))
            case "watching":
                seen[entry["task"], entry["watcher"]] = []
            case "seen":
                told = (entry["version"], entry["type"], entry["digest"])
                seen[entry["task"], entry["watcher"]].append(told)
            case _:
                pass  # faults are for people
    return submitted, log, seen


def _judge_task(verdict: Verdict, task: str, log: Sequence[Told]) -> None:
    versions = [version for version, _, _ in log]
    verdict.holes += len(set(range(1, len(log) + 1)) ^ set(versions))
    last = log[-1][1] if log else "nothing"
    if last not in ENDS:
        verdict.unended.append(task)
    elif last != "task.completed":
        verdict.not_completed.append(task)


def _judge_watcher(verdict: Verdict, told: Sequence[Told], log: Sequence[Told]) -> None:
    truth = {version: (kind, digest) for version, kind, digest in log}
    versions = [version for version, _, _ in told]
    verdict.events += len(versions)
    verdict.lost += len(truth.keys() - set(versions))
    verdict.doubled += len(versions) - len(set(versions))
    verdict.out_of_order += sum(after < before for before, after in pairwise(versions))
    verdict.different += sum(truth.get(version) != (kind, digest) for version, kind, digest in told)


if __name__ == "__main__":
    with Path(sys.argv[1]).open() as record:
        found = judge(record)
    print(found)
    sys.exit(0 if found.is_clean else 1)
