"""One Chromium for all pages of these tests; closed before anything asynchronous runs again."""

import os
import shutil
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, sync_playwright

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
