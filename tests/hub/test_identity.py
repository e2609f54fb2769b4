"""Ways in: tickets work once, sessions and keys until they end, and none is written anywhere."""

import io
from collections.abc import Generator

import httpx
import pytest
from anyio import fail_after, sleep

from hub.identity.secrets import hashed
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
