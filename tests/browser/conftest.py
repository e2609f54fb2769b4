"""One Chromium and one factory for all stories of a file, and visitors who are logged in.

Chromium is closed before anything asynchronous runs again. A file that needs another factory than
a quick one without the guide has a `product` of its own.
"""

import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, StorageState, sync_playwright

from tests.browser.made_up import base as base
from tests.browser.made_up import open_page as open_page
from tests.browser.visitor import Visitor, visitor
from tests.flows.product import BUILT_SITE, UNSEEDED, Product, running

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        missing = "no Chromium: `apt-get install chromium` gives one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)  # noqa: TID251  a test
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=chromium, chromium_sandbox=False, args=FLAGS
        )
        yield found
        found.close()


@contextmanager
def with_pages(environment: Mapping[str, str] | None = None) -> Generator[Product]:
    """A factory that serves the built pages; without an environment as a person starts it."""
    if not (BUILT_SITE / "index.html").exists():
        pytest.fail("the pages are not built: run `make site`")
    with running(environment=environment) as product:
        yield product


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    with with_pages(UNSEEDED) as product:
        yield product


@pytest.fixture(scope="module")
def api(product: Product) -> Generator[httpx.Client]:
    """By key: a program, or somebody else."""
    headers = {"Authorization": f"Bearer {product.key}"}
    with httpx.Client(base_url=f"{product.url}/api/v1", headers=headers, trust_env=False) as api:
        yield api


@pytest.fixture(scope="module")
def session(product: Product, browser: Browser) -> StorageState:
    """What the browser keeps of a login by the link of the first start."""
    somebody = visitor(browser, product.url)
    page = somebody.context.new_page()
    page.goto(product.link())
    page.wait_for_url(f"{product.url}/")
    page.locator(".light-badge.live").wait_for()
    kept = somebody.context.storage_state()
    somebody.leave()
    return kept


@pytest.fixture
def visit(product: Product, browser: Browser, session: StorageState) -> Generator[Visit]:
    """Visitors who are logged in, each a context of its own; all of them are heard at the end."""
    here: list[Visitor] = []

    def arrive(**changes: Any) -> Visitor:
        here.append(visitor(browser, product.url, **{"session": session, **changes}))
        return here[-1]

    yield arrive
    for one in here:
        one.leave()
