"""What somebody with the role of a viewer sees: everything, and no button the hub would refuse.

With answers made up here; that the hub refuses her stands in `tests/store/operations/`.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from store.access import LEAST_ROLE, Operation
from tests.browser.made_up import (
    AGENT,
    COLLECTION,
    DOCUMENT,
    DOCUMENTS,
    FOUND,
    LISTED,
    NOTHING,
    SITE,
    Answers,
    Open,
)
from tests.browser.manuals import somebody

pytestmark = pytest.mark.browser

SPEC = {"name": "clerk", "model": "extractive", "strategy": "react", "description": "Checks"}
VERSION = {
    "number": 3,
    "published_by": "user:ada",
    "published_at": "2026-11-22T10:00:00Z",
    "spec_hash": "0123456789abcdef",
}
WHOLE = {**AGENT, **VERSION, "latest": 3, "spec": SPEC}
TEAM_OF_CLERK: Answers = {
    **FOUND,
    "/api/v1/agents/clerk": (200, WHOLE),
    "/api/v1/agents/clerk/versions": (200, {"items": [VERSION]}),
    "/api/v1/conversations": (200, {"items": [], "next": None, "position": 1}),
    "/api/v1/collections": LISTED,
    DOCUMENTS: (200, {"items": [DOCUMENT], "next": None, "position": 1}),
    "/api/v1/models": (
        200,
        {"items": [{"name": "scripted", "is_configured": True, "variable": None}]},
    ),
}
CHANGES = re.compile(
    "Run agent|New agent|Edit|Duplicate|Retire|Add documents|New collection|Delete|Retry|Ask about"
    "|Ask$|Create|Send|Make an agent|Cancel task|Disconnect"
)


def _somebody(open_page: Open, role: str, path: str) -> Page:
    return open_page(path, {**TEAM_OF_CLERK, "/api/v1/me": somebody(role)})


def test_the_roles_of_the_pages_are_those_of_the_hub() -> None:
    said = "".join(
        script.read_text()
        for script in (SITE / "assets").glob("*.js")
        if "Only owners" in script.read_text()
    )
    operators = (Operation.TASKS_SUBMIT, Operation.TASKS_CANCEL, Operation.AGENTS_EDIT)
    operators += (Operation.KNOWLEDGE_EDIT, Operation.SYSTEM_READ, Operation.MODELS_TRY)
    assert {LEAST_ROLE[one].value for one in operators} == {"operator"}
    assert LEAST_ROLE[Operation.KEYS_MANAGE].value == "owner"
    needs = re.search(
        r"ask:[`\"'](\w+)[`\"'],edit:[`\"'](\w+)[`\"'],system:[`\"'](\w+)[`\"'],keys:[`\"'](\w+)",
        said,
    )
    assert needs is not None
    assert needs.groups() == ("operator", "operator", "operator", "owner")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/agents", "clerk"),
        ("/agents/clerk", "Versions"),
        ("/agents/clerk/chat", "your role is viewer"),
        ("/agents/clerk/edit", "your role is viewer"),
        ("/new-agent", "your role is viewer"),
        ("/knowledge", "manuals"),
        ("/knowledge?c=manuals", "pumps.md"),
        ("/hub", "your role is viewer"),
        ("/system", "your role is viewer"),
        ("/settings?tab=keys", "your role is viewer"),
        ("/settings?tab=about", "What changed in which version"),
    ],
)
def test_a_viewer_sees_no_button_she_may_not_use_and_is_told_why(
    open_page: Open, path: str, seen: str
) -> None:
    page = _somebody(open_page, "viewer", path)
    page.locator("main").get_by_text(seen).first.wait_for()
    for role in ("button", "link"):
        names = page.get_by_role(role, name=CHANGES)
        enabled = [one.inner_text() for one in names.all() if one.is_enabled()]
        assert enabled == [], path
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_operator_sees_them(open_page: Open) -> None:
    page = _somebody(open_page, "operator", "/knowledge?c=manuals")
    page.get_by_role("button", name="Retry pumps.md").wait_for()
    page.get_by_role("button", name="Add documents").wait_for()
    page.get_by_role("link", name="Agents").click()
    page.get_by_role("link", name="New agent").wait_for()
    page.get_by_role("link", name="Settings").first.click()
    page.get_by_role("tab", name="API keys").click()
    page.get_by_text("API keys are for owners").wait_for()


def test_the_palette_offers_a_viewer_only_what_she_may_do(open_page: Open) -> None:
    page = _somebody(open_page, "viewer", "/agents")
    page.get_by_text("· viewer").wait_for()
    page.keyboard.press("Control+k")
    page.get_by_role("option", name="Copy the link").wait_for()
    page.keyboard.type("why")
    page.get_by_role("option", name="Search the documents for").wait_for()
    for name in ("Run an agent", "Make an agent", "Ask an agent", "Run clerk"):
        expect(page.get_by_role("option", name=name)).to_have_count(0)


def test_an_empty_collection_tells_a_viewer_who_fills_it(open_page: Open) -> None:
    answers: Answers = {
        "/api/v1/me": somebody("viewer"),
        "/api/v1/collections": (200, {"items": [COLLECTION], "next": None}),
        DOCUMENTS: NOTHING,
    }
    page = open_page("/knowledge?c=manuals", answers)
    page.get_by_text("manuals is empty").wait_for()
    page.get_by_text("Only operators and owners change agents and documents").wait_for()
