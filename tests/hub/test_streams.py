"""Streams instead of sockets, in the whole hub: who may open one, how many, what is logged."""

import io
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from store.addresses import Addresses
from tests.serving import Served, logging_to, serving, until

LIMIT = 2
HTTP_STREAM, SSE, EMULATION = "/connection/http_stream", "/connection/sse", "/emulation"
FOREIGN = {"Origin": "http://evil.example"}


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    limits = {"max_sockets": LIMIT, "max_per_address": LIMIT + 1}
    async with serving(addresses, limits=limits) as served:
        yield served


def connect(token: str | None) -> str:
    return json.dumps({"id": 1, "connect": {"token": token} if token else {}})


@asynccontextmanager
async def opened(http: httpx.AsyncClient, token: str | None) -> AsyncGenerator[dict[str, Any]]:
    """What the stream says first; it stays open."""
    async with http.stream("POST", HTTP_STREAM, content=connect(token)) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()  # kept: the answer is closed with it
        with anyio.fail_after(5):
            first = await anext(lines)
        yield json.loads(first)


async def test_other_sites_open_no_stream_and_send_no_commands(served: Served) -> None:
    cookie = {"Cookie": f"pygent_session={await served.session()}"}
    body, token = connect(None), await served.key()
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        for headers in (FOREIGN | cookie, FOREIGN, {"Origin": "null"} | cookie):
            answers = [
                await client.post(HTTP_STREAM, content=connect(token), headers=headers),
                await client.post(SSE, content=body, headers=headers),
                await client.get(SSE, params={"cf_connect": body}, headers=headers),
                await client.post(EMULATION, content=b"{}", headers=headers),
                await client.options(EMULATION, headers=headers),
            ]
            assert [answer.status_code for answer in answers] == [403] * 5
            allowed = [answer.headers.get("access-control-allow-origin") for answer in answers]
            assert allowed == [None] * 5
        unnamed = await client.post(HTTP_STREAM, content=body, headers=cookie)
        assert unnamed.status_code == 403


async def test_a_person_needs_no_token_and_a_program_may_name_its_key_anywhere(
    served: Served,
) -> None:
    key = await served.key()
    async with served.browser(session=await served.session()) as browser:
        async with opened(browser, None) as first:
            assert first["connect"]["session"]
        async with browser.stream("GET", SSE, params={"cf_connect": connect(None)}) as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            assert "connect" in (await anext(events.aiter_lines()))
    async with served.with_key(key) as program, opened(program, None) as first:
        assert first["connect"]["session"]
    async with served.with_key("pgk_wrong") as program, opened(program, key) as first:
        assert first["connect"]["session"]


async def test_streams_are_bounded_as_sockets_are_and_places_come_back(served: Served) -> None:
    key, quotas = await served.key(), served.hub.opened.quotas
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
        for _ in range(2):
            async with AsyncExitStack() as stack:
                for _ in range(LIMIT):
                    first = await stack.enter_async_context(opened(client, key))
                    assert "connect" in first
                assert len(quotas.sockets) == LIMIT
                said = {"code": 3504, "reason": "connection limit"}
                async with opened(client, key) as refused:
                    assert refused == {"push": {"disconnect": said}}
                other = await served.key(name="other")
                assert "connect" in await stack.enter_async_context(opened(client, other))
                async with opened(client, other) as refused:  # by the address
                    assert refused == {"push": {"disconnect": said}}
            await until(lambda: len(quotas.sockets) == len(quotas.addresses) == 0)
    assert len(served.hub.opened.sockets) == 0


async def test_neither_keys_nor_sessions_nor_commands_are_logged(served: Served) -> None:
    key, stream = await served.key(), io.StringIO()
    with logging_to(stream):
        async with (
            httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
            client.stream("GET", SSE, params={"cf_connect": connect(key)}) as events,
        ):
            lines = events.aiter_lines()
            result = json.loads((await anext(lines)).removeprefix("data: "))["connect"]
            known = {name: result[name] for name in ("session", "node")}
            sent = await client.post(EMULATION, json={**known, "data": '{"canary":1}'})
            assert sent.status_code == 204
        await until(lambda: len(served.hub.opened.sockets) == 0)
    logged = stream.getvalue()
    found = [json.loads(line) for line in logged.splitlines()]
    paths = {line["path"]: line["status"] for line in found if line["event"] == "request"}
    assert paths[EMULATION] == 204
    for secret in (key, result["session"], "canary", "cf_connect"):
        assert secret not in logged
