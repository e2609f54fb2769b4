"""Every page of the real product: for those who cannot see it or see little, and without a hub.

axe-core looks at each in both themes and two widths; guide is asked. At the end the hub is stopped
and comes back.
"""

import re
from collections.abc import Generator
from typing import Literal

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect

from tests.browser.conftest import Visit, with_pages
from tests.browser.visitor import DESK, PHONE, Visitor, answer, frames, picture, visitor
from tests.flows.product import Product
from tests.flows.speakers import scripted

pytestmark = pytest.mark.browser

ALL = {"resultTypes": ["violations"]}
COLOURS = {**ALL, "runOnly": ["color-contrast", "link-in-text-block"]}  # all a theme can change
LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], dict[str, list[str]]]] = [
    (DESK, "light", ALL),
    (DESK, "dark", COLOURS),
    (PHONE, "dark", ALL),
    (PHONE, "light", COLOURS),
]
RUN = """async (rules) => {
  const { violations } = await axe.run(document, rules);
  return violations.map(({ id, help, nodes }) => `${id}, ${help}: ${nodes.map((n) => n.target)}`);
}"""
CUT = ["WebSocket connection to", "fetching the script", "Failed to load resource", "status of 503"]
PATHS = [
    *("/", "/tasks", "/tasks?state=failed", "/agents", "/agents/guide", "/agents/guide/edit"),
    *("/agents/guide/versions", "/agents/guide/chat", "/new-agent", "/knowledge"),
    *("/knowledge?c=pygent-docs", "/knowledge?q=attempt", "/hub", "/system"),
    *("/hub?view=connections&channel=tasks:1", "/settings"),
    *("/settings?tab=keys", "/settings?tab=appearance", "/settings?tab=about"),
]
KEPT = """async () => {
  const kept = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) {
      kept.push(new URL(request.url).pathname);
    }
  }
  return kept;
}"""


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    """As a person starts it: with the guide, who has read the documentation."""
    with with_pages() as product:
        yield product


@pytest.fixture
def somebody(visit: Visit) -> Visitor:
    return visit()


@pytest.fixture(scope="module")
def task(api: httpx.Client) -> str:
    """A task of guide, with its answer."""
    return api.post("/tasks", json={"agent": "guide", "input": "What is an attempt?"}).json()["id"]


def found(page: Page) -> list[str]:
    """What axe-core has against the page in both themes and two widths; at once too wide."""
    said: list[str] = []
    page.evaluate(AXE_SCRIPT)
    for size, theme, rules in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.locator(f"html.{theme}").wait_for()
        where = f"{page.url} {size['width']} {theme}"
        said += [f"{where}: {one}" for one in page.evaluate(RUN, rules)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            said.append(f"{where}: wider than the screen")
    return said


@pytest.fixture(scope="module")
def reader(product: Product, browser: Browser, session: StorageState) -> Generator[Visitor]:
    """Somebody who goes from page to page."""
    here = visitor(browser, product.url, session=session)
    yield here
    here.leave()


@pytest.mark.parametrize("path", [*PATHS, "/tasks/{task}", "/tasks/{task}?view=events"])
def test_axe_has_nothing_against_a_page(reader: Visitor, task: str, path: str) -> None:
    page = reader.open(path.format(task=task))
    page.locator(".light-badge.live").wait_for()
    page.wait_for_load_state("networkidle")
    assert found(page) == []
    page.close()


@pytest.mark.parametrize("path", ["/login", "/offline.html", "/nowhere"])
def test_axe_has_nothing_against_the_pages_outside(
    product: Product, browser: Browser, session: StorageState, path: str
) -> None:
    here = visitor(browser, product.url, session=session if path == "/nowhere" else None)
    here.expected = ["status of 404", "net::ERR_FAILED"]
    here.context.route("**/health/live", lambda route: route.abort())
    page = here.open(path)
    page.get_by_role("heading", level=1).wait_for()
    assert found(page) == []
    here.leave()


def test_axe_has_nothing_against_the_palette_and_the_keys(somebody: Visitor, task: str) -> None:
    page = somebody.open(f"/tasks/{task}")
    page.locator(".taskhead .s-completed").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("guide")
    page.get_by_role("option", name="Run guide").wait_for()
    assert found(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    assert found(page) == []


def test_a_question_to_guide_is_answered_live_with_sources(visit: Visit) -> None:
    page = visit(is_dark=True).open("/")
    page.get_by_role("button", name="Run agent").first.click()
    dialog = page.get_by_role("dialog", name="Run agent")
    dialog.get_by_role("button", name="What is an attempt?").click()
    dialog.get_by_role("button", name="Run agent").click()
    page.wait_for_url("**/tasks/*")
    page.locator(".taskhead .s-completed").wait_for()
    seen, said = frames(page), answer(page)
    assert any(0 < len(look) < len(said) for look in seen), "it was seen being written"
    steps = page.get_by_role("listbox", name="Steps, in time").get_by_role("option")
    expect(steps.filter(has_text="knowledge_search")).to_have_count(1)
    expect(steps.filter(has_text="extractive").first).to_be_visible()
    picture(page, "task-guide-dark")
    page.locator(".md .cite").first.click()
    passage = page.get_by_role("dialog", name=re.compile(r"Source \d"))
    assert len(passage.locator("blockquote").inner_text()) > 20
    picture(page, "task-guide-passage")
    page.keyboard.press("Escape")
    steps.filter(has_text="knowledge_search").click()
    page.get_by_role("region", name="Step knowledge_search").get_by_text(
        "passages"
    ).first.wait_for()
    picture(page, "task-guide-step")


def test_the_end_of_a_task_is_told_to_its_starter_where_she_is_then(somebody: Visitor) -> None:
    page = somebody.open("/agents")
    page.locator(".light-badge.live").wait_for()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Run agent")
    dialog.get_by_role("button", name="What is an attempt?").click()
    dialog.get_by_label("What should it do?").press("Control+Enter")
    page.wait_for_url("**/tasks/*")
    mine = page.url.split("?")[0]
    page.locator(".taskhead .s-completed").wait_for()  # she sees it herself
    page.get_by_role("link", name="Agents").click()
    page.get_by_label("Search agents").wait_for()
    page.get_by_role("button", name="Run agent").click()
    dialog.get_by_label("What should it do?").fill("How does a watcher resume?")
    dialog.get_by_label("What should it do?").press("Control+Enter")
    page.wait_for_url(lambda url: "/tasks/" in url and not url.startswith(mine))
    page.get_by_role("link", name="Agents").click()
    notices = page.get_by_role("status", name="Notices")
    told = notices.get_by_role("link", name="How does a watcher resume?")
    told.wait_for()
    assert notices.get_by_text("What is an attempt?").count() == 0
    told.click()
    page.locator(".taskhead .s-completed").wait_for()
    expect(notices.get_by_role("link")).to_have_count(0)


def test_new_agents_move_nothing_while_the_list_is_scrolled(
    api: httpx.Client, somebody: Visitor
) -> None:
    for number in range(40):
        api.post("/agents", json=scripted(f"copy-{number:02}")).raise_for_status()
    page = somebody.open("/agents")
    page.locator(".light-badge.live").wait_for()
    page.get_by_role("link", name="copy-39").scroll_into_view_if_needed()
    api.post("/agents", json=scripted("aaa-first")).raise_for_status()
    page.get_by_role("button", name="1 new").click()
    page.get_by_role("link", name="aaa-first").wait_for()
    expect(page.get_by_role("button", name="1 new")).to_have_count(0)


def test_without_a_hub_a_page_says_so_and_opens_again_when_it_is_back(
    product: Product, somebody: Visitor
) -> None:
    somebody.expected = CUT
    page = somebody.open("/tasks")
    page.locator(".light-badge.live").wait_for()
    page.wait_for_function("() => navigator.serviceWorker.controller")
    assert page.evaluate(KEPT) == ["/offline.html"], "no page, no answer of the API"
    product.stop()
    page.goto(f"{product.url}/agents")
    page.get_by_role("heading", name="The factory does not answer").wait_for()
    picture(page, "offline")
    page.set_viewport_size(ViewportSize(**PHONE))
    picture(page, "offline-phone")
    page.get_by_role("button", name="Try again").wait_for()
    product.start()
    page.evaluate("document.getElementById('again')?.click()")  # if it has not tried by itself
    page.get_by_role("link", name="guide").first.wait_for()
    assert page.url == f"{product.url}/agents"


def test_the_pages_can_be_installed(product: Product) -> None:
    with httpx.Client(base_url=product.url, trust_env=False) as nobody:
        manifest = nobody.get("/manifest.webmanifest").raise_for_status().json()
        sizes = {icon["sizes"] for icon in manifest["icons"] if icon["type"] == "image/png"}
        assert sizes == {"192x192", "512x512"}
        assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
        for icon in manifest["icons"]:
            answer = nobody.get(icon["src"]).raise_for_status()
            assert answer.headers["content-type"] == icon["type"]
        worker = nobody.get("/sw.js").raise_for_status()
        assert worker.headers["cache-control"] == "no-cache"
        assert "@BUILD@" not in worker.text
        assert nobody.get("/offline.html").status_code == 200
