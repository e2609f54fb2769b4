"""The built pages in Chromium, with answers made up here: the faces no running product shows.

What needs the product is tested with the product, elsewhere.
"""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import expect

from protocols import events, steps
from protocols.event_encoding import join, split
from protocols.messages import Citation, user_message
from protocols.task_fold import fold
from tests.browser.made_up import Answers, Open, finished_task

pytestmark = pytest.mark.browser
TASK = "0199c3f2-0000-7000-8000-000000000001"
THIRTY_FRAMES = """() => new Promise((done) => {
  let left = 30;
  (function next() { left-- ? requestAnimationFrame(next) : done(); })();
})"""


def test_a_list_that_cannot_be_read_says_what_failed_and_is_read_on_retry(
    open_page: Open,
) -> None:
    detail = "the store did not answer within 5 s"
    answers: Answers = {"/api/v1/tasks": (503, {"detail": detail, "code": "unavailable"})}
    page = open_page("/tasks", answers)
    page.get_by_role("alert").get_by_text(detail).wait_for()
    answers["/api/v1/tasks"] = (200, {"items": [finished_task(1)], "next": None, "position": 1})
    page.get_by_role("button", name="Retry now").click()
    page.get_by_role("link", name="Question 1").wait_for()


def test_an_empty_list_teaches_and_an_empty_filter_offers_everything(
    open_page: Open,
) -> None:
    answers: Answers = {"/api/v1/tasks": (200, {"items": [], "next": None, "position": 1})}
    page = open_page("/tasks", answers)
    page.get_by_text("pygent run guide").wait_for()
    page.get_by_role("button", name="Failed").click()
    page.get_by_role("button", name="Show all tasks").click()
    assert "range=all" in page.url


def test_rows_are_virtual_move_with_keys_and_back_returns_to_the_place(
    open_page: Open,
) -> None:
    rows = [finished_task(number) for number in range(3000, 0, -1)]
    page = open_page("/tasks?range=all", {"/api/v1/tasks": (200, {"items": rows, "next": None})})
    page.get_by_role("link", name="Question 3000").wait_for()
    assert page.locator(".vrows .vrow").count() < 100
    for _ in range(60):
        page.keyboard.press("j")
    page.locator(".vrow.selected a:focus", has_text="Question 2941").wait_for()
    before = page.evaluate("document.querySelector('.vscroll').scrollTop")
    assert before > 60 * 36 - 800, "the selected row is in sight"
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*2941")
    page.get_by_text("There is no such task").wait_for()
    page.go_back()
    page.get_by_role("link", name="Question 2941").wait_for()
    assert page.evaluate("document.querySelector('.vscroll').scrollTop") == before


def test_filters_stand_in_the_address(open_page: Open) -> None:
    page = open_page(
        "/tasks", {"/api/v1/tasks": (200, {"items": [finished_task(1)], "next": None})}
    )
    page.get_by_role("button", name="Completed").click()
    page.keyboard.press("/")
    page.keyboard.type("question")
    page.wait_for_url("**state=completed**q=question**")
    page.go_back()
    page.wait_for_url("**/tasks")


def test_choices_that_come_before_the_page_is_drawn_again_add_up(open_page: Open) -> None:
    page = open_page(
        "/tasks", {"/api/v1/tasks": (200, {"items": [finished_task(1)], "next": None})}
    )
    page.get_by_role("button", name="Completed").wait_for()
    page.evaluate(
        """() => {
            const named = (button) => button.textContent.includes("Completed");
            [...document.querySelectorAll("button")].find(named).click();
            const field = document.querySelector(".seekfield input");
            const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
            set.call(field, "question");
            field.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    page.wait_for_url("**state=completed**q=question**")


def test_what_the_api_refuses_stands_beside_its_field(
    open_page: Open,
) -> None:
    problem = {"field": "limits.steps", "rule": "Input should be less than or equal to 1000"}
    said = {"problems": [{**problem, "value": "2000"}], "number": None, "is_unchanged": False}
    answers: Answers = {
        "/api/v1/models": (200, {"items": []}),
        "/api/v1/collections": (200, {"items": [], "next": None, "position": 1}),
        "/api/v1/agents/validate": (200, said),
    }
    page = open_page("/new-agent?template=blank", answers)
    page.locator(".lab.wrong", has_text="Steps").get_by_text("less than or equal").wait_for()
    page.get_by_role("button", name="limits.steps").click()
    expect(page.get_by_label("Steps", exact=True)).to_be_focused()


def test_the_theme_follows_the_system_until_it_is_chosen(
    open_page: Open,
) -> None:
    page = open_page("/agents", {})
    assert page.evaluate("document.documentElement.classList.contains('light')")
    page.get_by_role("button", name="Switch to the dark theme").click()
    page.locator("html.dark").wait_for()
    page.reload()
    page.locator("html.dark").wait_for()


def test_the_login_page_says_where_a_link_comes_from(
    open_page: Open,
) -> None:
    page = open_page("/login", {"/auth/session": (200, {"is_logged_in": False})})
    page.get_by_text("pygent login-link").wait_for()
    assert page.title() == "Log in · PyGent Factory"


@pytest.mark.parametrize(
    "there",
    ["//a.example", "/%09/a.example", "/%0a/a.example", "/%5ca.example", "https://a.example"],
)
def test_the_login_page_leads_nowhere_else(open_page: Open, there: str) -> None:
    page = open_page(f"/login?next={there}", {})
    page.wait_for_url(lambda url: urlsplit(url).path == "/")


def test_the_login_page_leads_back(open_page: Open) -> None:
    page = open_page("/login?next=/agents%3Ftext%3Dx", {})
    page.wait_for_url("**/agents?text=x")


def test_an_answer_is_markdown_without_html_and_its_numbers_open_their_passages(
    open_page: Open,
) -> None:
    said = (
        "## Found\n\n**Bold** and `code` [1], <img src=x onerror=alert(1)>\n\n"
        "[bad](javascript:alert(1)) [good](https://example.org/)\n\n"
        "| a | b |\n|---|--:|\n| x | 1 |\n\n```py\nprint(1)\n```\n"
    )
    page = open_page(f"/tasks/{TASK}", {f"/api/v1/tasks/{TASK}": (200, _answered(said))})
    page.locator(".md strong", has_text="Bold").wait_for()
    assert page.locator(".md img").count() == 0
    assert page.get_by_text("<img src=x onerror=alert(1)>").count() == 1
    assert page.locator(".md a").count() == 1
    assert page.locator(".md table td.right").inner_text() == "1"
    page.locator(".md .cite").click()
    page.get_by_role("dialog").get_by_text("the passage itself").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_a_long_answer_is_followed_until_the_reader_scrolls_up(
    open_page: Open,
) -> None:
    said = "\n\n".join(f"Paragraph {n}. " + "So it goes on. " * 30 for n in range(1500))
    task = f"/api/v1/tasks/{TASK}"
    page = open_page(f"/tasks/{TASK}", {task: (200, _answered(said, is_finished=False))})
    scroll = page.locator(".talk .scroll")
    below = "(node) => node.scrollHeight - node.clientHeight - node.scrollTop"
    page.locator(".md").get_by_text("Paragraph 1499.").wait_for()
    page.evaluate(THIRTY_FRAMES)  # parts of the text are drawn, and have other heights than guessed
    assert scroll.evaluate(below) < 8
    scroll.hover()
    for _ in range(10):
        page.mouse.wheel(0, -20)  # as a hand on a touchpad does it
    page.get_by_role("button", name="Follow").wait_for()
    assert scroll.evaluate(below) > 50
    page.get_by_role("button", name="Follow").click()
    page.get_by_role("button", name="Follow").wait_for(state="detached")
    assert scroll.evaluate(below) < 8


def _answered(text: str, *, is_finished: bool = True) -> dict[str, object]:
    """A task as REST answers it: completed, or in the middle of its answer."""
    cited = Citation(
        n=1, collection="docs", document="d", title="Title", chunk="c", quote="the passage itself"
    )
    facts = [
        events.TaskSubmitted("a", "guide", 1, "extractive", "Why?", (user_message("Why?"),)),
        events.AttemptStarted("w1"),
        events.StepStarted(step="1.1", kind=steps.StepKind.MODEL, name="extractive"),
        events.MessageStarted(message="1.1", step="1.1"),
        events.MessageDelta(message="1.1", text=text),
        events.MessageFinished(message="1.1", text=text, citations=(cited,)),
        events.StepFinished(step="1.1", usage=steps.Usage(input=9, output=3)),
        events.TaskCompleted(message="1.1", text=text),
    ]
    history = [
        events.Event(
            type=fact.TYPE,
            version=version,
            time=datetime(2026, 11, 22, 12, 0, version, tzinfo=UTC),
            actor="user:ada",
            attempt=1,
            data=msgspec.Raw(join(*split(fact))),
        )
        for version, fact in enumerate(facts if is_finished else facts[:5], start=1)
    ]
    return {**json.loads(msgspec.json.encode(fold(TASK, history))), "epoch": "e"}
