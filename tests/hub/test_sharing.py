"""Pages of other sites that may connect: with a token, never a session, and to nothing else."""

import json
from collections.abc import AsyncGenerator

import httpx
import pytest
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import InvalidStatus

from hub.identity.sharing import parse_origins
from store.addresses import Addresses
from tests.serving import Served, serving

APP = "https://app.example"
HTTP_STREAM, SSE, EMULATION = "/connection/http_stream", "/connection/sse", "/emulation"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
FOREIGN = ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    origins = f"{APP}, http://127.0.0.1:3000"
    async with serving(addresses, limits={"allowed_origins": origins}) as served:
        await served.agent()
        yield served


def frame(token: str | None) -> str:
    return json.dumps({"id": 1, "connect": {"token": token} if token else {}})


async def said(http: httpx.AsyncClient, token: str | None, **headers: str) -> dict[str, object]:
    async with http.stream("POST", HTTP_STREAM, content=frame(token), headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
        return json.loads(await anext(answer.aiter_lines()))


async def test_a_page_of_a_named_site_is_told_beforehand_what_it_may_send(
    served: Served, nobody: httpx.AsyncClient
) -> None:
    for path in (HTTP_STREAM, SSE, EMULATION):
        answer = await nobody.options(path, headers={"Origin": APP, **ASKS})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == APP
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "content-type" in answer.headers["access-control-allow-headers"]
        assert int(answer.headers["access-control-max-age"]) > 0
        for origin in FOREIGN:
            refused = await nobody.options(path, headers={"Origin": origin, **ASKS})
            assert refused.status_code == 403
            assert "access-control-allow-origin" not in refused.headers


async def test_it_connects_with_a_token_and_never_with_a_persons_session(
    served: Served, nobody: httpx.AsyncClient
) -> None:
    key, session = await served.key(), await served.session()
    cookie = f"pygent_session={session}"
    assert "connect" in await said(nobody, key, Origin=APP)
    assert "connect" in await said(nobody, key, Origin=APP, Cookie=cookie)
    refused = await said(nobody, None, Origin=APP, Cookie=cookie)
    assert refused["error"] == {
        "code": 101,
        "message": "log in, or send an API key as `Authorization: Bearer pgk_…`",
    }
    wrong = await nobody.post(EMULATION, content=b"{}", headers={"Origin": APP})
    assert wrong.status_code == 400
    assert wrong.headers["access-control-allow-origin"] == APP


async def test_its_sockets_open_too_and_those_of_others_do_not(served: Served) -> None:
    url = served.url.replace("http:", "ws:") + "/connection/websocket"
    key, session = await served.key(), await served.session()
    cookie = {"Cookie": f"pygent_session={session}"}
    async with open_socket(url, origin=APP, additional_headers=cookie, proxy=None) as socket:  # pyright: ignore[reportArgumentType]  a new type of str
        await socket.send(frame(None))
        assert json.loads(await socket.recv())["error"]["code"] == 101
    async with open_socket(url, origin=APP, proxy=None) as socket:  # pyright: ignore[reportArgumentType]
        await socket.send(frame(key))
        assert "connect" in json.loads(await socket.recv())
    for origin in FOREIGN:
        with pytest.raises(InvalidStatus) as raised:
            async with open_socket(url, origin=origin, proxy=None):  # pyright: ignore[reportArgumentType]
                pass
        assert raised.value.response.status_code == 403


async def test_nothing_else_is_open_to_it(served: Served) -> None:
    async with served.browser(session=await served.session()) as browser:
        for method, path in [("GET", "/api/v1/me"), ("POST", "/api/v1/tasks")]:
            answer = await browser.request(method, path, headers={"Origin": APP}, json={})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
        preflight = await browser.options("/api/v1/tasks", headers={"Origin": APP, **ASKS})
        assert preflight.status_code == 403


def test_origins_are_read_as_browsers_spell_them() -> None:
    text = " https://App.Example:443/, http://a.example:8080,,http://[::1]:3000 "
    assert parse_origins(text) == {APP, "http://a.example:8080", "http://[::1]:3000"}
    assert parse_origins("") == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "https://*.example",
        "app.example",
        "https://app.example/path",
        "https://user@app.example",
        "https://app.example?x",
        "file:///",
        "null",
        "https://app.example:port",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (no origin|not of the form)"):
        parse_origins(text)
