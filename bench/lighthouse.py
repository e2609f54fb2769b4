"""Lighthouse on the built site, as on a phone: performance, accessibility and best practices.

Its own simulation of a slow phone, of what it saw here: by default it takes the machine for a fast
desktop, on which everything takes a quarter of a phone's time. On another machine that is another
phone, so the factor follows the machine's speed, as its documentation asks; both are printed. A
loud machine makes long tasks longer still, so the median of several looks counts.

Lighthouse is not among what is installed: `npm install -g lighthouse` puts it where this finds it.
Without it nothing is measured, and that is said.
"""

import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from bench.result import Result, at_least, at_most, noted
from hub.cli.settings import inherited
from tests.flows.product import Product, running

ROUNDS = 5
TRIES = 3
PAGES = (
    *("/", "/tasks", "/tasks/{task}", "/agents", "/agents/guide", "/agents/guide/chat"),
    *("/knowledge", "/system", "/settings"),
)
LEAST = {"performance": 90, "accessibility": 100, "best-practices": 95}
MOST_SCRIPT_KILOBYTES = 175
WAIT_SECONDS = 180
# Lighthouse's documentation: four times is meant for a "high-end desktop" of 1500 to 2000 points.
DESKTOP_POINTS = 1750
DESKTOP_FACTOR = 4
CHROMIUM = ("chromium", "google-chrome")


async def run(*, quick: bool = False) -> list[Result]:
    """Looks at each page as somebody who is logged in."""
    lighthouse = shutil.which("lighthouse")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if lighthouse is None or chromium is None:
        print("  not measured: there is no Lighthouse (npm install -g lighthouse) or no Chromium")
        return []
    with running() as product, tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": await _cookie(product, chromium)}))
        options = ["--quiet", "--output=json", f"--extra-headers={headers}"]
        options.append("--chrome-flags=--headless=new --no-sandbox --disable-gpu")
        options.append(f"--only-categories={','.join(LEAST)}")
        paths = [path.format(task=_task(product)) for path in PAGES]
        phone = _Phone([lighthouse, *options], chromium)
        phone.look(product.url + paths[0])  # how fast the machine is, the first time
        looks = {
            path: [phone.look(product.url + path) for _ in range(_rounds(quick))]
            for path in (paths[:1] if quick else paths)
        }
    return [result for path, seen in looks.items() for result in _results(path, seen)]


def _rounds(quick: bool) -> int:  # noqa: FBT001  of this module alone
    return 1 if quick else ROUNDS


def _task(product: Product) -> str:
    """A question that was answered; its id."""
    product.run("run", "guide", "What is an attempt?")
    return json.loads(product.run("tasks", "list", "--json").out)["items"][0]["id"]


async def _cookie(product: Product, chromium: str) -> str:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.goto(product.link())
        await page.wait_for_url(f"{product.url}/")
        cookies = await page.context.cookies()
        await browser.close()
    return "; ".join(f"{one.get('name')}={one.get('value')}" for one in cookies)


class _Phone:
    """Looks at pages, as slow as one phone whatever the machine's speed is at the moment."""

    def __init__(self, command: list[str], chromium: str) -> None:
        self._command = command
        self._chromium = chromium
        self._points = float(DESKTOP_POINTS)

    def look(self, url: str) -> dict[str, Any]:
        """One report; Chromium does not always hand a trace over, and is asked again then."""
        factor = max(1.0, DESKTOP_FACTOR * self._points / DESKTOP_POINTS)
        command = [
            self._command[0],
            url,
            *self._command[1:],
            f"--throttling.cpuSlowdownMultiplier={factor:.2f}",
        ]
        said = ""
        for _ in range(TRIES):
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                timeout=WAIT_SECONDS,
                env=inherited(CHROME_PATH=self._chromium),
            )
            if not done.returncode:
                report = json.loads(done.stdout)
                self._points = report["environment"]["benchmarkIndex"]
                return report
            said = done.stderr.decode()
        raise RuntimeError(f"Lighthouse did not look at {url}: {said}")


def _results(path: str, looks: list[dict[str, Any]]) -> list[Result]:
    def audit(name: str) -> float:
        return statistics.median(look["audits"][name]["numericValue"] for look in looks)

    def score(name: str) -> float:
        return 100 * statistics.median(look["categories"][name]["score"] for look in looks)

    points = statistics.median(look["environment"]["benchmarkIndex"] for look in looks)
    factor = statistics.median(
        look["configSettings"]["throttling"]["cpuSlowdownMultiplier"] for look in looks
    )
    kilobytes = statistics.median(
        sum(
            one["transferSize"]
            for one in look["audits"]["network-requests"]["details"]["items"]
            if one.get("resourceType") == "Script"
        )
        / 1024
        for look in looks
    )
    return [
        *(at_least(f"{path} {name}", score(name), limit=at, unit="") for name, at in LEAST.items()),
        at_most(f"{path} scripts", kilobytes, limit=MOST_SCRIPT_KILOBYTES, unit="KB"),
        noted(f"{path} the machine's speed", points, unit="points"),
        noted(f"{path} taken for", factor, unit="times a phone's"),
        noted(f"{path} first paint", audit("first-contentful-paint"), unit="ms"),
        noted(f"{path} largest paint", audit("largest-contentful-paint"), unit="ms"),
        noted(f"{path} blocked", audit("total-blocking-time"), unit="ms"),
    ]
