"""A Chromium of the bench's own whose tabs are left alone, and asked seldom what they hold.

By Chromium's debugging protocol, attached only while something is asked: whoever stays attached
makes the browser keep what it sends him, which would be measured as the page's. Each tab has a
profile and so a process of its own, and a window, so that it is seen.
"""

import itertools
import json
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import psutil
from websockets.asyncio.client import ClientConnection, connect

START_SECONDS = 30.0
ANSWER_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.1
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)
HOLDS = ("JSHeapUsedSize", "Nodes", "JSEventListeners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a tab holds once garbage is collected.

    Attributes:
        heap: Bytes of JavaScript.
        nodes: Of all its documents, and those that only scripts hold on to.
    """

    heap: float
    nodes: float
    listeners: float


class _Debugging:
    """One attachment to the browser; events are dropped."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    async def ask(self, method: str, *, session: str | None = None, **values: object) -> Any:
        number = next(self._numbers)
        command: dict[str, object] = {"id": number, "method": method, "params": values}
        if session:
            command["sessionId"] = session
        await self._connection.send(json.dumps(command))
        with anyio.fail_after(ANSWER_SECONDS):
            while True:
                answer = json.loads(await self._connection.recv())
                if answer.get("id") == number:
                    break
        if "error" in answer:
            raise RuntimeError(f"Chromium refused {method}: {answer['error'].get('message')}")
        return answer["result"]

    async def evaluate(self, session: str, expression: str) -> Any:
        answer = await self.ask(
            "Runtime.evaluate", session=session, expression=expression, returnByValue=True
        )
        return answer["result"].get("value")

    @asynccontextmanager
    async def tab(self, target: str) -> AsyncGenerator[str]:
        """A session with the tab, for the block."""
        answer = await self.ask("Target.attachToTarget", targetId=target, flatten=True)
        yield answer["sessionId"]
        await self.ask("Target.detachFromTarget", sessionId=answer["sessionId"])


class Tabs:
    """The tabs of one browser."""

    def __init__(self, url: str) -> None:
        """Of the browser that can be asked at this address."""
        self._url = url
        self._cookies: list[Mapping[str, object]] = []

    async def log_in(self, link: str, *, home: str) -> None:
        """Goes through the link once; every tab opened from here on has its session."""
        async with self._debugging() as browser:
            context, target = await self._new(browser, link)
            await self._until(browser, target, f"location.href === {json.dumps(home)}")
            cookies = await browser.ask("Storage.getCookies", browserContextId=context)
            self._cookies = cookies["cookies"]
            await browser.ask("Target.disposeBrowserContext", browserContextId=context)

    async def open(self, url: str, *, ready: str) -> str:
        """A tab in a window of its own, once the expression `ready` holds in it."""
        async with self._debugging() as browser:
            _, target = await self._new(browser, url)
            await self._until(browser, target, ready)
            return target

    async def held(self, target: str) -> Held:
        """What the tab holds, after garbage was collected twice."""
        async with self._debugging() as browser, browser.tab(target) as session:
            if await browser.evaluate(session, "document.hidden"):
                raise RuntimeError("the tab is hidden: what it would draw is not measured")
            await browser.ask("HeapProfiler.collectGarbage", session=session)
            await browser.ask("HeapProfiler.collectGarbage", session=session)
            await browser.ask("Performance.enable", session=session)
            answer = await browser.ask("Performance.getMetrics", session=session)
            await browser.ask("Performance.disable", session=session)
        found = {each["name"]: float(each["value"]) for each in answer["metrics"]}
        heap, nodes, listeners = (found[name] for name in HOLDS)
        return Held(heap=heap, nodes=nodes, listeners=listeners)

    async def renderers(self) -> list[psutil.Process]:
        """The processes that draw pages."""
        async with self._debugging() as browser:
            answer = await browser.ask("SystemInfo.getProcessInfo")
        return [
            psutil.Process(each["id"])
            for each in answer["processInfo"]
            if each["type"] == "renderer"
        ]

    async def _new(self, browser: _Debugging, url: str) -> tuple[str, str]:
        answer = await browser.ask("Target.createBrowserContext", disposeOnDetach=False)
        context = answer["browserContextId"]
        if self._cookies:
            await browser.ask("Storage.setCookies", browserContextId=context, cookies=self._cookies)
        made = await browser.ask(
            "Target.createTarget", url=url, browserContextId=context, newWindow=True
        )
        return context, made["targetId"]

    async def _until(self, browser: _Debugging, target: str, condition: str) -> None:
        async with browser.tab(target) as session:
            with anyio.fail_after(START_SECONDS):
                while not await self._holds(browser, session, condition):  # noqa: ASYNC110  another process
                    await anyio.sleep(POLL_SECONDS)

    async def _holds(self, browser: _Debugging, session: str, condition: str) -> bool:
        try:
            return bool(await browser.evaluate(session, condition))
        except RuntimeError:
            return False  # it goes from one document to the next

    @asynccontextmanager
    async def _debugging(self) -> AsyncGenerator[_Debugging]:
        async with connect(self._url, compression=None, max_size=None, proxy=None) as connection:
            yield _Debugging(connection)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Tabs]:
    """A browser without tabs, for the block.

    Raises:
        RuntimeError: There is none on this machine.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("no Chromium: `apt-get install chromium` gives one")
    with tempfile.TemporaryDirectory(prefix="pygent-tabs-", ignore_cleanup_errors=True) as name:
        command = [program, *FLAGS, f"--user-data-dir={name}", "about:blank"]
        async with await anyio.open_process(command, stdout=None, stderr=-3) as process:
            try:
                yield Tabs(await _address(Path(name) / "DevToolsActivePort"))
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_SECONDS):
                    process.send_signal(signal.SIGTERM)
                    await process.wait()


async def _address(written: Path) -> str:
    with anyio.fail_after(START_SECONDS):
        while not written.exists() or len(lines := written.read_text().splitlines()) < 2:  # noqa: ASYNC110, ASYNC240  another process writes it
            await anyio.sleep(POLL_SECONDS)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
