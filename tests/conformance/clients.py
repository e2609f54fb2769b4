"""The official clients, unmodified, following one channel each."""

import fcntl
import json
import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import anyio.abc
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from centrifuge import (
    Client,
    PublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)

ROOT = Path(__file__).parent.parent.parent
NODE = ROOT / ".venv/node"
CACHE = ROOT / ".cache/conformance"
JS_VERSION = "5.8.0"


class Heard:
    """What a client told its user, in order."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.subscribed: list[tuple[bool, bool]] = []  # was recovering, recovered
        self.ended: list[str] = []
        self._changed = anyio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, offset: int, *, seconds: float = 30) -> None:
        with anyio.fail_after(seconds):
            while not self.offsets or self.offsets[-1] < offset:
                self._changed = anyio.Event()
                await self._changed.wait()

    async def until_subscribed(self) -> None:
        with anyio.fail_after(20):
            while not self.subscribed:
                self._changed = anyio.Event()
                await self._changed.wait()


class Follows(Protocol):
    def __call__(
        self, url: str, *, token: str, channel: str
    ) -> AbstractAsyncContextManager[Heard]: ...


class _Events(SubscriptionEventHandler):
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self._heard.subscribed.append((ctx.was_recovering, ctx.recovered))
        self._heard.changed()

    async def on_publication(self, ctx: PublicationContext) -> None:
        data = ctx.pub.data
        version = (json.loads(data) if isinstance(data, bytes) else data)["version"]
        assert version == ctx.pub.offset
        self._heard.offsets.append(ctx.pub.offset)
        self._heard.changed()

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self._heard.ended.append(f"unsubscribed {ctx.code}")


@asynccontextmanager
async def _python(url: str, *, token: str, channel: str, is_binary: bool) -> AsyncGenerator[Heard]:
    heard = Heard()
    client = Client(
        url,
        token=token,
        use_protobuf=is_binary,
        min_reconnect_delay=0.05,
        max_reconnect_delay=0.2,
        proxy=None,
    )
    subscription = client.new_subscription(
        channel, _Events(heard), min_resubscribe_delay=0.05, max_resubscribe_delay=0.2
    )
    await client.connect()
    await subscription.subscribe()
    try:
        yield heard
    finally:
        await client.disconnect()


@asynccontextmanager
async def _js(
    url: str,
    *,
    token: str,
    channel: str,
    build: str = "centrifuge",
    transport: str = "websocket",
    commands_to: str | None = None,
) -> AsyncGenerator[Heard]:
    heard = Heard()
    installed = await anyio.to_thread.run_sync(install_js_client)
    script = str(Path(__file__).parent / "follow.mjs")
    command = [str(NODE / "node"), "--experimental-eventsource", script]
    arguments = [str(installed), build, transport, url, token, channel]
    if commands_to is not None:
        arguments.append(commands_to)
    async with (
        await anyio.open_process([*command, *arguments], stderr=None) as process,
        anyio.create_task_group() as group,
    ):
        assert process.stdout is not None
        group.start_soon(_listen, BufferedByteReceiveStream(process.stdout), heard)
        try:
            yield heard
        finally:
            process.terminate()
            group.cancel_scope.cancel()


python_client: Follows = partial(_python, is_binary=False)
python_protobuf_client: Follows = partial(_python, is_binary=True)
js_client: Follows = _js
js_stream_client = _js  # of a transport that is named, its commands sent to another site
js_http_stream_client: Follows = partial(_js, transport="http_stream")
js_sse_client: Follows = partial(_js, transport="sse")
js_http_stream_protobuf_client: Follows = partial(
    _js, build="centrifuge/build/protobuf", transport="http_stream"
)
js_protobuf_client: Follows = partial(_js, build="centrifuge/build/protobuf")


async def _listen(lines: BufferedByteReceiveStream, heard: Heard) -> None:
    while True:
        try:
            line = await lines.receive_until(b"\n", 10_000)
        except anyio.IncompleteRead:
            return
        match line.decode().split():
            case ["publication", offset, version]:
                assert offset == version
                heard.offsets.append(int(offset))
            case ["subscribed", was_recovering, recovered]:
                heard.subscribed.append((was_recovering == "true", recovered == "true"))
            case words:
                heard.ended.append(" ".join(words))
        heard.changed()


def install_js_client() -> Path:
    """Where the npm client is, installed once into the build cache, whoever asks at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install_js_client()


def _install_js_client() -> Path:
    package = CACHE / "node_modules/centrifuge/package.json"
    if package.is_file() and f'"version": "{JS_VERSION}"' in package.read_text():
        return CACHE
    if not (NODE / "npm").exists():
        missing("there is no Node in .venv/node; `make install-test` puts it there")
    (CACHE / "package.json").write_text('{"private": true}\n')
    result = subprocess.run(
        [NODE / "npm", "install", "--no-audit", "--no-fund", f"centrifuge@{JS_VERSION}"],
        cwd=CACHE,
        env={**os.environ, "PATH": f"{NODE}:{os.environ['PATH']}"},  # noqa: TID251  npm needs it whole
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if result.returncode:
        missing(f"npm could not install centrifuge@{JS_VERSION}: {result.stderr[-500:]}")
    return CACHE


def missing(reason: str) -> None:
    if os.environ.get("CI"):  # noqa: TID251  in CI a missing part is a failure
        pytest.fail(reason)
    pytest.skip(reason)
