"""`make docs`: every page can be reached and read, and none asks anybody else for anything."""

import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal

import pytest
import yaml
from playwright.sync_api import Browser, Request

from tests.browser.conftest import browser as browser
from tests.docs.reading import ROOT

ZENSICAL = Path(sys.executable).with_name("zensical")
BUILD_SECONDS = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly, in a folder of its own."""
    place = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "mkdocs.yml", place)
    shutil.copytree(ROOT / "docs", place / "docs")
    done = subprocess.run(
        [ZENSICAL, "build", "--strict"],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "build/docs"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as it is overridden
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Generator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_page_stands_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/.-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md")}
    assert listed == pages
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["theme"]["font"] is False


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)=\"?(https?:[^\"> ]+)"
    )
    found = {
        f"{page.name}: {address}"
        for page in site.rglob("*.html")
        for address in loads.findall(page.read_text("utf-8"))
    }
    assert not found


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read_and_searched_in_both_themes_and_on_a_phone(
    browser: Browser, address: str, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 390, "height": 844})
    page = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(_host(request)))
    page.on("pageerror", lambda error: failed.append(str(error)))
    for name in ("index", "concepts", "settings", "reference/rest"):
        page.goto(f"{address}/{name}.html")
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{name} is {wider} px wider than a phone"
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = sum(map(int, re.findall(r"\d+", shade)[:3])) < 3 * 128
    assert is_dark == (theme == "dark"), shade
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/index.html")
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("combobox", name="Search").fill("prometheus")
    page.get_by_role("option", name=re.compile("Prometheus")).first.wait_for()
    assert set(asked) <= {address, "data:", "blob:"}
    assert not failed
    context.close()


def _host(request: Request) -> str:
    found = re.match(r"(?:https?://[^/]+|\w+:)", request.url)
    return found[0] if found else request.url
