"""What is not known is refused by its name in every body; a body that does not come, by 408."""

import anyio
import httpx
import pytest

from protocols.rest.bodies import StrictRoute
from tests.serving import Served

UNKNOWN: tuple[tuple[str, dict[str, object], str], ...] = (
    ("tasks", {"agent": "echo", "input": "x", "modle": "m"}, "modle"),
    (
        "tasks",
        {"agent": "echo", "input": [{"role": "user", "parts": [], "name": "x"}]},
        "input.0.name",
    ),
    (
        "tasks",
        {
            "agent": "echo",
            "input": [{"role": "user", "parts": [{"type": "text", "text": "x", "lang": "en"}]}],
        },
        "input.0.parts.0.lang",
    ),
    ("agents", {"name": "new", "instruction": "x"}, "instruction"),
    ("agents", {"name": "new", "limits": {"minutes": 1}}, "limits.minutes"),
    ("collections", {"name": "new", "title": "x"}, "title"),
    ("collections/none/documents", {"text": "x", "name": "x"}, "name"),
    ("search", {"query": "x", "top_k": 5}, "top_k"),
)


@pytest.mark.parametrize(("path", "body", "field"), UNKNOWN)
async def test_a_field_that_is_not_known_is_refused_by_name(
    program: httpx.AsyncClient, path: str, body: dict[str, object], field: str
) -> None:
    answer = await program.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert field in answer.json()["detail"]


async def test_a_field_of_a_form_that_is_not_known_is_refused_by_name(
    program: httpx.AsyncClient,
) -> None:
    answer = await program.post(
        "/api/v1/collections/none/documents",
        files={"file": ("a.md", b"# words", "text/markdown")},
        data={"titel": "Words"},
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "titel"), answer.text


async def test_a_key_to_be_and_a_ticket_have_no_field_but_their_own(served: Served) -> None:
    async with served.browser(session=await served.session()) as owner:
        answer = await owner.post("/api/v1/keys", json={"name": "a", "role": "owner"})
        assert (answer.status_code, answer.json()["field"]) == (422, "role")
        answer = await owner.post("/auth/ticket", json={"ticket": "x", "team": 2})
        assert answer.status_code == 422


async def test_a_body_that_does_not_arrive_in_time_is_408(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StrictRoute, "seconds", 0.2)
    host, port = served.url.removeprefix("http://").split(":")
    key = await served.key()
    head = (
        f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    answer = b""
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(head.encode())
        with anyio.fail_after(5):
            while b"request_timeout" not in answer:
                answer += await stream.receive()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive" in answer
