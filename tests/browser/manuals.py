"""More of what `made_up.py` makes up: many documents, a whole task, who hears of knowledge."""

from tests.browser.made_up import DOCUMENT, ME, TASK_ROW

FEEDS = {"tasks": "tasks:1", "agents": "agents:1", "overview": "overview:1"}
TASK = {
    **TASK_ROW,
    "agent": "a",
    "agent_version": 1,
    "submitted_by": "user:ada",
    "ended_at": "2026-11-22T10:00:01Z",
    "updated_at": "2026-11-22T10:00:01Z",
    "attempt": 1,
    "steps": 1,
    "input_tokens": 1,
    "output_tokens": 1,
    "cost": 0,
    "code": None,
    "lane": [],
    "version": 9,
}


def somebody(role: str = "owner") -> tuple[int, object]:
    """Who asks, with the feeds of her team."""
    return 200, {**ME, "role": role, "channels": {**FEEDS, "knowledge": "knowledge:1"}}


def documents(count: int, **changes: object) -> list[dict[str, object]]:
    """Searchable ones, the newest first, as lists are."""
    ready = {**DOCUMENT, "state": "ready", "reason": None, "chunks": 1, **changes}
    return [
        {**ready, "id": f"0199c3f2-0000-7000-8000-{number:012x}", "title": f"manual {number}"}
        for number in range(count, 0, -1)
    ]


def page_of(items: list[dict[str, object]]) -> tuple[int, object]:
    """All of a list."""
    return 200, {"items": items, "next": None, "position": 1}
