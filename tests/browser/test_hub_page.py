"""The Hub page in Chromium on the real product: who is there, found, looked at and disconnected."""

import json
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import Visit, with_pages
from tests.browser.made_up import Answers, Open
from tests.browser.manuals import somebody
from tests.browser.visitor import picture
from tests.flows.product import UNSEEDED, Product

pytestmark = pytest.mark.browser

NAMESPACES = json.dumps([{"name": "news", "history_size": 9, "history_seconds": 60}])
PROCESS = {
    "id": "hub-1",
    "name": "here:1",
    "version": "1",
    "started_at": "2026-11-22T10:00:00Z",
    "seen_at": "2026-11-22T11:00:00Z",
    "is_draining": False,
    "connections": 0,
    "subscriptions": 0,
    "channels": 0,
    "deliveries": 0,
    "p99_seconds": None,
    "cpu": 0.01,
    "memory_bytes": 1,
}
NOW = {
    "hub": "hub-1",
    "time": "2026-11-22T11:00:00Z",
    "silent": ["there:2"],
    "is_whole": False,
    "processes": [PROCESS, {**PROCESS, "id": "hub-2", "name": "there:2"}],
    "activities": [
        {
            "id": "hub-1",
            "connections": 0,
            "queued_bytes": 0,
            "namespaces": [],
            "slow_readers": [],
            "slow_count": 0,
            "slow_closes": 0,
        }
    ],
}
NONE = (200, {"items": [], "total": 0, "silent": [], "is_whole": True})


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    with with_pages({"PYGENT_NAMESPACES": NAMESPACES, **UNSEEDED}) as product:
        yield product


def publish(product: Product, data: object) -> None:
    with httpx.Client(base_url=product.url, trust_env=False) as server:
        body = {"channel": "news:today", "data": data}
        server.post("/api/publish", json=body, headers={"X-API-Key": product.key})


def listed(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


@contextmanager
def reader(product: Product) -> Generator[tuple[ClientConnection, str]]:
    """A program in news:today that came with an old position, and its id."""
    url = product.url.replace("http", "ws", 1) + "/connection/websocket"
    with connect(url, proxy=None) as client:
        client.send(json.dumps({"id": 1, "connect": {"token": product.key}}))
        mine = json.loads(client.recv(timeout=5))["connect"]["client"]
        wish = {"channel": "news:today", "recover": True, "offset": 0, "epoch": ""}
        client.send(json.dumps({"id": 2, "subscribe": wish}))
        assert "subscribe" in json.loads(client.recv(timeout=5))
        yield client, mine


def test_a_channel_is_listed_and_looked_at_as_it_goes_on(product: Product, visit: Visit) -> None:
    publish(product, {"goal": 1})
    with reader(product) as (_, mine):
        page = visit().open("/hub")
        row = listed(page, "Open channels").get_by_role("row").filter(has_text="news:today")
        expect(row).to_contain_text("history")
        came_back = listed(page, "Recoveries by source").get_by_role("listitem")
        expect(came_back.filter(has_text="Redis history")).to_contain_text("1")
        expect(
            listed(page, "Namespaces").get_by_role("row").filter(has_text="news")
        ).to_be_visible()
        picture(page, "hub")
        row.get_by_role("button").click()
        expect(page).to_have_url(re.compile("channel=news"))
        channel = listed(page, "Channel news:today")
        expect(channel.locator(".lasts")).to_contain_text('{"goal":1}')
        publish(product, {"goal": 2})
        expect(channel.locator(".lasts")).to_contain_text('{"goal":2}')  # by itself
        picture(page, "hub-channel")
        channel.get_by_title(mine).click()
        expect(listed(page, f"Connection {mine}")).to_contain_text("WebSocket, JSON")
        page.go_back()
        expect(channel).to_be_visible()


def test_a_connection_is_found_and_disconnected_after_a_question(
    product: Product, visit: Visit
) -> None:
    publish(product, {"goal": 3})
    with reader(product) as (client, mine):
        page = visit().open("/hub?view=connections")
        page.get_by_label("Find by id, user, channel").fill("news:today")
        expect(page).to_have_url(re.compile("q=news"))
        found = listed(page, "Open connections")
        expect(found.get_by_role("status")).to_have_text("1 found")
        page.locator("h1").click()
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        one = listed(page, f"Connection {mine}")
        expect(one).to_contain_text("news:today")
        one.get_by_role("button", name="Disconnect").click()
        question = page.get_by_role("dialog")
        question.get_by_label("It may come back at once").uncheck()
        picture(page, "hub-disconnect")
        question.get_by_role("button", name="Disconnect").click()
        expect(one).to_contain_text("It is not connected any more")
        while client.close_code is None:
            with suppress(ConnectionClosed):
                client.recv(timeout=5)
        assert client.close_code == 3503
        expect(found).to_contain_text("No connection matches “news:today”")
        page.keyboard.press("Escape")
        expect(one).to_have_count(0)


def test_a_hub_that_does_not_answer_is_named_and_emptiness_teaches(
    open_page: Open,
) -> None:
    answers: Answers = {"/api/v1/hub": (200, NOW), "/api/v1/hub/channels": NONE}
    page = open_page("/hub", answers)
    expect(page.get_by_role("alert")).to_contain_text("there:2 did not answer within a second")
    expect(page.get_by_role("row").filter(has_text="there:2")).to_contain_text("Silent")
    expect(listed(page, "Open channels")).to_contain_text("pygent publish")


def test_what_failed_is_said_and_tried_again(open_page: Open) -> None:
    answers: Answers = {"/api/v1/hub": (503, {"detail": "the hub is not ready yet"})}
    page = open_page("/hub", answers)
    page.get_by_role("heading", name="The hub could not be read").wait_for()
    answers.update({"/api/v1/hub": (200, NOW), "/api/v1/hub/channels": NONE})
    page.get_by_role("button", name="Retry now").click()
    expect(listed(page, "Processes")).to_contain_text("here:1")


def test_a_viewer_is_told_why_she_sees_nothing(open_page: Open) -> None:
    page = open_page("/hub", {"/api/v1/me": somebody("viewer")})
    page.get_by_text("your role is viewer").first.wait_for()


def test_on_a_phone_what_is_chosen_is_seen_and_the_frame_stays(visit: Visit) -> None:
    page = visit(is_phone=True).open("/hub")
    page.get_by_role("button", name=re.compile("^overview:")).click()
    chosen = page.get_by_role("region", name=re.compile("^Channel overview:"))
    chosen.get_by_role("heading", name="Last publications").wait_for()
    expect(chosen.get_by_role("heading", name="Channel", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    frame = "[...document.querySelectorAll('html, .app, .main')]"
    assert page.evaluate(f"{frame}.every((node) => node.scrollTop === 0)")
    picture(page, "hub-phone")
