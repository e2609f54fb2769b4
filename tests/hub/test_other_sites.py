"""Other sites use nobody's session, guesses are slowed down, and a login leads nowhere else."""

import httpx
import pytest
from anyio import create_task_group, sleep

from hub.identity.attempts import ADDRESSES, Attempts
from hub.identity.routes import own_path
from protocols.errors import LimitExceeded
from tests.serving import Served

FOREIGN = [
    "http://evil.example",
    "https://evil.example",
    "null",
    "",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "https://{host}",
    "http://{host}.evil.example",
    "http://{host}@evil.example",
    "http://evil.example/{host}",
    "http://{host}/",
    "http://localhost:{port}",
    "file://",
    "http://{host}, http://evil.example",
]


async def test_other_sites_can_do_nothing_with_a_persons_session(served: Served) -> None:
    session = await served.session()
    host = served.url.removeprefix("http://")
    body = {"agent": "echo", "input": "x"}
    cookie = {"Cookie": f"pygent_session={session}"}
    async with httpx.AsyncClient(base_url=served.url, headers=cookie, trust_env=False) as client:
        for form in FOREIGN:
            origin = {"Origin": form.format(host=host, port=host.rpartition(":")[2])}
            posted = await client.post("/api/v1/tasks", json=body, headers=origin)
            read = await client.get("/api/v1/me", headers=origin)
            login = await client.post("/auth/ticket", json={"ticket": "x"}, headers=origin)
            out = await client.post("/auth/logout", headers=origin)
            found = [answer.status_code for answer in (posted, read, login, out)]
            assert found == [403] * 4, form
        assert (await client.post("/api/v1/tasks", json=body)).status_code == 403
        assert (await client.post("/auth/logout")).status_code == 403
        assert (await client.get("/api/v1/me")).status_code == 200
        own = {"Origin": served.url}
        assert (await client.post("/api/v1/tasks", json=body, headers=own)).status_code == 202
        override = {"X-HTTP-Method-Override": "DELETE"}
        assert (await client.post("/api/v1/tasks", json=body, headers=override)).status_code == 403
        plain = {"Content-Type": "text/plain"}
        form_post = await client.post("/api/v1/tasks", content=b'{"agent":"echo"}', headers=plain)
        assert form_post.status_code == 403


async def test_a_program_with_a_key_needs_no_origin_and_may_have_any(served: Served) -> None:
    async with served.with_key(await served.key()) as program:
        body = {"agent": "echo", "input": "x"}
        for origin in ({}, {"Origin": "https://tool.example"}):
            answer = await program.post("/api/v1/tasks", json=body, headers=origin)
            assert answer.status_code == 202


async def test_bad_authorization_never_falls_back_to_the_cookie(served: Served) -> None:
    session = await served.session()
    async with served.browser(session=session) as browser:
        for value in (
            "Bearer",
            "Bearer x",
            "Basic eDp4",
            "bearer pgk_x",
            "pgk_x",
            "Bearer " + "k" * 9000,
        ):
            answer = await browser.get("/api/v1/me", headers={"Authorization": value})
            assert answer.status_code == 401, value


async def test_guessing_is_slowed_down_and_right_secrets_are_not(served: Served) -> None:
    key = await served.key()
    async with served.with_key(key) as program, served.browser() as browser:
        assert (await program.get("/api/v1/me")).status_code == 200
        statuses: list[int] = []
        for number in range(14):
            wrong = {"Authorization": f"Bearer pgk_{number:08x}_" + "x" * 43}
            statuses.append((await browser.get("/api/v1/me", headers=wrong)).status_code)
        assert statuses == [401] * 10 + [429] * 4
        ticket = await browser.post("/auth/ticket", json={"ticket": "x" * 43})
        assert ticket.status_code == 429
        assert ticket.headers["retry-after"]
        async with served.with_key(await served.key()) as behind_the_same_proxy:
            assert (await behind_the_same_proxy.get("/api/v1/me")).status_code == 200
        await sleep(3.1)  # until this key is no longer remembered and must be looked up again
        assert (await program.get("/api/v1/me")).status_code == 200


async def test_a_burst_of_guesses_is_stopped_while_it_comes_in(served: Served) -> None:
    statuses: list[int] = []

    async def guess(browser: httpx.AsyncClient, number: int) -> None:
        wrong = {"Authorization": f"Bearer pgk_{number:08x}_" + "x" * 43}
        statuses.append((await browser.get("/api/v1/me", headers=wrong)).status_code)

    async with served.browser() as browser, create_task_group() as group:
        for number in range(100):
            group.start_soon(guess, browser, number)
    assert statuses.count(401) <= 14
    assert statuses.count(401) + statuses.count(429) == 100


def test_attempts_are_forgotten_after_a_minute_and_by_flooding() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(20):
        attempts.failed("a")
    with pytest.raises(LimitExceeded):
        attempts.refuse_guessing("a")
    attempts.refuse_guessing("b")
    now = 61.0
    attempts.refuse_guessing("a")
    for number in range(ADDRESSES + 10):
        attempts.failed(str(number))
    assert len(attempts._failed) == ADDRESSES


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example\t",
        "http://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\t/evil.example",
        "/\n/evil.example",
        "\n//evil.example",
        " //evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/tasks//evil.example",
        "evil.example",
        "@evil.example",
        ".evil.example",
        "",
        "?next=//evil.example",
        "#//evil.example",
        "/a#b",
        "/\x00",
        "/\u2215evil.example",
        "/\uff0fevil.example",
        "/\u202eevil",
        "/<script>",
        '/"onload="',
        "/" + "a" * 600,
        "/auth/logout",
        "/login",
        "/login?next=/login",
        "ftp://evil.example",
        "//evil.example/%2f..",
        "////",
        "/\\/evil.example",
        "/;//evil.example",
        "http:///evil.example",
        "https:/evil.example",
    ],
)
def test_only_own_paths_are_gone_to_after_logging_in(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize("text", ["/", "/tasks", "/tasks/0199?tab=raw&after=7", "/agents/a-b/"])
def test_own_paths_stay(text: str) -> None:
    assert own_path(text) == text
