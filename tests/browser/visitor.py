"""Somebody at the product's pages, who complains of what must never happen on them.

That is: a request that leaves loopback, an error in the console or in a script, a policy broken.
Every frame in which the answer looks different is kept, so that a test can ask what was seen on
the way and not only at the end.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    StorageState,
    ViewportSize,
)

from protocols.task_fold import fold
from protocols.tasks import Task
from tests.flows.watchers import history

PICTURES = Path(__file__).parents[2] / "test-results"
DESK = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)

# What the answer looked like, whenever a frame showed another one than the frame before.
KEEP_FRAMES = """
window.frames_seen = [];
(function look() {
  const nodes = document.querySelectorAll(".talk .md");
  const text = [...nodes].map((node) => node.textContent).join("");
  if (text !== (window.frames_seen.at(-1) ?? "")) window.frames_seen.push(text);
  requestAnimationFrame(look);
})();
"""


@dataclass(kw_only=True)
class Visitor:
    """A browser context on one product."""

    context: BrowserContext
    base: str
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of complaints that belong to a story

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(self.base + path)
        return page

    def leave(self) -> None:
        """Closes everything; fails when anything was wrong that the story did not expect."""
        self.context.close()
        wrong = [one for one in self.wrong if not any(part in one for part in self.expected)]
        assert wrong == [], wrong

    def note_request(self, url: str) -> None:
        at_home = (self.base, self.base.replace("http", "ws", 1), "data:", "blob:")
        if not url.startswith(at_home):
            self.wrong.append(f"leaves loopback: {url}")

    def note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"{message.text} ({message.location.get('url', '')})")


def visitor(
    browser: Browser,
    base: str,
    *,
    session: StorageState | None = None,
    is_phone: bool = False,
    is_dark: bool = False,
) -> Visitor:
    """Somebody new; with a session she is logged in."""
    context = browser.new_context(
        viewport=PHONE if is_phone else DESK,
        is_mobile=is_phone,
        has_touch=is_phone,
        storage_state=session,
        color_scheme="dark" if is_dark else "light",
    )
    context.set_default_timeout(15_000)
    context.add_init_script(KEEP_FRAMES)
    made = Visitor(context=context, base=base)
    context.on("request", lambda request: made.note_request(request.url))
    context.on("console", made.note_message)
    context.on("weberror", lambda error: made.wrong.append(str(error.error)))
    context.on("page", lambda page: page.on("websocket", lambda s: made.note_request(s.url)))
    return made


def frames(page: Page) -> list[str]:
    """The looks of the answer since the document was loaded, in order."""
    return page.evaluate("window.frames_seen")


def answer(page: Page) -> str:
    """The answer as it is shown now."""
    return page.evaluate(
        "[...document.querySelectorAll('.talk .md')].map((node) => node.textContent).join('')"
    )


def wait_for_words(page: Page, count: int) -> None:
    """Until so many words of the answer are shown."""
    page.wait_for_function(
        "(count) => (window.frames_seen.at(-1) ?? '').split(' ').length > count", arg=count
    )


def picture(page: Page, name: str) -> None:
    """What it looks like now, kept for people."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def folded(api: httpx.Client, task: str) -> Task:
    """The whole stream, read by REST and folded here: what everybody must see."""
    events: list[dict[str, object]] = []
    while True:
        page = api.get(f"/tasks/{task}/events", params={"after": len(events), "limit": 1000})
        read = json.loads(page.text)["events"]
        if not read:
            return fold(task, history(events))
        events += read
