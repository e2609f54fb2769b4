"""Pages over very much, and pages that are left open: what they keep, and what stays reachable."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.feeds import attached
from tests.browser.made_up import (
    AGENT,
    COLLECTION,
    FOUND,
    LISTED,
    NOTHING,
    Answers,
    Open,
    finished_task,
)

pytestmark = pytest.mark.browser

MANY_AGENTS: Answers = {
    "/api/v1/agents": (200, {"items": [AGENT], "next": "more", "position": 1}),
    "/api/v1/tasks": (200, {"items": [], "next": None, "position": 1}),
}


def newest(number: int) -> tuple[int, object]:
    """The page that ends with this task: a hundred, and older ones behind them."""
    items = [finished_task(each) for each in range(number, number - 100, -1)]
    return 200, {"items": items, "next": "more", "position": number}


def test_of_more_agents_than_one_request_brings_each_can_be_chosen(open_page: Open) -> None:
    page = open_page("/tasks?range=all", MANY_AGENTS)
    field = page.locator("input[aria-label=Agent]")  # a list until it is known that they are many
    field.fill("cle")
    field.fill("clerk")
    page.wait_for_url("**/tasks?range=all&agent=clerk")
    field.fill("")
    page.wait_for_url("**/tasks?range=all")
    page.get_by_role("button", name="Run agent").first.click()
    chosen = page.get_by_role("dialog", name="Run agent").get_by_role("combobox", name="Agent")
    expect(chosen).to_have_value("clerk")
    chosen.fill("nobody")
    chosen.blur()
    expect(chosen).to_have_value("clerk")


def test_a_collection_s_question_can_go_to_any_of_many_agents(open_page: Open) -> None:
    page = open_page("/knowledge", {**MANY_AGENTS, "/api/v1/collections": LISTED})
    page.get_by_role("button", name="Ask about these").click()
    field = page.get_by_role("dialog").get_by_role("combobox", name="Agent")
    expect(field).to_have_value("clerk")
    field.fill("nobody")
    field.blur()
    expect(field).to_have_value("clerk")


def test_of_many_collections_each_can_be_found_for_an_agent(open_page: Open) -> None:
    many = [{**COLLECTION, "name": f"shelf-{number:03}"} for number in range(250)]

    def a_page_of_them(route: Route) -> None:
        rest = "cursor=" in route.request.url
        items, cursor = (many[200:], None) if rest else (many[:200], "more")
        route.fulfill(json={"items": items, "next": cursor})

    page = open_page("/agents", {**FOUND, "/api/v1/models": NOTHING})
    page.route("**/api/v1/collections?**", a_page_of_them)
    page.goto(page.url.replace("/agents", "/new-agent?template=blank"))
    group = page.get_by_role("group", name="Collections")
    find = group.get_by_role("searchbox", name="Find among collections")
    expect(find).to_have_attribute("placeholder", "Find among 250")
    expect(group.get_by_role("checkbox")).to_have_count(12)
    find.fill("-249")
    group.get_by_role("checkbox").check()
    find.fill("")
    expect(group.get_by_role("checkbox", name="shelf-249")).to_be_checked()
    expect(group.get_by_role("checkbox")).to_have_count(13)


def test_a_list_of_tasks_that_is_left_open_keeps_its_newest_page(open_page: Open) -> None:
    answers: Answers = {"/api/v1/tasks": newest(100)}
    page = open_page("/tasks?range=all", answers)
    feeds = attached(page)
    page.get_by_text("100 tasks shown").wait_for()
    answers["/api/v1/tasks"] = newest(400)
    for number in range(101, 401):
        feeds.publish("tasks:1", finished_task(number))
    page.get_by_role("link", name="Question 400").wait_for()
    expect(page.get_by_text("100 tasks shown, older ones below")).to_be_visible()


def test_what_waits_behind_the_pill_is_bounded_and_shown_whole(open_page: Open) -> None:
    answers: Answers = {"/api/v1/tasks": newest(100)}
    page = open_page("/tasks?range=all", answers)
    feeds = attached(page)
    page.get_by_role("link", name="Question 100").hover()  # nothing moves under the pointer
    answers["/api/v1/tasks"] = newest(450)
    for number in range(101, 451):
        feeds.publish("tasks:1", finished_task(number))
    page.get_by_role("button", name="300+ new").click()
    page.get_by_role("link", name="Question 450").wait_for()
    expect(page.get_by_text("100 tasks shown, older ones below")).to_be_visible()
