"""System and Settings in Chromium on the real product: what is wrong and its cure, keys, models."""

import re
import signal
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, with_pages
from tests.browser.visitor import picture
from tests.flows.product import UNSEEDED, Product
from tests.flows.speakers import scripted, spoken

pytestmark = pytest.mark.browser

SPOKEN_SECONDS = 4.0


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    # An address where nobody listens: a provider that is set and cannot be reached.
    with with_pages({"OLLAMA_BASE_URL": "http://127.0.0.1:9/v1", **UNSEEDED}) as product:
        yield product


def row(page: Page, part: str) -> Any:
    return page.locator(f'[data-part="{part}"]')


def test_a_part_that_hangs_is_named_with_its_cure_and_is_well_again(
    product: Product, visit: Visit
) -> None:
    page = visit().open("/system")
    expect(page.get_by_role("status").filter(has_text="All 9 parts are well")).to_be_visible()
    expect(row(page, "postgres")).to_contain_text("pgvector")
    expect(row(page, "redis")).to_contain_text("Valkey")
    expect(page.get_by_role("region", name="Hub processes")).to_contain_text("answers here")
    picture(page, "system")

    valkey = product.part("valkey")
    valkey.send_signal(signal.SIGSTOP)
    try:
        todo = page.get_by_role("status", name="What to do")
        expect(todo).to_contain_text("Valkey does not answer", timeout=20_000)
        expect(todo).to_contain_text("`pygent up` starts its Valkey again".replace("`", ""))
        picture(page, "system-down")
        todo.get_by_role("button", name="Valkey").click()
        expect(page).to_have_url(re.compile(r"[?&]part=redis"))
        expect(page.locator(".more")).to_contain_text("Cure")
    finally:
        valkey.send_signal(signal.SIGCONT)
    expect(page.get_by_text("All 9 parts are well")).to_be_visible(timeout=20_000)
    page.go_back()
    expect(page.locator(".more")).to_have_count(0)


def test_deliveries_are_drawn_with_their_delay_as_they_happen(
    product: Product, visit: Visit
) -> None:
    headers = {"Authorization": f"Bearer {product.key}"}
    somebody = visit()
    page = somebody.open("/system?range=1m")
    with httpx.Client(base_url=f"{product.url}/api/v1", headers=headers, trust_env=False) as api:
        spec = scripted("speaker", spoken(80, seconds=SPOKEN_SECONDS))
        assert api.post("/agents", json=spec).is_success
        task = api.post("/tasks", json={"agent": "speaker", "input": "go"}).json()["id"]
    watching = somebody.open(f"/tasks/{task}")
    watching.locator(".talk .md").first.wait_for()
    page.bring_to_front()
    chart = page.get_by_role("region", name="Append to delivery")
    expect(chart.locator(".key-retrieval b")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(chart.locator("path.ln").first).to_be_attached()
    expect(page.get_by_role("region", name="Deliveries")).to_contain_text("publications / s")


def test_models_are_tried_by_a_worker_and_say_why_not(visit: Visit) -> None:
    somebody = visit()
    somebody.expected.append("status of 422")
    page = somebody.open("/settings")
    page.get_by_role("button", name="Test scripted").click()
    first = page.get_by_role("listitem").filter(
        has=page.get_by_role("button", name="Test scripted")
    )
    expect(first.locator(".result")).to_contain_text("tokens")
    page.get_by_label("Model of ollama").fill(
        "no such/../name"
    )  # its package is not needed for this
    page.keyboard.press("Enter")
    ollama = page.get_by_role("listitem").filter(has=page.get_by_role("button", name="Test ollama"))
    expect(ollama.locator(".result")).to_contain_text("must be `extractive`")
    expect(page.get_by_role("region", name="Not set")).to_contain_text("ANTHROPIC_API_KEY")
    picture(page, "settings-models")


def test_a_key_is_shown_once_works_and_is_revoked_after_a_question(
    product: Product, visit: Visit
) -> None:
    page = visit().open("/settings?tab=keys")
    page.get_by_label("New key for").fill("a report")
    page.get_by_role("button", name="Create key").click()
    token = page.get_by_role("dialog").locator(".secret").inner_text()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=product.url, headers=headers, trust_env=False) as program:
        assert program.get("/api/v1/me").json()["role"] == "operator"
        page.get_by_role("button", name="I have copied it").click()
        assert token not in page.content()
        page.get_by_role("button", name="Revoke a report").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
        expect(page.get_by_role("button", name="Revoke a report")).to_have_count(0)
        assert program.get("/api/v1/me").status_code == 401
    page.get_by_role("button", name="Show 1 revoked").click()
    expect(page).to_have_url(re.compile("revoked"))
    expect(page.get_by_role("row").filter(has_text="a report")).to_contain_text("revoked")


def test_the_theme_is_kept_and_every_view_fits_a_phone(visit: Visit) -> None:
    page = visit(is_phone=True).open("/settings?tab=appearance")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    page.get_by_role("button", name="Dark", pressed=True).wait_for()
    assert page.evaluate("document.documentElement.classList.contains('dark')")
    for path, landmark in (
        ("/system?part=log", ".more"),
        ("/settings", ".providers"),
        ("/settings?tab=keys", ".newkey"),
        ("/settings?tab=about", ".rows"),
    ):
        page.goto(page.url.split("/settings")[0].split("/system")[0] + path)
        page.locator(landmark).first.wait_for()
        over = page.evaluate(
            "[...document.querySelectorAll('.main *')]"
            ".filter((node) => node.getBoundingClientRect().right > innerWidth + 1)"
            ".map((node) => node.className).slice(0, 5)"
        )
        assert over == [], path
    picture(page, "settings-phone")
