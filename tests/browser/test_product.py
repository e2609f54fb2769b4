"""The real product in Chromium, as a person has it: her link, her question, and what she sees.

One product for all stories, with short leases; parts of it are killed here. Pictures of what was
seen lie in `test-results/`.
"""

from collections.abc import Generator, Mapping

import httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import Visit, with_pages
from tests.browser.visitor import answer, folded, frames, picture, visitor, wait_for_words
from tests.flows.product import SHORT_LEASES, UNSEEDED, Product
from tests.flows.speakers import scripted, spoken, words

pytestmark = pytest.mark.browser

WORDS = 150
# Whether the page says that it reconnects, if only for a moment: the hub may be back before a test
# on a busy machine looks.
SEE_IT_RECONNECT = """() => {
  const light = document.querySelector(".light-badge");
  globalThis.reconnects = new Promise((resolve) => {
    const look = () => light.classList.contains("reconnecting") && resolve(true);
    new MutationObserver(look).observe(light, { attributes: true, attributeFilter: ["class"] });
    setTimeout(() => resolve(false), 15_000);
  });
}"""
CUT = [
    "WebSocket connection to",
    "fetching the script",
    "Failed to load resource: net::ERR_",
    "status of 503",
]
HOSTILE = """Before <script>window.broken = 1</script>

<img src="https://elsewhere.invalid/a.png" onerror="window.broken = 2">

![picture](https://elsewhere.invalid/b.png) and [link](javascript:window.broken=3)

<iframe src="https://elsewhere.invalid/"></iframe> [data](data:text/html,<script>1</script>)

<style>body { background: url(https://elsewhere.invalid/c.png) }</style> after"""


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    with with_pages({**SHORT_LEASES, **UNSEEDED}) as product:
        yield product


@pytest.fixture(scope="module")
def api(api: httpx.Client) -> httpx.Client:
    """`echo` repeats, `slow` speaks for 8 s, `slower` for 15 s, `endless` for a minute."""
    slow, slower = spoken(WORDS, seconds=8.0), spoken(WORDS, seconds=15.0)
    for spec in (
        scripted("echo"),
        scripted("slow", slow),
        scripted("slower", slower),
        scripted("endless", spoken(600, seconds=60.0)),
    ):
        assert api.post("/agents", json=spec).is_success
    return api


@pytest.fixture(scope="module")
def session(product: Product, browser: Browser) -> StorageState:
    """What the browser keeps of a login by the link of the first start."""
    somebody = visitor(browser, product.url)
    page = somebody.context.new_page()
    page.goto(product.link())
    page.wait_for_url(f"{product.url}/")
    page.get_by_role("navigation", name="Main", exact=True).get_by_text("Tasks").wait_for()
    page.locator(".light-badge.live").wait_for()
    page.get_by_role("region", name="Ask an agent").wait_for()
    picture(page, "first-start")
    kept = somebody.context.storage_state()
    somebody.leave()
    return kept


def submitted(api: httpx.Client, agent: str, text: str = "speak") -> str:
    response = api.post("/tasks", json={"agent": agent, "input": text})
    assert response.is_success, response.text
    return response.json()["id"]


def ended(page: Page, state: str = "completed", *, seconds: float = 15) -> None:
    """Until the head of the task says so."""
    page.locator(f".taskhead .s-{state}").wait_for(timeout=seconds * 1000)


def assert_it_only_grew(page: Page) -> None:
    """Each look of the answer was a beginning of all the words, none shorter than before."""
    seen = frames(page)
    assert all(words(WORDS).startswith(look) for look in seen)
    assert seen == sorted(seen, key=len)


def test_who_reloads_or_joins_late_sees_the_same(visit: Visit, api: httpx.Client) -> None:
    late = visit().open("/tasks")  # somebody else, who is elsewhere
    task = submitted(api, "slower")
    page = visit().open(f"/tasks/{task}")
    wait_for_words(page, 20)
    before = answer(page)
    page.reload(wait_until="commit")
    late.locator(f'a[href="/tasks/{task}"]').click()
    for one in (page, late):
        ended(one, seconds=30)
        assert len(frames(one)[0]) >= len(before), "what was there is shown at once"
        assert len(frames(one)) > 1, "and the rest was followed live"
        assert_it_only_grew(one)
        assert answer(one) == words(WORDS) == folded(api, task).answer


def test_a_killed_hub_costs_the_page_nothing(
    product: Product, visit: Visit, api: httpx.Client
) -> None:
    task = submitted(api, "slow")
    somebody = visit()
    somebody.expected += CUT
    page = somebody.open(f"/tasks/{task}")
    wait_for_words(page, 20)
    page.evaluate(SEE_IT_RECONNECT)
    product.kill_part("hub")
    assert page.evaluate("() => reconnects")
    picture(page, "task-reconnecting")
    page.locator(".light-badge.live").wait_for(timeout=45_000)
    ended(page)
    assert_it_only_grew(page)
    assert answer(page) == words(WORDS) == folded(api, task).answer


def test_text_of_a_killed_worker_disappears_and_is_told(
    product: Product, visit: Visit, api: httpx.Client
) -> None:
    task = submitted(api, "slow")
    page = visit().open(f"/tasks/{task}")
    wait_for_words(page, 20)
    product.kill_part("worker")
    page.get_by_text("Attempt 1 died").wait_for(timeout=45_000)
    picture(page, "task-attempt-2")
    ended(page, seconds=30)
    seen = frames(page)
    shrunk = [n for n in range(1, len(seen)) if len(seen[n]) < len(seen[n - 1])]
    assert len(shrunk) == 1, "the text of the first attempt went away once"
    assert all(words(WORDS).startswith(look) for look in seen)
    assert answer(page) == words(WORDS) == folded(api, task).answer
    assert [one.outcome for one in folded(api, task).attempts] == ["died", "completed"]
    expect(page.locator(".taskhead .gauge", has_text="Attempt")).to_contain_text("2")


def test_a_task_is_canceled_from_the_page(visit: Visit, api: httpx.Client) -> None:
    task = submitted(api, "endless")
    page = visit().open(f"/tasks/{task}")
    wait_for_words(page, 3)
    page.get_by_role("button", name="Cancel task").click()
    dialog = page.get_by_role("dialog", name="Cancel this task?")
    picture(page, "task-cancel")
    dialog.get_by_role("button", name="Cancel task").click()
    ended(page, "canceled", seconds=5)
    page.get_by_text("What was written before stays").wait_for()
    assert answer(page), "it stays"
    assert folded(api, task).state == "canceled"
    picture(page, "task-canceled")


def test_the_list_is_live_and_its_filters_stand_in_the_address(
    visit: Visit, api: httpx.Client
) -> None:
    for number in range(40):
        submitted(api, "echo", f"Question {number}")
    page = visit().open("/tasks")
    page.get_by_role("link", name="Question 39").wait_for()
    submitted(api, "echo", "Came while it was open")
    row = page.locator(".vrow", has_text="Came while it was open")
    row.locator(".s-completed").first.wait_for()
    picture(page, "tasks-light")
    page.get_by_role("button", name="Canceled").click()
    page.wait_for_url("**/tasks?state=canceled")
    expect(page.locator(".vrows .vrow")).to_have_count(1)
    page.go_back()
    page.wait_for_url("**/tasks")
    row.wait_for()

    page.locator(".vscroll").evaluate("(node) => { node.scrollTop = 400; }")
    top = page.locator(".vscroll").evaluate("(node) => node.scrollTop")
    submitted(api, "echo", "Waits behind the pill")
    pill = page.get_by_role("button", name="1 new")
    pill.wait_for()
    assert page.locator(".vscroll").evaluate("(node) => node.scrollTop") == top
    picture(page, "tasks-pill")
    pill.click()
    page.get_by_role("link", name="Waits behind the pill").wait_for()


def test_an_agent_is_corrected_created_and_published_again(visit: Visit) -> None:
    page = visit().open("/agents")
    page.get_by_role("link", name="New agent").click()
    page.get_by_role("link", name="Empty").click()
    page.get_by_label("Name", exact=True).fill("Not A Name")
    page.get_by_label("Model", exact=True).fill("scripted")
    page.locator(".lab.wrong", has_text="Name").get_by_text("Only lower case letters").wait_for()
    picture(page, "agent-form-wrong")
    page.get_by_label("Name", exact=True).fill("clerk")
    page.get_by_text("Would be taken").wait_for()
    page.get_by_role("button", name="Create agent").click()
    page.wait_for_url("**/agents/clerk")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Description", exact=True).fill("Files what comes in")
    page.get_by_text("It becomes v2").wait_for()
    page.get_by_role("button", name="Publish v2").click()
    versions = page.get_by_role("region", name="Versions").get_by_role("listitem")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("latest")
    page.get_by_role("region", name="Spec").get_by_text("Files what comes in").wait_for()
    picture(page, "agent")


def test_a_hostile_answer_runs_nothing_and_fetches_nothing(visit: Visit, api: httpx.Client) -> None:
    page = visit().open(f"/tasks/{submitted(api, 'echo', HOSTILE)}")
    ended(page)
    assert "after" in answer(page)
    assert page.locator(".md").get_by_text("<script>window.broken = 1</script>").count() == 1
    assert page.locator(".md :is(img, script, iframe, style, object, embed)").count() == 0
    links = page.locator(".md a").evaluate_all("(all) => all.map((one) => one.href)")
    assert all(link.startswith("https://") for link in links)
    page.get_by_text("link", exact=True).click()
    assert page.evaluate("window.broken") is None
    picture(page, "task-hostile")


def test_a_phone_shows_one_part_at_a_time_and_never_scrolls_sideways(
    visit: Visit, api: httpx.Client
) -> None:
    task = submitted(api, "slow", "Does it fit on a phone, even when the title is rather long?")
    page = visit(is_phone=True).open(f"/tasks/{task}")
    wait_for_words(page, 10)
    picture(page, "phone-task-answer")
    parts = page.get_by_role("group", name="Part of the task")
    for part in ("Steps", "Raw events", "Answer"):
        parts.get_by_role("button", name=part).click()
        assert_it_fits(page)
        picture(page, f"phone-task-{part.split()[-1].lower()}")
    ended(page)
    page.goto(f"{page.url.partition('?')[0]}?view=events")
    page.locator(".event .type").first.wait_for()
    bar = page.get_by_role("navigation", name="Main, on a phone")
    for place in ("Tasks", "Agents", "Overview"):
        bar.get_by_role("link", name=place).click()
        expect(bar.get_by_role("link", name=place)).to_have_attribute("aria-current", "page")
        page.locator(".stage > :is(.page, .content)").first.wait_for()
        expect(page.locator(".stage .sk:visible")).to_have_count(0)
        assert_it_fits(page)
        picture(page, f"phone-{place.lower()}")


def assert_it_fits(page: Page) -> None:
    wide: Mapping[str, int] = page.evaluate(
        "({page: document.documentElement.scrollWidth, window: innerWidth})"
    )
    assert wide["page"] <= wide["window"] == 390


def test_who_is_logged_out_comes_back_to_where_she_was(
    product: Product, visit: Visit, api: httpx.Client
) -> None:
    task = submitted(api, "echo", "Where she was")
    somebody = visit(session=None)
    somebody.expected.append("status of 401")
    page = somebody.open(f"/tasks/{task}?view=events")
    page.wait_for_url("**/login?next=**")
    page.get_by_text("pygent login-link").wait_for()
    picture(page, "login")
    page.goto(product.run("login-link").out.strip())
    page.wait_for_url(f"**/tasks/{task}?view=events")
    page.get_by_role("heading", name="Where she was").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
