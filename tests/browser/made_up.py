"""The built pages on loopback without a hub: every answer of the API is made up by the test.

Every request that leaves loopback and every error in the console fails a test.
"""

import json
import threading
from collections.abc import Callable, Generator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route

from dashboard.app import application
from tests.flows.product import BUILT_SITE

SITE = BUILT_SITE
ME = {
    "name": "Ada",
    "actor": "user:ada",
    "team": 1,
    "role": "owner",
    "channels": {"tasks": "tasks:1", "agents": "agents:1", "overview": "overview:1"},
}
Answers = dict[str, tuple[int, object]]
Open = Callable[[str, Answers], Page]

OVERVIEW = {
    "window": "15m",
    "bucket_seconds": 60,
    "submitted": 0,
    "working": 0,
    "waiting": 0,
    "p50_seconds": None,
    "p95_seconds": None,
    "buckets": [],
    "models": [],
    "open": [],
    "position": 1,
}
COLLECTION = {
    "id": "c1",
    "name": "manuals",
    "description": "How our machines work.",
    "documents": 0,
    "chunks": 0,
    "queued": 0,
    "failed": 0,
    "embedder": "minilm",
    "created_at": "2026-11-22T10:00:00Z",
}
LISTED: tuple[int, object] = (200, {"items": [COLLECTION], "next": None})
NOTHING: tuple[int, object] = (200, {"items": [], "next": None})
DOCUMENTS = "/api/v1/collections/manuals/documents"
DOCUMENT = {
    "id": "0199c3f2-0000-7000-8000-00000000000d",
    "collection": "manuals",
    "title": "pumps.md",
    "source": "pumps.md",
    "media_type": "text/markdown",
    "bytes": 12,
    "state": "failed",
    "stage": None,
    "reason": "it holds no text",
    "chunks": 0,
    "embedded": 0,
    "to_embed": 0,
    "sha256": "0",
    "embedder": None,
    "version": 1,
    "changed_at": "2026-11-22T10:00:00Z",
    "created_at": "2026-11-22T10:00:00Z",
}
LINK = "0199c3f2-0000-7000-8000-000000000009"
AGENT = {
    "id": "0199c3f2-0000-7000-8000-00000000000a",
    "name": "clerk",
    "state": "active",
    "number": 3,
    "description": "Checks invoices",
    "model": "extractive",
    "strategy": "react",
    "open_tasks": 0,
    "finished_tasks": 0,
    "failed_tasks": 0,
    "position": 1,
    "updated_at": "2026-11-22T10:00:00Z",
}
TASK_ROW = {
    "id": LINK,
    "title": "Pay the clerk",
    "state": "failed",
    "agent_name": "clerk",
    "submitted_at": "2026-11-22T10:00:00Z",
}
FOUND: Answers = {
    "/api/v1/agents": (200, {"items": [AGENT], "next": None, "position": 1}),
    "/api/v1/tasks": (200, {"items": [TASK_ROW], "next": None, "position": 1}),
    "/api/v1/collections": (200, {"items": [{"name": "clerks", "documents": 2}], "next": None}),
    f"/api/v1/tasks/{LINK}": (200, TASK_ROW),
}


def finished_task(number: int) -> dict[str, object]:
    """A row of the list of tasks, `Question <number>`; a greater number ended later."""
    time = f"2026-11-22T10:{number // 60:02}:{number % 60:02}Z"
    return {
        "id": f"0199c3f2-0000-7000-8000-{number:012}",
        "title": f"Question {number}",
        "state": "completed",
        "agent": "a",
        "agent_name": "guide",
        "agent_version": 1,
        "model": "extractive",
        "submitted_by": "user:ada",
        "submitted_at": time,
        "started_at": time,
        "ended_at": time,
        "updated_at": time,
        "attempt": 1,
        "steps": 1,
        "input_tokens": 1,
        "output_tokens": 2,
        "cost": 0,
        "code": None,
        "activity": None,
        "activity_kind": None,
        "lane": [["model", 0, 900, False]],
        "version": 9,
        "position": number,
    }


@pytest.fixture(scope="module")
def base() -> Generator[str]:
    """The built site on loopback, without a hub behind it."""
    if not (SITE / "index.html").exists():
        pytest.fail("the pages are not built: run `make site`")
    server = uvicorn.Server(uvicorn.Config(application(SITE), port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def open_page(base: str, browser: Browser) -> Generator[Open]:
    """Opens a path with these answers of the API; complains of errors when the test is over."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")

    def opened(path: str, answers: Answers) -> Page:
        page = context.new_page()
        page.route("**/*", lambda route: _answer(route, base, answers, wrong))
        page.route_web_socket("**/connection/websocket", lambda socket: socket.on_message(_quiet))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(base + path)
        return page

    yield opened
    context.close()
    assert wrong == []


def _quiet(_message: str | bytes) -> None:
    """A hub that says nothing: the pages have to stand without it."""


def _answer(route: Route, base: str, answers: Answers, wrong: list[str]) -> None:
    url = route.request.url
    if not url.startswith(base):
        wrong.append(f"leaves loopback: {url}")
        route.abort()
        return
    path = url.removeprefix(base).split("?")[0]
    if not path.startswith(("/api/", "/auth/session")):
        route.continue_()
        return
    defaults: Answers = {
        "/api/v1/me": (200, ME),
        "/auth/session": (200, {"is_logged_in": True}),
        "/api/v1/overview": (200, OVERVIEW),
        "/api/v1/agents": (200, {"items": [], "next": None, "position": 1}),
    }
    status, body = {**defaults, **answers}.get(path, (404, {"detail": f"nothing at {path}"}))
    route.fulfill(status=status, body=json.dumps(body), content_type="application/json")
