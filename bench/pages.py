"""Every page of a factory that is full: how long until it can be used, loaded anew and from within.

With 100,000 tasks, 1,000 agents, 10,000 documents, and a task of 100,000 events; hub, workers,
Postgres and the browser share the machine's cores. A page can be used once what it is about is
shown, no grey bar waits for more, and the browser has nothing to do, so that a key is handled at
once; that it is, is tried. The clock is the page's own, from the beginning of the navigation or
from the click. The browser has seen the site before, as it has for all but the first look.
Beside it stands the CPU of the page's own thread, which a loud machine leaves as it is.
"""

import shutil
import statistics
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import CDPSession, Page, async_playwright

from bench.full import AGENT, full_product
from bench.result import Result, at_most, noted
from tests.flows.product import Product

ROUNDS = 5
QUICK_ROUNDS = 2
MOST_SECONDS = 1.0
WAIT_MS = 15_000
PICTURES = Path("test-results/full")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]

HOME = "/settings?tab=about"  # from where one goes to each page
PAGES = {  # what each is about, as a selector
    "/": ".stats .v",
    "/tasks": ".vrows [role=row]",
    "/tasks?state=failed&range=all": ".vrows [role=row]",
    f"/tasks?agent={AGENT}&range=all": ".vrows [role=row]",
    "/tasks?q=reconcile&range=all": ".vrows [role=row]",
    "/tasks/{task}": ".wf-row",
    "/tasks/{task}?view=events": ".event .type",
    "/agents": "main a[href^='/agents/agent-']",
    "/agents?q=321": f"main a[href='/agents/{AGENT}']",
    f"/agents/{AGENT}": ".vers li",
    f"/agents/{AGENT}/edit": "main textarea",
    f"/agents/{AGENT}/versions": "main .face",
    f"/agents/{AGENT}/chat": "main textarea",
    "/new-agent": "main .gallery li",
    "/knowledge": ".kn-main table a, .kn-main [data-row]",
    "/knowledge?c=library": ".kn-main [data-row]",
    "/knowledge?c=library&state=failed": ".kn-main [data-row]",
    "/knowledge?q=heliotrope": ".kn-hit",
    "/system": ".sysgrid",
    "/settings": ".providers",
    "/settings?tab=keys": "table.keys",
    "/settings?tab=appearance": "#tabpanel input, #tabpanel button",
    "/settings?tab=about": "#tabpanel dl",
}
USABLE = """
window.usable = (selector) => new Promise((done) => {
  const isShown = (node) => node.checkVisibility();
  const look = () => {
    const waits = [...document.querySelectorAll("main .sk")].some(isShown);
    const isThere = [...document.querySelectorAll(selector)].some(isShown);
    if (waits || !isThere) requestAnimationFrame(look);
    else requestAnimationFrame(() => requestIdleCallback(() => done(performance.now() / 1000)));
  };
  look();
});
window.gone = (path, selector) => {
  const began = performance.now() / 1000;
  const link = document.querySelector(`a[href="${path}"]`);
  document.querySelector("main").dataset.left = "";
  if (link) link.click();
  else {
    history.pushState({}, "", path);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  }
  return window.usable(selector).then((end) => end - began);
};
"""


async def run(*, quick: bool = False) -> list[Result]:
    """On a product of its own, in one window of one browser."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    taken: dict[str, list[Taken]] = {path: [] for path in PAGES}
    async with full_product() as (product, task), _window(product) as page:
        look = Look(page, product.url, await page.context.new_cdp_session(page))
        await look.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        for number in range(rounds + 1):
            for path, selector in PAGES.items():
                one = await look.at(path.format(task=task), selector)
                if number:  # the first round is the browser's first look
                    taken[path].append(one)
                else:
                    await _picture(page, path)
    return [line for path in PAGES for line in _lines(path, taken[path])]


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds until a page could be used, and of CPU of its thread until then."""

    anew: float
    anew_cpu: float
    within: float
    within_cpu: float


def _lines(path: str, taken: list[Taken]) -> list[Result]:
    def middle(name: str) -> float:
        return statistics.median(getattr(one, name) for one in taken)

    return [
        at_most(f"{path}, loaded anew", middle("anew"), limit=MOST_SECONDS, unit="s"),
        noted("  its thread's CPU", middle("anew_cpu"), unit="s"),
        at_most(f"{path}, from within", middle("within"), limit=MOST_SECONDS, unit="s"),
        noted("  its thread's CPU", middle("within_cpu"), unit="s"),
    ]


@dataclass(frozen=True, slots=True)
class Look:
    """Goes to pages, and looks at the clocks."""

    page: Page
    base: str
    session: CDPSession

    async def at(self, path: str, selector: str) -> Taken:
        """The page loaded anew, a key tried; then from another page."""
        before = await self._cpu()
        anew = await _load(self.page, self.base + path, selector)
        loaded = await self._cpu()
        await _try_a_key(self.page)
        home = HOME if "settings" not in path else "/system"
        await _load(self.page, self.base + home, PAGES[home])
        at_home = await self._cpu()
        within = await self.page.evaluate("([to, what]) => gone(to, what)", [path, selector])
        spent = loaded - before if loaded >= before else loaded  # it began anew, with a new process
        return Taken(anew, spent, within, await self._cpu() - at_home)

    async def _cpu(self) -> float:
        answer = await self.session.send("Performance.getMetrics")
        return next(each["value"] for each in answer["metrics"] if each["name"] == "TaskDuration")


async def _load(page: Page, url: str, selector: str) -> float:
    await page.goto(url, wait_until="commit")
    return await page.evaluate("(what) => usable(what)", selector)


async def _try_a_key(page: Page) -> None:
    """The map of keys opens from everywhere."""
    await page.evaluate("document.activeElement?.blur()")
    await page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    await keys.wait_for()
    await page.keyboard.press("Escape")
    await keys.wait_for(state="detached")


async def _picture(page: Page, path: str) -> None:
    name = "".join(letter if letter.isalnum() else "-" for letter in path).strip("-") or "home"
    await page.screenshot(path=PICTURES / f"{name}.png")


@asynccontextmanager
async def _window(product: Product) -> AsyncGenerator[Page]:
    """A window that is logged in."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("no Chromium: `apt-get install chromium` gives one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, chromium_sandbox=False, args=FLAGS
        )
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(WAIT_MS)
        await context.add_init_script(USABLE)
        page = await context.new_page()
        await page.goto(product.link())
        await page.wait_for_url(f"{product.url}/")
        yield page
        await browser.close()
