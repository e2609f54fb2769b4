"""What changes under somebody's eyes on the page of knowledge, and tables within documents."""

import pytest
from playwright.sync_api import expect

from tests.browser.feeds import attached
from tests.browser.made_up import DOCUMENTS, LISTED, Answers, Open
from tests.browser.manuals import documents, page_of, somebody

pytestmark = pytest.mark.browser

TABLES = r"""Before.

| Name | Value |
|---|--:|
| <b>pump</b> | 12 |
| `hose` \| pipe | 3.5 |

city;people;area
London;8900000;1572
Paris;2100000;105

First, a sentence, with commas.
Then, another one, like it.
And, at last, a third."""


@pytest.fixture
def pages(open_page: Open) -> Open:
    """Opens a path of a team with one collection."""
    said = {"/api/v1/me": somebody(), "/api/v1/collections": LISTED}
    return lambda path, answers: open_page(path, {**said, **answers})


def test_what_comes_while_the_list_is_scrolled_waits_behind_a_pill(pages: Open) -> None:
    [newest, *rows] = documents(41)
    feeds = attached(pages("/knowledge?c=manuals", {DOCUMENTS: page_of(rows)}))
    page = feeds.page
    page.get_by_role("button", name="manual 40", exact=True).wait_for()
    page.evaluate("document.querySelector('.vscroll').scrollTop = 600")
    page.get_by_role("button", name="manual 25", exact=True).wait_for()
    feeds.publish("knowledge:1", {"collection": "manuals", "document": newest})
    pill = page.get_by_role("button", name="1 new")
    pill.wait_for()
    assert page.evaluate("document.querySelector('.vscroll').scrollTop") == 600
    pill.click()
    page.get_by_role("button", name="manual 41", exact=True).wait_for()
    expect(pill).to_have_count(0)
    feeds.publish("knowledge:1", {"collection": "manuals", "removed": newest["id"]})
    expect(page.get_by_role("button", name="manual 41", exact=True)).to_have_count(0)


def test_a_filter_takes_what_comes_to_fit_and_lets_go_of_what_no_longer_does(pages: Open) -> None:
    failed = documents(3, state="failed", reason="it holds no text")
    answers: Answers = {DOCUMENTS: page_of(failed[:1])}
    feeds = attached(pages("/knowledge?c=manuals&state=failed", answers))
    page = feeds.page
    page.get_by_role("button", name="manual 3", exact=True).wait_for()
    feeds.publish("knowledge:1", {"collection": "manuals", "document": failed[2]})
    page.get_by_role("button", name="manual 1", exact=True).wait_for()  # older, and failed now
    again = {**failed[0], "state": "queued", "stage": "queued", "version": 2}
    feeds.publish("knowledge:1", {"collection": "manuals", "document": again})
    expect(page.get_by_role("button", name="manual 3", exact=True)).to_have_count(0)


def test_a_search_says_that_documents_have_changed_since(pages: Open) -> None:
    answer = {"passages": [], "embedder": "minilm", "seconds": 0.01}
    feeds = attached(pages("/knowledge?q=pumps", {"/api/v1/search": (200, answer)}))
    feeds.page.get_by_text("No passage was found").wait_for()
    [document] = documents(1)
    feeds.publish("knowledge:1", {"collection": "manuals", "document": document})
    pill = feeds.page.get_by_role("button", name="1 document changed, search again")
    pill.click()
    expect(pill).to_have_count(0)


def test_tables_of_a_document_are_drawn_and_never_as_html(pages: Open) -> None:
    chunk = {"id": "c1", "ordinal": 0, "location": "Parts", "text": TABLES}
    [document] = documents(1)
    at = f"{DOCUMENTS}/{document['id']}"
    answers: Answers = {
        DOCUMENTS: page_of([document]),
        at: (200, document),
        f"{at}/chunks": page_of([chunk]),
    }
    page = pages(f"/knowledge?c=manuals&d=manuals/{document['id']}", answers)
    passage = page.locator(".kn-chunk")
    expect(passage.get_by_role("table")).to_have_count(2)
    first, second = passage.get_by_role("table").all()
    assert first.get_by_role("columnheader").all_inner_texts() == ["Name", "Value"]
    assert first.get_by_role("cell").first.inner_text() == "<b>pump</b>"
    expect(first.locator("td.right").first).to_have_text("12")
    expect(second.get_by_role("row").nth(2)).to_contain_text("Paris")
    expect(passage).to_contain_text("Then, another one, like it.")
