"""The frame of the pages: the palette, the keys, the light of the connection, notices.

With answers made up here; what needs the product stands in `test_every_page.py`.
"""

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.browser.made_up import FOUND, LINK, ME, Answers, Open

pytestmark = pytest.mark.browser

FIELD = "Search or run a command"


def test_the_palette_finds_everything_and_goes_there_with_the_keys_alone(open_page: Open) -> None:
    page = open_page("/agents", FOUND)
    page.get_by_role("link", name="clerk").first.wait_for()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name=FIELD)
    expect(field).to_be_focused()
    page.keyboard.type("clerk")
    for group in ("Actions", "Agents", "Tasks", "Collections"):
        page.get_by_role("group", name=group).wait_for()
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_contain_text("Run clerk")
    page.keyboard.press("ArrowUp")  # from the first to the last
    expect(chosen).to_contain_text("clerks")
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    page.wait_for_url("**/knowledge?c=clerks")
    page.get_by_label("Search clerks").wait_for()
    page.get_by_role("link", name="Agents").click()
    page.get_by_label("Search agents").wait_for()
    page.get_by_role("button", name=FIELD).click()
    expect(page.get_by_role("group", name="Recent")).to_contain_text("clerks")


def test_the_palette_runs_an_agent_and_knows_a_task_by_its_link(open_page: Open) -> None:
    page = open_page("/agents", FOUND)
    page.get_by_role("button", name=FIELD).click()
    page.keyboard.type("@clerk")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Control+a")
    page.keyboard.type("clerk")
    page.get_by_role("option", name="Run clerk").click()
    dialog = page.get_by_role("dialog", name="Run agent")
    expect(dialog.get_by_label("Agent")).to_have_value("clerk")
    expect(dialog.get_by_label("What should it do?")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(f"#https://factory.example/tasks/{LINK}?step=1")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Pay the clerk")


def test_what_the_palette_cannot_ask_it_says_and_asks_again(open_page: Open) -> None:
    answers: Answers = {**FOUND, "/api/v1/tasks": (503, {"detail": "the store is away"})}
    page = open_page("/agents", answers)
    page.get_by_role("button", name=FIELD).click()
    page.keyboard.type("theme")
    page.get_by_role("option", name="Switch to the dark theme").wait_for()  # needs nobody
    page.get_by_role("alert").get_by_text("the store is away").wait_for()
    answers.update(FOUND)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("option", name="Pay the clerk").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=FIELD)).to_be_focused()


def test_the_list_of_keys_is_of_those_that_work_on_the_page(open_page: Open) -> None:
    page = open_page("/settings?tab=appearance", {})
    page.get_by_text("for the list").wait_for()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    keys.get_by_text("Run an agent").wait_for()
    assert keys.get_by_text("Search in this list").count() == 0
    page.keyboard.press("Escape")
    keys.wait_for(state="detached")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/agents")
    page.get_by_label("Search agents").wait_for()
    page.keyboard.press("?")
    keys.get_by_text("Search in this list").wait_for()


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (3504, "connection limit", "Too many connections"),
        (3507, "permission denied", "Not allowed"),
        (3508, "not available", "Refused"),
    ],
)
def test_who_is_sent_away_for_good_reads_why_and_may_try_again(
    base: str, browser: Browser, code: int, reason: str, said: str
) -> None:
    opened: list[WebSocketRoute] = []

    def turn_away(socket: WebSocketRoute) -> None:
        opened.append(socket)
        socket.on_message(lambda _: socket.close(code=code, reason=reason))

    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.route("**/api/v1/me", lambda route: route.fulfill(json=ME))
    page.route("**/api/v1/settings*", lambda route: route.fulfill(json={}))
    page.route_web_socket("**/connection/websocket", turn_away)
    page.goto(f"{base}/settings?tab=appearance")
    light = page.locator(".light-badge.refused")
    light.get_by_text(said).wait_for()
    why = light.get_attribute("title")
    assert why is not None
    assert f"({code} {reason})" in why
    assert "Next try in" in why
    before = len(opened)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("() => !document.querySelector('.light-badge.live')")
    page.get_by_role("button", name="Try again").wait_for()
    assert len(opened) > before
    context.close()
