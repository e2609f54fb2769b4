"""Who came in, and who did not, stands in the log: one line each, by its name, without a secret."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.identity.audit import Happened
from protocols.principals import Role
from tests.serving import Served, logging_to

HERE = "127.0.0.1"


class Log:
    """What was logged meanwhile."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def audit(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["logger"] == "hub.identity.audit"]

    def events(self) -> list[str]:
        return [line["event"] for line in self.audit()]


async def test_a_login_and_its_end_are_told_with_the_person(served: Served) -> None:
    log = Log()
    ticket = await served.ticket()
    with logging_to(log.stream):
        async with served.browser() as browser:
            answer = await browser.post("/auth/ticket", json={"ticket": ticket})
            session = answer.cookies["pygent_session"]
        async with served.browser(session=session) as owner:
            await owner.post("/auth/logout")
            await owner.post("/auth/logout")
    assert log.events()[:3] == ["ticket.used", "login.succeeded", "session.ended"]
    assert "session.ended" not in log.events()[3:]
    for line in log.audit()[:3]:
        assert (line["actor"], line["team"], line["address"]) == ("user:owner", 1, HERE)
        assert line["level"] == "info"
        assert line["request_id"]
    assert ticket not in log.stream.getvalue()
    assert session not in log.stream.getvalue()


async def test_a_used_ticket_is_told_as_a_failure(served: Served) -> None:
    log = Log()
    ticket = await served.ticket()
    async with served.browser() as browser:
        await browser.post("/auth/ticket", json={"ticket": ticket})
        with logging_to(log.stream):
            assert (await browser.post("/auth/ticket", json={"ticket": ticket})).status_code == 401
    assert log.events() == ["ticket.refused", "login.failed"]
    assert {line["level"] for line in log.audit()} == {"warning"}
    assert {line["address"] for line in log.audit()} == {HERE}
    assert ticket not in log.stream.getvalue()


async def test_a_key_is_told_by_its_prefix_when_it_is_made_revoked_and_still_used(
    served: Served,
) -> None:
    log = Log()
    async with served.browser(session=await served.session()) as owner:
        with logging_to(log.stream):
            made = (await owner.post("/api/v1/keys", json={"name": "n"})).json()
            async with served.with_key(made["token"]) as program:
                assert (await program.get("/api/v1/me")).status_code == 200
                await owner.delete(f"/api/v1/keys/{made['id']}")
                for _ in range(3):
                    assert (await program.get("/api/v1/me")).status_code == 401
    assert log.events() == ["key.created", "key.revoked", "secret.refused"]
    created, revoked, refused = log.audit()
    assert {line["key"] for line in (created, revoked, refused)} == {made["prefix"]}
    assert (created["actor"], created["role"]) == ("user:owner", "operator")
    assert (revoked["actor"], refused["kind"]) == ("user:owner", "key")
    assert made["token"] not in log.stream.getvalue()


async def test_a_wrong_session_is_told_without_it(served: Served) -> None:
    log = Log()
    with logging_to(log.stream):
        async with served.browser(session="x" * 43) as nobody:
            assert (await nobody.get("/api/v1/me")).status_code == 401
    (line,) = log.audit()
    assert (line["event"], line["kind"], line["key"]) == ("secret.refused", "session", None)
    assert "x" * 43 not in log.stream.getvalue()


async def test_what_a_role_may_not_do_is_told_with_who_and_why(served: Served) -> None:
    log = Log()
    key = await served.key()
    with logging_to(log.stream):
        async with served.with_key(key) as program:  # an operator, who may not manage keys
            assert (await program.post("/api/v1/keys", json={"name": "b"})).status_code == 403
    (line,) = log.audit()
    assert (line["event"], line["method"], line["path"]) == (
        "access.denied",
        "POST",
        "/api/v1/keys",
    )
    assert line["actor"] == f"key:{key.split('_')[1]}"
    assert line["team"] == 1
    assert Role.OPERATOR in line["reason"]


async def test_another_sites_page_is_told_over_http_and_sockets(served: Served) -> None:
    log = Log()
    session = await served.session()
    foreign = {"Origin": "https://evil.example", "Cookie": f"pygent_session={session}"}
    url = served.url.replace("http:", "ws:") + "/connection/websocket"
    with logging_to(log.stream):
        async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
            answer = await client.post("/api/v1/tasks", headers=foreign, json={})
            assert answer.status_code == 403
        with pytest.raises(InvalidStatus):
            async with connect(url, additional_headers=foreign, proxy=None):
                pass
    assert [(line["event"], line["method"]) for line in log.audit()] == [
        ("access.denied", "POST"),
        ("access.denied", "WEBSOCKET"),
    ]
    assert {line["address"] for line in log.audit()} == {HERE}
    assert all("Origin" in line["reason"] for line in log.audit())


async def test_guessing_is_told_each_time_also_when_it_is_held_up(served: Served) -> None:
    log = Log()
    async with served.browser() as browser:
        with logging_to(log.stream):
            statuses = [
                (await browser.post("/auth/ticket", json={"ticket": "w" * 43})).status_code
                for _ in range(12)
            ]
    assert statuses == [401] * 10 + [429] * 2
    assert log.events().count("login.failed") == 12


def test_every_name_stands_in_the_documents() -> None:
    text = (Path(__file__).parents[2] / "docs/monitoring.md").read_text()
    for happened in Happened:
        assert f"`{happened}`" in text
