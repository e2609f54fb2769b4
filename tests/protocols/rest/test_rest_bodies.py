"""Hostile and broken requests: always a 4xx that says the rule, never a 5xx or a traceback."""

import io
import json
import time
from collections.abc import AsyncIterator

import anyio
import httpx

from protocols.rest.bodies import MAX_BYTES
from tests.serving import Served, logging_to

JSON = {"Content-Type": "application/json"}

HOSTILE = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"agent":"echo","input":' + b'{"a":' * 100_000,
    "closed and deep": b'{"agent":"echo","input":' + b"[" * 500 + b"]" * 500 + b"}",
    "a 5,000-digit integer": b'{"agent":"echo","input":' + b"1" * 5000 + b"}",
    "a 30-digit integer": b'{"agent":"echo","input":[{"role":' + b"1" * 30 + b"}]}",
    "NaN": b'{"agent":"echo","input":NaN}',
    "Infinity": b'{"agent":"echo","input":[{"role":-Infinity}]}',
    "1e400": b'{"agent":"echo","input":[{"role":1e400}]}',
    "a NUL": b'{"agent":"echo","input":"a\\u0000b"}',
    "a NUL in a name": b'{"agent":"echo","input":"a","b\\u0000":1}',
    "a raw NUL": b'{"agent":"echo","input":"a\x00b"}',
    "a lone surrogate": b'{"agent":"echo","input":"\\ud800"}',
    "a surrogate in UTF-8": b'{"agent":"echo","input":"\xed\xa0\x80"}',
    "no UTF-8": b'{"agent":"\xff\xfe","input":"a"}',
    "a byte order mark": b'\xef\xbb\xbf{"agent":"echo","input":"a"}',
    "300,000 numbers for messages": b'{"agent":"echo","input":[' + b"1," * 300_000 + b"1]}",
    "as many as may be": b'{"agent":"echo","input":[' + b"1," * 19_000 + b"1]}",
    "20,000 keys": json.dumps({f"k{n}": n for n in range(20_000)}).encode(),
    "an empty body": b"",
    "a list": b"[]",
    "null": b"null",
    "half an object": b'{"agent":"echo"',
    "two objects": b'{"agent":"echo","input":"a"}{}',
    "an unknown field": b'{"agent":"echo","input":"a","admin":true}',
    "a huge agent": b'{"agent":"' + b"a" * 100_000 + b'","input":"a"}',
}


async def test_hostile_json_is_refused_with_a_4xx_problem(program: httpx.AsyncClient) -> None:
    for name, body in HOSTILE.items():
        began = time.process_time()  # of this process alone: others may be busy
        answer = await program.post("/api/v1/tasks", content=body, headers=JSON)
        assert time.process_time() - began < 1.5, name
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["code"] in {"invalid_request", "not_found"}, name
        assert len(answer.content) < 20_000, name
        assert b"Traceback" not in answer.content, name


async def test_duplicate_keys_are_read_as_the_last_one(program: httpx.AsyncClient) -> None:
    body = b'{"agent":"nobody","input":"a","agent":"echo"}'
    assert (await program.post("/api/v1/tasks", content=body, headers=JSON)).status_code == 202


BAD_SPECS: list[dict[str, object]] = [
    {"name": "x\u0000y"},
    {"name": "a", "script": [{"tool": "t", "arguments": {"n": 10**25}}], "model": "scripted"},
    {"name": "a", "limits": {"steps": 0}},
    {"name": "a", "limits": {"seconds": 1e308}},
    {"name": "a", "tools": ["t"] * 65},
    {"name": "UPPER"},
    {"name": "a", "instructions": "x" * 100_001},
]


async def test_a_bad_spec_names_the_field(program: httpx.AsyncClient) -> None:
    for spec in BAD_SPECS:
        answer = await program.post("/api/v1/agents", json=spec)
        assert answer.status_code in {400, 422}, answer.text
        if answer.status_code == 422:
            problem = answer.json()["problems"][0]
            assert problem["field"]
            assert problem["rule"]
            assert len(problem["value"]) <= 80


HOSTILE_ADDRESSES = [
    "/api/v1/agents/%00",
    "/api/v1/tasks?text=%00",
    "/api/v1/tasks?%00=1",
    "/api/v1/agents/%ff%fe",
    "/api/v1/agents/..%2f..%2fetc%2fpasswd",
    "/api/v1/tasks?since=never",
    "/api/v1/tasks?since=0001-01-01T00:00:00Z",
    "/api/v1/tasks?until=9999-12-31T23:59:59Z",
    "/api/v1/overview?window=1y",
    "/api/v1/agents/a/versions/99999999999",
    "/api/v1/agents/" + "a" * 5000,
    "/api/v1/tasks?agent=%F0%9F%92%A9%27%3B--",
    "/api/v1/tasks?text=%27%22%5C%25_%3A*%28%26%21",
    "/api/v1/tasks?submitted_by=" + "x" * 3000,
    "/api/v1/tasks?cursor=" + "A" * 3000,
]


async def test_hostile_addresses_never_break_anything(program: httpx.AsyncClient) -> None:
    for path in HOSTILE_ADDRESSES:
        answer = await program.get(path)
        assert answer.status_code < 500, (path, answer.text)


async def test_a_body_over_the_limit_is_413_with_the_limit_whatever_is_declared(
    served: Served, program: httpx.AsyncClient
) -> None:
    async def streamed() -> AsyncIterator[bytes]:
        yield b'{"agent":"echo","input":"'
        for _ in range(20):
            yield b"a" * 100_000

    body = json.dumps({"agent": "echo", "input": "a" * MAX_BYTES})
    declared = await program.post("/api/v1/tasks", content=body, headers=JSON)
    chunked = await program.post("/api/v1/tasks", content=streamed(), headers=JSON)
    for answer in (declared, chunked):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "limit_exceeded"
        assert str(MAX_BYTES) in answer.json()["detail"]
    assert (await program.get("/api/v1/me")).status_code == 200


async def test_nobody_is_told_to_log_in_before_a_byte_of_the_body_is_read(served: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b"a" * 100_000

    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as nobody:
        answer = await nobody.post("/api/v1/tasks", content=b"x" * 100, headers=JSON)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_unknown_routes_and_wrong_methods_are_problems(program: httpx.AsyncClient) -> None:
    nowhere = await program.get("/api/v1/nothing")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    wrong = await program.patch("/api/v1/tasks")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, POST"
    assert wrong.json()["detail"].endswith("it knows GET, POST")
    outside = await program.get("/nothing")
    assert (outside.status_code, outside.json()["code"]) == (404, "not_found")


async def test_a_request_id_goes_in_and_out_and_a_bad_one_is_replaced(
    program: httpx.AsyncClient,
) -> None:
    given = await program.get("/api/v1/nothing", headers={"X-Request-Id": "order-7"})
    assert given.headers["x-request-id"] == given.json()["request_id"] == "order-7"
    bad = await program.get("/api/v1/me", headers={"X-Request-Id": "a b\x1b[31m" + "x" * 100})
    assert bad.headers["x-request-id"].isalnum()


async def test_a_form_is_not_json(program: httpx.AsyncClient) -> None:
    answer = await program.post("/api/v1/tasks", data={"agent": "echo", "input": "x"})
    assert answer.status_code == 415
    plain = await program.post(
        "/api/v1/tasks",
        content=b'{"agent":"echo","input":"x"}',
        headers={"Content-Type": "text/plain"},
    )
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in plain.json()["detail"]


async def test_a_message_of_another_shape_is_told_the_right_one(program: httpx.AsyncClient) -> None:
    said = [{"role": "user", "content": "Why?"}]
    answer = await program.post("/api/v1/tasks", json={"agent": "echo", "input": said})
    assert (answer.status_code, answer.json()["field"]) == (422, "input.0")
    assert "{role, parts: [{type: text, text}]}" in answer.json()["detail"]


async def test_a_body_that_breaks_off_is_no_error_of_ours(served: Served) -> None:
    log = io.StringIO()
    host, port = served.url.removeprefix("http://").split(":")
    head = (
        f"POST /auth/ticket HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {served.url}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    with logging_to(log):
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(head.encode())
            await anyio.sleep(0.1)  # until it waits for the rest
        with anyio.fail_after(5):
            while "/auth/ticket" not in log.getvalue():
                await anyio.sleep(0.01)
    assert "Traceback" not in log.getvalue()
