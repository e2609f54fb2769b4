"""What somebody who is here every day counts on: keys of lists, near rows, a palette that knows.

With answers made up here.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.made_up import AGENT, COLLECTION, LISTED, ME, Answers, Open
from tests.browser.manuals import TASK, page_of, somebody

pytestmark = pytest.mark.browser

FIELD = "Search or run a command"
KEY = {
    "prefix": "0123abcd",
    "created_at": "2026-11-22T10:00:00Z",
    "created_by": "user:ada",
    "last_used_at": None,
    "revoked_at": None,
}
EARLY = """new MutationObserver(() => {
  if (document.body) window.early ??= document.documentElement.dataset.density ?? "none";
}).observe(document, { childList: true, subtree: true });"""
ABOUT = {"/api/v1/me": (200, {**ME, "role": "viewer"})}


def test_the_palette_puts_what_begins_like_the_words_first_and_leaves_nobody_alone(
    open_page: Open,
) -> None:
    turn = {**TASK, "context_id": "talk", "title": "About settings of pumps"}
    passage = {"document": "d1", "collection": "manuals", "title": "Pumps", "matches": {}}
    answers: Answers = {
        "/api/v1/tasks": page_of([turn]),
        "/api/v1/collections": LISTED,
        "/api/v1/search": (200, {"passages": [passage], "embedder": "minilm", "seconds": 0.01}),
    }
    page = open_page("/tasks", answers)
    page.get_by_role("button", name=FIELD).click()
    page.keyboard.type("sett")
    page.get_by_role("group", name="Conversations").wait_for()
    chosen = page.locator(".palette").get_by_role("option", selected=True)
    expect(chosen).to_contain_text("Settings")
    expect(page.get_by_role("group", name="Documents")).to_contain_text("Pumps")
    page.keyboard.press("Control+a")
    page.keyboard.type("apk")  # letters in their order, where nothing is nearer
    page.get_by_role("option", name="Settings: API keys").wait_for()
    answers["/api/v1/tasks"] = page_of([])
    page.keyboard.press("Control+a")
    page.keyboard.type("why do pumps leak")
    page.get_by_role("option", name="Search the documents for").wait_for()
    page.get_by_role("option", name="Ask an agent “why do pumps leak”").click()
    dialog = page.get_by_role("dialog", name="Run agent")
    expect(dialog.get_by_label("What should it do?")).to_have_value("why do pumps leak")


@pytest.mark.parametrize(
    ("path", "role", "name"),
    [
        ("/knowledge", "button", "notes"),
        ("/settings?tab=keys", "button", "Revoke robot"),
        ("/agents", "link", "other"),
    ],
)
def test_the_keys_of_a_list_are_in_the_map_and_work(
    open_page: Open, path: str, role: str, name: str
) -> None:
    answers: Answers = {
        "/api/v1/me": somebody(),
        "/api/v1/agents": page_of([AGENT, {**AGENT, "id": "b", "name": "other"}]),
        "/api/v1/collections": page_of([COLLECTION, {**COLLECTION, "name": "notes"}]),
        "/api/v1/keys": page_of([{**KEY, "id": one, "name": one} for one in ("report", "robot")]),
    }
    page = open_page(path, answers)
    within = page.locator(".kn-main" if path == "/knowledge" else ".stage")
    row = within.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    row.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row).to_be_focused()
    page.keyboard.press("?")
    here = page.get_by_role("dialog", name="Keys").get_by_role("region", name="On this page")
    here.get_by_text("Open what is selected").wait_for()


def test_rows_may_stand_closer_from_the_first_moment_on(open_page: Open) -> None:
    page = open_page("/settings?tab=appearance", {"/api/v1/tasks": page_of([TASK])})
    page.get_by_role("button", name="Compact").click()
    page.context.add_init_script(EARLY)
    page.goto(page.url.partition("/settings")[0] + "/tasks?range=all")
    row = page.locator(".vrows .vrow").first
    row.wait_for()
    assert page.evaluate("window.early") == "compact"
    height = "(node) => node.getBoundingClientRect().height"
    assert row.evaluate(height) == 28
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(f"() => ({height})(document.querySelector('.vrows .vrow')) === 96")


def test_about_leads_nowhere_that_is_not_here(open_page: Open, base: str) -> None:
    page = open_page("/settings?tab=about", {**ABOUT})
    page.get_by_text("What changed in which version").wait_for()
    links = page.locator(".content a").evaluate_all("(all) => all.map((one) => one.href)")
    assert len(links) == 8
    assert all(link.startswith(base) for link in links), links
    texts = [link for link in links if link.endswith(".txt")]
    assert len(texts) == 4
    for link in texts:
        answer = page.request.get(link)
        assert answer.ok, link
        assert len(answer.text()) > 1000, link


def test_a_changed_draft_is_left_only_after_a_question(open_page: Open) -> None:
    page = open_page("/agents", {"/api/v1/agents": page_of([AGENT])})
    page.get_by_role("link", name="New agent").click()
    page.get_by_role("link", name="Empty A name").click()
    name = page.get_by_label("Name", exact=True)
    name.fill("reader")
    page.get_by_role("link", name="Tasks", exact=True).first.click()
    question = page.get_by_role("dialog", name="Leave this draft?")
    question.get_by_role("button", name="Stay").click()
    expect(name).to_have_value("reader")
    page.go_back()
    question.get_by_role("button", name="Leave it").click()
    page.wait_for_url(re.compile("/new-agent$"))
    page.get_by_role("link", name="Empty A name").click()
    name.fill("reader")
    page.get_by_role("button", name="Discard").click()  # that it is lost is its name
    page.wait_for_url("**/agents")
