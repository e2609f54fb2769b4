"""Ways in: tickets work once, sessions and keys until they end, other sites use none of them."""

import io
from collections.abc import Generator

import httpx
import pytest
from anyio import create_task_group, fail_after, sleep

from hub.identity.attempts import ADDRESSES, Attempts
from hub.identity.routes import own_path
from hub.identity.secrets import hashed
from protocols.errors import LimitExceeded
from tests.serving import Served, logging_to


@pytest.fixture
def log() -> Generator[io.StringIO]:
    stream = io.StringIO()
    with logging_to(stream):
        yield stream


async def test_a_ticket_opens_one_session_and_no_second_one(served: Served) -> None:
    ticket = await served.ticket()
    async with served.browser() as browser:
        answer = await browser.post("/auth/ticket", json={"ticket": ticket, "next": "/tasks?a=1"})
        assert answer.json() == {"next": "/tasks?a=1"}
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie
        assert (await browser.get("/api/v1/me")).json()["actor"] == "user:owner"
    async with served.browser() as other:
        again = await other.post("/auth/ticket", json={"ticket": ticket})
        assert again.status_code == 401
        assert "set-cookie" not in again.headers


async def test_an_old_ticket_opens_nothing(served: Served) -> None:
    ticket = await served.ticket()
    await execute(served, "UPDATE login_ticket SET expires_at = now() WHERE hash = %s", ticket)
    async with served.browser() as browser:
        old = await browser.post("/auth/ticket", json={"ticket": ticket})
        wrong = await browser.post("/auth/ticket", json={"ticket": "x" * 43})
    assert old.status_code == wrong.status_code == 401
    assert old.json()["detail"] == wrong.json()["detail"]


async def test_secrets_stand_in_no_log_and_are_kept_as_hashes(
    served: Served, log: io.StringIO
) -> None:
    ticket, key = await served.ticket(), await served.key()
    async with served.browser() as browser:
        session = (await browser.post("/auth/ticket", json={"ticket": ticket})).cookies[
            "pygent_session"
        ]
        await browser.post("/auth/ticket", json={"ticket": ticket})
        await browser.get("/api/v1/me?token=canary-in-query")
    async with served.with_key(key) as program:
        await program.get("/api/v1/me")
        await program.post("/api/v1/tasks", json={"agent": "echo", "input": "canary-content"})
    written = log.getvalue()
    assert '"path": "/auth/ticket"' in written
    for secret in (ticket, session, key, "canary-in-query", "canary-content"):
        assert secret not in written
    tables = ("login_ticket", "session", "api_key")
    async with served.store.log_pool.connection() as connection:
        for table in tables:
            rows = await connection.execute(f"SELECT t::text FROM {table} t".encode())
            kept = str(await rows.fetchall())
            assert not any(secret in kept for secret in (ticket, session, key, key[13:]))


async def test_a_secret_in_an_address_is_refused(served: Served) -> None:
    key = await served.key()
    async with served.with_key(key) as program:
        for name in ("token", "access_token", "api_key", "ticket"):
            answer = await program.get(f"/api/v1/me?{name}={key}")
            assert answer.status_code == answer.json()["status"] == 422, name
            assert key not in answer.text


async def test_a_revoked_key_and_an_ended_session_are_cut_within_five_seconds(
    served: Served,
) -> None:
    key, session = await served.key(), await served.session()
    async with served.with_key(key) as program, served.browser(session=session) as browser:
        assert (await program.get("/api/v1/me")).status_code == 200
        assert (await browser.get("/api/v1/me")).status_code == 200
        # As another process would: this one is not told.
        await execute(served, "UPDATE api_key SET revoked_at = now() WHERE hash = %s", key)
        await execute(served, "UPDATE session SET revoked_at = now() WHERE hash = %s", session)
        with fail_after(5):
            while (await program.get("/api/v1/me")).status_code == 200:
                await sleep(0.1)
            while (await browser.get("/api/v1/me")).status_code == 200:
                await sleep(0.1)


async def test_logging_out_ends_the_session_at_once(served: Served) -> None:
    session = await served.session()
    async with served.browser(session=session) as browser:
        assert (await browser.get("/api/v1/me")).status_code == 200
        answer = await browser.post("/auth/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_a_browser_asks_whether_it_is_logged_in_without_an_error(served: Served) -> None:
    session = await served.session()
    async with served.browser(session=session) as browser:
        answer = await browser.get("/auth/session")
        assert (answer.status_code, answer.json()) == (200, {"is_logged_in": True})
        assert answer.headers["cache-control"] == "no-store"
        await browser.post("/auth/logout")
    for secret in (session, "x" * 43, "not a secret"):
        async with served.browser(session=secret) as browser:
            answer = await browser.get("/auth/session")
            assert (answer.status_code, answer.json()) == (200, {"is_logged_in": False}), secret
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as nobody:
        assert (await nobody.get("/auth/session")).json() == {"is_logged_in": False}
        foreign = await nobody.get("/auth/session", headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403


async def test_a_session_slides_and_a_key_remembers_its_last_use(served: Served) -> None:
    key, session = await served.key(), await served.session()
    await execute(
        served,
        """
        UPDATE session
        SET last_used_at = now() - interval '2 days', expires_at = now() + interval '1 day'
        WHERE hash = %s
        """,
        session,
    )
    async with served.with_key(key) as program, served.browser(session=session) as browser:
        await program.get("/api/v1/me")
        await browser.get("/api/v1/me")
    async with served.store.log_pool.connection() as connection:
        moved = await connection.execute(
            "SELECT expires_at > now() + interval '29 days' FROM session"
        )
        assert await moved.fetchone() == (True,)
        used = await connection.execute(
            "SELECT last_used_at IS NOT NULL FROM api_key WHERE hash = %s", (hashed(key),)
        )
        assert await used.fetchone() == (True,)


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


async def test_the_ticket_page_holds_no_secret_and_runs_nothing_but_itself(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as nobody:
        page = await nobody.get("/auth/ticket")
    assert page.status_code == 200
    assert "location.hash" in page.text
    assert "pygent login-link" in page.text
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def execute(served: Served, statement: str, secret: str) -> None:
    async with served.store.log_pool.connection() as connection:
        await connection.execute(statement.encode(), (hashed(secret),))
