"""The page of knowledge: documents dropped, followed, found, asked about and deleted again.

One story with the product as a person has it; the faces that no running product shows are drawn
from answers made up here.
"""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.made_up import DOCUMENTS, LISTED, ME, NOTHING, Answers, Open
from tests.browser.visitor import Visitor, picture

pytestmark = pytest.mark.browser

PATIENCE_MS = 15_000

RUNBOOK = "# Runbook: database pool\n\nThe pool is shared by all workers.\n\n" + "\n\n".join(
    f"## Case {number}\n\nWhen every connection of the pool is taken in case {number}, requests "
    "queue. Latency climbs long before errors appear. Raise `pool.max`, one zone at a time."
    for number in range(30)
)
DROP = """(files) => {
  const dataTransfer = new DataTransfer();
  for (const [name, type, text] of files) dataTransfer.items.add(new File([text], name, { type }));
  for (const type of ["dragenter", "dragover", "drop"]) {
    document.querySelector("#main").dispatchEvent(
      new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
  }
}"""
# What the rows of the files said, whenever a frame showed something else.
KEEP_SAID = """
window.said = [];
(function look() {
  for (const node of document.querySelectorAll(".kn-tray .say")) {
    if (!window.said.includes(node.textContent)) window.said.push(node.textContent);
  }
  requestAnimationFrame(look);
})();
"""


@pytest.fixture
def pages(open_page: Open) -> Open:
    """Opens a path for somebody whose team has a feed of knowledge."""
    me = {**ME, "channels": {**ME["channels"], "knowledge": "knowledge:1"}}
    return lambda path, answers: open_page(path, {"/api/v1/me": (200, me), **answers})


@pytest.fixture
def somebody(visit: Visit) -> Visitor:
    """Somebody who prefers the dark and whose looks at the files are kept."""
    here = visit(is_dark=True)
    here.context.add_init_script(KEEP_SAID)
    return here


def test_documents_are_dropped_followed_found_asked_about_and_deleted(somebody: Visitor) -> None:
    page = somebody.open("/knowledge")
    page.get_by_role("heading", name="No documents yet").wait_for()
    files = [
        ["pool.md", "", RUNBOOK],
        ["broken.pdf", "application/pdf", "%PDF-1.7\nbroken"],
        ["incident.txt", "text/plain", "A deploy halved the pool. Clients retried at once."],
    ]
    page.evaluate(DROP, files)
    dialog = page.get_by_role("dialog", name="Add documents")
    dialog.get_by_label("Name of the collection").fill("runbooks")
    dialog.get_by_role("button", name="Add 3 documents").click()

    tray = page.get_by_role("region", name="Documents on their way")
    tray.get_by_text("2 of 3 searchable, 1 failed").wait_for(timeout=45_000)
    said = page.evaluate("window.said")
    assert any(text.startswith("Embedding ") for text in said), said
    assert any("broken.pdf is a broken PDF" in text for text in said), said
    picture(page, "knowledge-tray")
    page.evaluate("window.said = []")
    tray.get_by_role("button", name="Retry broken.pdf").click()
    page.wait_for_function("() => window.said.some((text) => /^(Waiting|Being read)/.test(text))")
    tray.get_by_role("button", name="Retry broken.pdf").wait_for()
    _search(page)
    _ask(page)
    _delete(page)


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("why does latency climb when connections are taken")
    first = page.locator(".kn-hit").first
    expect(first.locator("mark", has_text="connection").first).to_be_visible(timeout=PATIENCE_MS)
    expect(first.locator(".kn-score")).to_contain_text("Fused")
    page.keyboard.press("Escape")  # empties the field
    page.keyboard.type("why does latency climb when connections are taken")
    first.get_by_role("button").click()
    why = page.get_by_role("complementary", name="Why this passage")
    expect(why.locator("dd", has_text="1/(60+").first).to_be_visible(timeout=PATIENCE_MS)
    expect(why.locator("mark.sem").first).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("j")
    page.locator(".kn-hit").nth(1).and_(page.locator("[aria-current]")).wait_for()
    picture(page, "knowledge-search-dark")
    why.get_by_role("button", name="Open document").click()
    current = page.locator(".kn-chunk[aria-current]")
    expect(current).to_be_in_viewport(timeout=PATIENCE_MS)
    assert "c=runbooks" in page.url
    assert "n=" in page.url
    page.go_back()
    why.wait_for()


def _ask(page: Page) -> None:
    why = page.get_by_role("complementary", name="Why this passage")
    why.get_by_role("button", name="Make an agent for it").click()
    why.get_by_label("Question").fill("What climbs when every connection is taken?")
    why.get_by_role("button", name="Run agent").click()
    page.wait_for_url("**/tasks/*")
    page.locator(".taskhead .s-completed").wait_for()
    assert page.locator(".md .cite").count() > 0
    page.go_back()


def _delete(page: Page) -> None:
    page.get_by_label("Search runbooks").fill("")
    page.get_by_role("button", name="Delete incident.txt").click()
    dialog = page.get_by_role("dialog", name="Delete incident.txt?")
    expect(dialog).to_contain_text("its 1 passage", timeout=PATIENCE_MS)
    dialog.get_by_role("button", name="Delete document").click()
    page.get_by_role("button", name="Delete incident.txt").wait_for(state="detached")
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete runbooks?")
    expect(dialog).to_contain_text("2 documents", timeout=PATIENCE_MS)
    expect(dialog).to_contain_text("One agent searches it: runbooks", timeout=PATIENCE_MS)
    dialog.get_by_role("button", name="Delete 2 documents").click()
    page.get_by_role("heading", name="No documents yet").wait_for()


def test_without_a_collection_the_page_teaches_how_to_fill_one(pages: Open) -> None:
    page = pages("/knowledge", {"/api/v1/collections": NOTHING})
    page.get_by_text("pygent ingest PATH").wait_for()
    page.get_by_role("button", name="Drop documents here").click()
    page.get_by_role("dialog", name="Add documents").wait_for()


def test_an_empty_collection_teaches_and_its_filter_stands_in_the_address(pages: Open) -> None:
    page = pages("/knowledge?c=manuals", {"/api/v1/collections": LISTED, DOCUMENTS: NOTHING})
    page.get_by_text("pygent ingest PATH --collection manuals").wait_for()
    page.get_by_role("button", name="Failed 0").click()
    page.get_by_text("No document has failed").wait_for()
    assert "state=failed" in page.url
    page.go_back()
    page.get_by_text("manuals is empty").wait_for()


def test_what_cannot_be_read_is_said_and_read_on_retry(pages: Open) -> None:
    detail = "the store did not answer within 5 s"
    down: tuple[int, object] = (503, {"detail": detail, "code": "unavailable"})
    answers: Answers = {
        "/api/v1/collections": LISTED,
        DOCUMENTS: down,
        "/api/v1/search": down,
    }
    page = pages("/knowledge?c=manuals", answers)
    page.get_by_role("alert").get_by_text(detail).wait_for()
    page.get_by_label("Search manuals").fill("pumps")
    page.get_by_role("heading", name="The search failed").wait_for()
    answer = {"passages": [], "embedder": "minilm", "seconds": 0.01}
    page.unroute_all()
    page.route("**/api/v1/search", lambda route: route.fulfill(json=answer))
    page.get_by_role("button", name="Retry now").click()
    page.get_by_text("No passage was found").wait_for()


def test_at_most_three_files_are_sent_at_once_and_a_refusal_says_why(pages: Open) -> None:
    page = pages("/knowledge?c=manuals", {"/api/v1/collections": LISTED, DOCUMENTS: NOTHING})
    page.get_by_text("manuals is empty").wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(f"**{DOCUMENTS}", hold)
    page.evaluate(DROP, [[f"{number}.md", "", "# Text"] for number in range(5)])
    tray = page.get_by_role("region", name="Documents on their way")
    expect(tray.get_by_text(re.compile("Sending|Being stored"))).to_have_count(3)
    expect(tray.get_by_text("Waiting to be sent")).to_have_count(2)
    for _ in range(250):  # they are asked to be sent before they reach us
        if len(held) >= 3:
            break
        page.wait_for_timeout(20)
    assert len(held) == 3
    refused = {"detail": "0.md is empty", "title": "Invalid request", "code": "invalid_request"}
    held[0].fulfill(status=422, json=refused)
    tray.get_by_text("0.md is empty").wait_for()
    expect(tray.get_by_text("Waiting to be sent")).to_have_count(1)
    tray.get_by_role("button", name="Retry 0.md").click()
    expect(tray.get_by_text("Waiting to be sent")).to_have_count(2)


def test_a_file_far_over_the_limit_is_refused_before_it_is_sent(pages: Open) -> None:
    page = pages("/knowledge?c=manuals", {"/api/v1/collections": LISTED, DOCUMENTS: NOTHING})
    page.get_by_text("manuals is empty").wait_for()
    page.evaluate(
        f"""() => ({DROP})([["large.txt", "text/plain", "x".repeat(23 * 1024 * 1024)]])"""
    )
    page.get_by_text("large.txt has 23.0 MiB; a document has at most 20 MiB").wait_for()
    expect(page.get_by_role("button", name="Retry large.txt")).to_have_count(0)
