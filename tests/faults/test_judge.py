"""The judge sees each kind of fault; else the rounds would prove nothing."""

import json
from typing import Any

import pytest

from tests.faults.judge import Verdict, judge

ENTRY = {"task": "t", "digest": "d"}
TYPES = ["task.submitted", "message.delta", "task.completed"]


def log(*types: str) -> list[dict[str, Any]]:
    return [{"kind": "log", "version": n, "type": t, **ENTRY} for n, t in enumerate(types, 1)]


def seen(*versions: int, **changes: object) -> list[dict[str, Any]]:
    one = {"kind": "seen", "watcher": "w", **ENTRY, **changes}
    watching = {"kind": "watching", "task": "t", "watcher": "w"}
    return [watching, *({**one, "version": n, "type": TYPES[n - 1]} for n in versions)]


def judged(*entries: dict[str, Any]) -> Verdict:
    return judge(json.dumps(e) for e in ({"kind": "submitted", "task": "t"}, *entries))


def test_a_whole_record_is_clean():
    verdict = judged(*log(*TYPES), *seen(1, 2, 3))
    assert verdict.is_clean
    assert (verdict.tasks, verdict.watchers, verdict.events) == (1, 1, 3)


@pytest.mark.parametrize(
    ("versions", "fault"),
    [((1, 3), "lost"), ((), "lost"), ((1, 2, 2, 3), "doubled"), ((1, 3, 2), "out_of_order")],
)
def test_what_a_watcher_misses_or_has_twice_is_counted(versions: tuple[int, ...], fault: str):
    verdict = judged(*log(*TYPES), *seen(*versions))
    assert getattr(verdict, fault) > 0
    assert not verdict.is_clean


def test_another_content_under_the_same_number_is_counted():
    assert judged(*log(*TYPES), *seen(1, 2, 3, digest="other")).different == 3


def test_a_task_that_does_not_end_well_is_named():
    assert judged(*log(*TYPES[:2])).unended == ["t"]
    assert judged().unended == ["t"]
    assert judged(*log("task.submitted", "task.failed")).not_completed == ["t"]


def test_a_hole_in_the_log_is_counted():
    entries = log(*TYPES)
    entries[1]["version"] = 7
    assert judged(*entries).holes == 2
