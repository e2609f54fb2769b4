"""The hub as a whole: headers on every answer, pages behind the login, sockets from here only."""

import io
import json
from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.settings import PROVIDER_VARIABLES, HubSettings
from protocols.errors import InvalidRequest
from store.addresses import Addresses
from tests.serving import Served, logging_to, serving

OWN_POLICY = "default-src 'self'; frame-ancestors 'none'"
HTML = {"Accept": "text/html,application/xhtml+xml"}


async def page(request: Request) -> Response:
    policy = {"Content-Security-Policy": OWN_POLICY} if request.url.path == "/login" else {}
    return HTMLResponse(f"<h1>{request.url.path}</h1>", headers=policy)


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/broken":
        raise RuntimeError("a secret detail")
    await PAGES(scope, receive, send)


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


PAGES = Starlette(
    routes=[
        WebSocketRoute("/_event/", echo),
        Route("/_upload", page, methods=["GET", "POST"]),
        Route("/assets/app.js", lambda _: PlainTextResponse("let x")),
        Route("/{path:path}", page),
    ]
)


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with serving(addresses, dashboard=pages) as served:
        yield served


async def test_pages_send_strangers_to_the_login_and_remember_where_to(
    nobody: httpx.AsyncClient,
) -> None:
    for path, there in (
        ("/", "/login"),
        ("/tasks?state=failed&x=1", "/login?next=/tasks%3Fstate%3Dfailed%26x%3D1"),
        ("/tasks/index.html", "/login?next=/tasks/index.html"),
    ):
        answer = await nobody.get(path, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, there)
    data = await nobody.get("/tasks.data")
    assert (data.status_code, data.json()["code"]) == (401, "unauthenticated")


async def test_assets_and_the_login_page_are_public_and_nothing_else_is(
    nobody: httpx.AsyncClient,
) -> None:
    assert (await nobody.get("/assets/app.js")).status_code == 200
    assert (await nobody.get("/login", headers=HTML)).status_code == 200
    for path in ("/_upload", "/_upload/x.js", "/_health", "/ping", "/anything"):
        assert (await nobody.get(path)).status_code == 401, path
    assert (await nobody.post("/assets/app.js")).status_code == 401


async def test_a_session_opens_the_pages_and_is_renewed_by_them(served: Served) -> None:
    session = await served.session()
    async with served.browser(session=session) as browser:
        answer = await browser.get("/tasks", headers=HTML)
        assert answer.text == "<h1>/tasks</h1>"
        assert f"pygent_session={session}; Path=/; Max-Age=2592000" in answer.headers["set-cookie"]
        assert "set-cookie" not in (await browser.get("/assets/app.js")).headers
        assert (await browser.post("/_upload")).status_code == 200
        foreign = {"Origin": "http://evil.example"}
        assert (await browser.post("/_upload", headers=foreign)).status_code == 403


async def test_a_key_opens_no_pages(served: Served) -> None:
    async with served.with_key(await served.key()) as program:
        assert (await program.get("/tasks")).status_code == 401


@pytest.mark.parametrize("path", ["/_event/", "/connection/websocket"])
async def test_sockets_are_refused_to_strangers_and_other_sites(served: Served, path: str) -> None:
    session = await served.session()
    url = served.url.replace("http", "ws") + path
    cookie = {"Cookie": f"pygent_session={session}"}
    host = served.url.removeprefix("http://")
    for origin in ("http://evil.example", "null", f"https://{host}", f"http://{host}.evil", ""):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={**cookie, "Origin": origin})
        assert refused.value.response.status_code == 403, origin
        with pytest.raises(InvalidStatus):
            await connect(url, additional_headers={"Origin": origin})
    with pytest.raises(InvalidStatus):
        await connect(url, additional_headers=cookie)
    with pytest.raises(InvalidStatus):
        await connect(f"{url}?token=x", additional_headers={})
    own = {**cookie, "Origin": served.url}
    async with connect(url, additional_headers=own):
        pass


async def test_the_pages_socket_needs_a_session(served: Served) -> None:
    url = served.url.replace("http", "ws") + "/_event/"
    with pytest.raises(InvalidStatus):
        await connect(url, additional_headers={"Origin": served.url})


async def test_every_answer_carries_the_headers(served: Served, nobody: httpx.AsyncClient) -> None:
    paths = ("/", "/login", "/assets/app.js", "/api/v1/me", "/api/nothing", "/health/live")
    for path in (*paths, "/auth/ticket", "/connection/websocket"):
        headers = (await nobody.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["referrer-policy"] == "same-origin", path
        assert "strict-transport-security" not in headers, path
        assert "server" not in headers, path
        assert "x-request-id" in headers, path
        assert "access-control-allow-origin" not in headers, path
    own = (await nobody.get("/login")).headers["content-security-policy"]
    assert own == OWN_POLICY
    assert (
        "default-src 'none'" in (await nobody.get("/api/v1/me")).headers["content-security-policy"]
    )


async def test_over_https_cookies_are_secure_and_browsers_stay_there(addresses: Addresses) -> None:
    async with serving(addresses, public_url="https://factory.example") as served:
        origin = {"Origin": "https://factory.example"}
        async with httpx.AsyncClient(base_url=served.url, trust_env=False) as browser:
            ticket = {"ticket": await served.ticket()}
            answer = await browser.post("/auth/ticket", json=ticket, headers=origin)
            assert answer.status_code == 200
            assert "; Secure" in answer.headers["set-cookie"]
            assert "max-age=31536000" in answer.headers["strict-transport-security"]


async def test_what_breaks_in_a_page_is_a_problem_without_its_reason(served: Served) -> None:
    async with served.browser(session=await served.session()) as browser:
        answer = await browser.get("/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "secret" not in answer.text


def test_a_public_url_is_an_origin() -> None:
    assert HubSettings(public_url="https://A.example/").public_url == "https://a.example"
    for bad in ("a.example", "ftp://a", "https://a/path", "https://"):
        with pytest.raises(ValueError, match="public_url"):
            HubSettings(public_url=bad)


def test_a_missing_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYGENT_DATABASE_URL", raising=False)
    with pytest.raises(InvalidRequest, match="PYGENT_DATABASE_URL"):
        _ = HubSettings(redis_url="redis://x").addresses


def test_the_providers_are_those_of_the_workers() -> None:
    providers = pytest.importorskip("agents.models.providers")
    assert set(PROVIDER_VARIABLES) == set(providers.PROVIDERS)
    for name, provider in providers.PROVIDERS.items():
        assert PROVIDER_VARIABLES[name][0] == provider.wanted


async def test_each_request_is_one_line_with_its_ids_and_without_its_query(served: Served) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    task = "0199aaaa-0000-7000-8000-000000000000"
    stream = io.StringIO()
    with logging_to(stream):
        async with served.with_key(await served.key()) as program:
            await program.get(
                f"/api/v1/tasks/{task}?after=canary",
                headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "r7"},
            )
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", f"/api/v1/tasks/{task}", 404)
    assert (line["request_id"], line["trace_id"], line["task_id"]) == ("r7", trace, task)
    assert "canary" not in stream.getvalue()
