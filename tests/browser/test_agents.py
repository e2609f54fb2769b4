"""Agents in the product's pages: written, judged while one types, compared, talked with.

One product for all stories. Every page is looked at by axe in both themes.
"""

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import picture
from tests.flows.speakers import scripted, spoken

pytestmark = pytest.mark.browser


def created(api: httpx.Client, spec: dict[str, object]) -> str:
    response = api.post("/agents", json=spec)
    assert response.is_success, response.text
    return response.json()["name"]


def published(api: httpx.Client, spec: dict[str, object]) -> None:
    response = api.put(f"/agents/{spec['name']}", json=spec)
    assert response.is_success, response.text


def source(page: Page) -> str:
    return page.get_by_label(re.compile("^The spec as")).input_value()


def test_form_and_source_are_one_spec_judged_while_it_is_written(visit: Visit) -> None:
    page = visit().open("/new-agent")
    page.get_by_role("link", name="Researcher").click()
    page.get_by_label("Name", exact=True).fill("Not A Name")
    page.locator(".lab.wrong").get_by_text("Only lower case").wait_for()
    page.locator(".sl.marked", has_text="Not A Name").wait_for()
    page.get_by_label("Name", exact=True).fill("reader")
    page.get_by_text("Would be taken").wait_for()

    text = page.get_by_label("The spec as YAML")
    written = "# for the night shift\n" + source(page).replace(
        "knowledge_search", "knowledge_serch"
    )
    text.fill(written.replace("strategy: react", "strategy: react # it needs its tool"))
    problems = page.get_by_role("list", name="Problems")
    problems.get_by_text("there is no tool 'knowledge_serch'").wait_for()
    page.get_by_label("knowledge_serch").click()  # and it is gone: nobody knows it
    page.get_by_label("knowledge_search").check()
    page.get_by_label("Description", exact=True).fill("Reads")
    page.get_by_text("Would be taken").wait_for()
    begins = re.compile("^# for the night shift\nname: reader\ndescription: Reads\n")
    expect(text).to_have_value(begins)
    assert "strategy: react # it needs its tool" in source(page)


def test_a_source_that_cannot_be_read_freezes_the_form_until_it_can(visit: Visit) -> None:
    page = visit().open("/new-agent?template=blank")
    text = page.get_by_label("The spec as YAML")
    text.fill("name: reader\ntools: [clock\n")
    page.get_by_text("The source cannot be read").wait_for()
    expect(page.get_by_label("Description", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Create agent")).to_be_disabled()
    text.fill('{"name": "reader", "model": "scripted"}')
    page.get_by_label("The spec as JSON").wait_for()
    page.get_by_label("Description", exact=True).fill("Plays")
    expect(page.get_by_label("The spec as JSON")).to_have_value(
        re.compile('"description": "Plays"')
    )
    page.get_by_text("Would be taken").wait_for()
    page.get_by_role("button", name="Create agent").click()
    page.wait_for_url("**/agents/reader")
    page.get_by_role("link", name="Duplicate").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("reader-copy")


def test_who_publishes_meanwhile_is_not_overwritten_unseen(visit: Visit, api: httpx.Client) -> None:
    name = created(api, scripted("shared"))
    page = visit().open(f"/agents/{name}/edit")
    page.get_by_label("Description", exact=True).fill("mine")
    page.get_by_text("It becomes v2").wait_for()
    published(api, {**scripted(name), "description": "theirs"})

    banner = page.get_by_role("alert").filter(has_text="published v2")
    banner.wait_for()
    expect(page.get_by_role("button", name="Publish v2")).to_be_disabled()
    page.get_by_role("button", name="What differs").click()
    expect(banner.get_by_role("region", name="description changed")).to_contain_text("theirs")
    picture(page, "agent-published-meanwhile")
    page.get_by_role("button", name="Publish mine as v3").click()
    page.wait_for_url(f"**/agents/{name}")
    assert api.get(f"/agents/{name}").json()["spec"]["description"] == "mine"

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Description", exact=True).fill("mine again")
    published(api, {**scripted(name), "description": "theirs again"})
    page.get_by_role("button", name="Start again from v4").click()
    expect(page.get_by_label("Description", exact=True)).to_have_value("theirs again")
    page.get_by_text("nothing to publish").wait_for()


def test_two_versions_are_compared_by_keys(visit: Visit, api: httpx.Client) -> None:
    first = {**scripted("grown"), "instructions": "Be brief.\nCite.\n", "tools": ["clock"]}
    name = created(api, first)
    published(api, {**first, "instructions": "Be very brief.\nCite.\n", "limits": {"steps": 7}})
    published(api, {**first, "tools": ["calculator"]})
    page = visit().open(f"/agents/{name}")
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("region", name="tools changed").wait_for()

    page.keyboard.press("[")
    page.wait_for_url(re.compile("from=1&to=2"))
    words = page.get_by_role("region", name="instructions changed")
    expect(words.locator("ins mark")).to_have_text("very ")
    expect(page.get_by_role("region", name="limits.steps changed")).to_contain_text("7")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("region", name="limits.steps changed")).to_be_focused()
    page.keyboard.press("v")
    page.wait_for_url(re.compile("view=unified"))
    page.keyboard.press("x")
    page.wait_for_url(re.compile("from=2&to=1"))
    expect(words.locator("del mark")).to_have_text("very ")
    page.reload()
    expect(words.locator("del mark")).to_have_text("very ")


def test_a_conversation_goes_on_over_tasks_and_survives_a_reload(
    visit: Visit, api: httpx.Client
) -> None:
    turns = [{"text": "The first answer."}, {"text": "The second answer."}]
    name = created(api, {**scripted("talker"), "script": turns})
    page = visit(is_phone=True).open(f"/agents/{name}/chat")
    field = page.get_by_label(f"Write to {name}")
    field.fill("one?")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("The first answer.").wait_for()
    page.wait_for_url(re.compile("context="))
    field.fill("two?")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("The second answer.").wait_for()  # only with the first in its conversation
    context = page.url.partition("context=")[2]
    listed = api.get("/tasks", params={"context_id": context}).json()["items"]
    assert [row["title"] for row in listed] == ["two?", "one?"]

    page.reload()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last).to_contain_text("The second answer.")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == page.viewport_size["width"]  # type: ignore[index]  a page has one
    field.fill("three?")  # the script has two turns: this one fails and says so
    page.get_by_role("button", name="Send").click()
    page.get_by_text("The agent is not given this turn again").wait_for()
    page.get_by_role("button", name="Ask again").click()
    expect(field).to_have_value("three?")
    picture(page, "conversation-phone")
    page.locator(".turn").first.get_by_role("link", name="Task", exact=True).click()
    page.wait_for_url(f"**/tasks/{listed[-1]['id']}")


def test_the_end_of_an_answer_is_told_away_from_its_conversation_and_leads_back(
    visit: Visit, api: httpx.Client
) -> None:
    name = created(api, scripted("absent", spoken(30, seconds=3.0)))
    page = visit().open(f"/agents/{name}/chat")
    field = page.get_by_label(f"Write to {name}")
    field.fill("Is it slow?")
    field.press("Enter")
    page.wait_for_url(re.compile("context="))
    talk = page.url
    page.get_by_role("link", name="Agents").first.click()
    page.get_by_label("Search agents").wait_for()
    told = page.get_by_role("status", name="Notices").get_by_role("link", name="Is it slow?")
    told.click()
    page.wait_for_url(talk)
    page.locator(".turn .md").wait_for()
    expect(told).to_have_count(0)
    field.fill("And again?")
    field.press("Enter")
    expect(page.locator(".turn-foot")).to_have_count(2)
    page.get_by_role("button", name="Send").wait_for(timeout=15_000)  # it has ended under her eyes
    page.get_by_role("link", name="New conversation").click()
    earlier = page.get_by_role("complementary", name="Earlier conversations")
    expect(earlier.get_by_role("link", name="Is it slow?")).to_contain_text("2 turns")
    expect(page.get_by_role("status", name="Notices").get_by_role("link")).to_have_count(0)


def test_an_answer_is_stopped_from_the_conversation(visit: Visit, api: httpx.Client) -> None:
    name = created(api, scripted("endless", spoken(600, seconds=60.0)))
    page = visit().open(f"/agents/{name}/chat")
    field = page.get_by_label(f"Write to {name}")
    field.fill("speak")
    field.press("Enter")
    page.locator(".turn .md").wait_for()
    field.fill("already written on")
    page.get_by_role("button", name="Stop the answer").click()
    page.get_by_text("Canceled by owner").wait_for()
    page.get_by_role("button", name="Send").wait_for()
    expect(field).to_have_value("already written on")


@pytest.mark.parametrize("is_dark", [True, False], ids=["dark", "light"])
def test_the_pages_of_agents_have_no_barrier(
    visit: Visit, api: httpx.Client, *, is_dark: bool
) -> None:
    name = created(api, {**scripted(f"plain-{is_dark}".lower()), "instructions": "a\nb\nc\n"})
    published(api, {**scripted(name), "instructions": "a\nB\nc\n", "tools": ["clock"]})
    api.post("/tasks", json={"agent": name, "input": "hello", "context_id": f"talk-{is_dark}"})
    page = visit(is_dark=is_dark).open("/new-agent")
    page.get_by_text("Where should it start?").wait_for()
    assert_no_barrier(page)
    for path, seen in (
        ("/new-agent?template=analyst", ".problems"),
        (f"/agents/{name}", ".vers"),
        (f"/agents/{name}/edit", ".editor-foot .meta"),
        (f"/agents/{name}/versions", ".textdiff"),
        (f"/agents/{name}/chat?context=talk-{is_dark}", ".turn-foot"),
    ):
        page.goto(page.url.partition("/new-agent")[0].partition("/agents")[0] + path)
        page.locator(seen).first.wait_for()
        assert_no_barrier(page)


def assert_no_barrier(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    said = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
    assert said == [], page.url
