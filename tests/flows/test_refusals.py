"""Bad specs, documents and requests are answered with the thing, the rule and the value."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from protocols.rest.client import RestClient
from tests.flows.product import Product

TASK = "/api/v1/tasks"
AGENTS = "/api/v1/agents"
NO_TASK = "01a1aaaa-0000-7000-8000-000000000000"
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
async def http(product: Product) -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {product.key}"}
    async with httpx.AsyncClient(
        base_url=product.url, headers=headers, timeout=60, trust_env=False
    ) as client:
        yield client


@pytest.fixture
async def collection(client: RestClient, http: httpx.AsyncClient) -> str:
    """A collection to add documents to."""
    await http.post("/api/v1/collections", json={"name": "refusals"})
    assert (await client.knowledge.get("refusals")).name == "refusals"
    return "/api/v1/collections/refusals/documents"


def assert_problem(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    said = answer.text
    for word in words:
        assert word in said, said
    assert "Traceback" not in said
    return problem


SPECS = [
    ({}, "name", "required"),
    ({"name": "Bad Name"}, "name", "Bad Name"),
    ({"name": "x", "model": "gpt"}, "model", "gpt"),
    ({"name": "x", "strategy": "dream"}, "strategy", "dream"),
    ({"name": "x", "tools": ["rm"]}, "tools", "rm"),
    ({"name": "x", "limits": {"steps": 0}}, "limits.steps", "0"),
    ({"name": "x", "limits": {"seconds": "long"}}, "limits.seconds", "long"),
    ({"name": "x", "collections": ["docs"]}, "collections", "knowledge_search"),
    ({"name": "x", "colour": "red"}, "colour", "red"),
    ({"name": "x", "script": [{"text": "hi"}]}, "script", "scripted"),
    ({"name": "x", "model": "scripted", "script": [{}]}, "script.0", "exactly one"),
    ({"name": "x", "temperature": 9}, "temperature", "9"),
    (
        {"name": "x", "tools": ["knowledge_search"], "collections": ["no-such"]},
        "collections",
        "no-such",
    ),
]


@pytest.mark.parametrize(("spec", "field", "word"), SPECS)
async def test_a_bad_spec_names_the_field_and_the_value(
    http: httpx.AsyncClient, spec: dict[str, object], field: str, word: str
):
    assert_problem(await http.post(AGENTS, json=spec), 422, field, word)


REQUESTS = [
    ({}, 422, "agent"),
    ({"agent": "echo"}, 422, "input"),
    ({"agent": "echo", "input": ""}, 422, "empty"),
    ({"agent": "echo", "input": " \n"}, 422, "empty"),
    ({"agent": "echo", "input": 7}, 422, "input"),
    ({"agent": "echo", "input": []}, 422, "empty"),
    ({"agent": "echo", "input": [{"role": "user"}]}, 422, "parts"),
    ({"agent": "echo", "input": [{"role": "king", "parts": []}]}, 422, "role"),
    (
        {
            "agent": "echo",
            "input": [{"role": "assistant", "parts": [{"type": "text", "text": "a"}]}],
        },
        422,
        "must be user",
    ),
    ({"agent": "nobody", "input": "hi"}, 404, "nobody"),
    ({"agent": "echo", "input": "hi", "priority": 1}, 422, "priority"),
    ({"agent": "echo", "input": "x" * (MEBIBYTE + 1)}, 413, str(MEBIBYTE)),
    ({"agent": "echo", "input": "a\x00b"}, 400, "NUL"),
]


@pytest.mark.parametrize(("body", "status", "word"), REQUESTS)
async def test_a_bad_request_names_the_rule(
    http: httpx.AsyncClient, body: dict[str, object], status: int, word: str
):
    assert_problem(await http.post(TASK, json=body), status, word)


RAW = [
    (b"{", 400, "JSON"),
    (b'{"agent": "echo", "input": NaN}', 400, "JSON"),
    (b'{"agent": "echo", "input": "\xff"}', 400, "UTF-8"),
    (b'{"agent": "echo", "input": "\\ud800"}', 400, ""),
    (b"[" * 500 + b"]" * 500, 400, "nested"),
    (b"", 422, "body"),
]


@pytest.mark.parametrize(("body", "status", "word"), RAW)
async def test_a_body_that_is_no_json_is_refused(
    http: httpx.AsyncClient, body: bytes, status: int, word: str
):
    answer = await http.post(TASK, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {status, 400, 422}, answer.text
    assert_problem(answer, answer.status_code, word)


PATHS = [
    ("GET", f"{TASK}/{NO_TASK}", 404, NO_TASK),
    ("GET", f"{TASK}/not-an-id", 404, "not-an-id"),
    ("GET", f"{TASK}/{NO_TASK}/stream", 404, NO_TASK),
    ("POST", f"{TASK}/{NO_TASK}/cancel", 404, NO_TASK),
    ("GET", f"{TASK}?limit=0", 422, "limit"),
    ("GET", f"{TASK}?limit=1000000", 422, "limit"),
    ("GET", f"{TASK}?cursor=!", 422, "cursor"),
    ("GET", f"{TASK}?state=sleeping", 422, "sleeping"),
    ("GET", f"{AGENTS}/nobody", 404, "nobody"),
    ("GET", f"{AGENTS}/echo/versions/99", 404, "99"),
    ("GET", "/api/v1/collections/nothing", 404, "nothing"),
    ("GET", "/api/v1/nothing", 404, "/api/v1/nothing"),
    ("DELETE", TASK, 405, "DELETE"),
]


@pytest.mark.parametrize(("method", "path", "status", "word"), PATHS)
async def test_what_is_not_there_is_named(
    http: httpx.AsyncClient, method: str, path: str, status: int, word: str
):
    assert_problem(await http.request(method, path), status, word)


async def test_nobody_gets_anything_without_a_key(product: Product):
    async with httpx.AsyncClient(base_url=product.url, trust_env=False) as stranger:
        for path in (TASK, AGENTS, "/api/v1/me", "/api/v1/overview", "/api/v1/collections"):
            assert_problem(await stranger.get(path), 401)
        wrong = {"Authorization": "Bearer pgk_aaaaaaaa_bbbb"}
        assert_problem(await stranger.get(TASK, headers=wrong), 401)


async def test_a_finished_task_cannot_be_canceled(http: httpx.AsyncClient):
    receipt = (await http.post(TASK, json={"agent": "echo", "input": "hi"})).json()
    stream = await http.get(f"{TASK}/{receipt['id']}/stream")
    assert "event: end" in stream.text
    answer = await http.post(f"{TASK}/{receipt['id']}/cancel")
    assert_problem(answer, 409, receipt["id"], "completed")


BROKEN_PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
DOCUMENTS = [
    ("empty.md", b"", 422, "empty"),
    ("blank.txt", b" \n\t\n", 422, "empty"),
    ("picture.md", bytes(range(256)) * 8, 422, "picture.md"),
    ("fake.pdf", b"I am no PDF", 422, "%PDF-"),
    ("program.exe", b"MZ\x90\x00", 422, "program.exe"),
    ("picture.png", b"\x89PNG\r\n\x1a\n", 422, "image/png"),
    ("pdf.txt", BROKEN_PDF, 422, "PDF"),
]


@pytest.mark.parametrize(("name", "content", "status", "word"), DOCUMENTS)
async def test_a_bad_document_is_refused_by_name(
    http: httpx.AsyncClient, collection: str, name: str, content: bytes, status: int, word: str
):
    answer = await http.post(collection, files={"file": (name, content)})
    assert_problem(answer, status, word)


async def test_a_broken_pdf_fails_with_its_reason(http: httpx.AsyncClient, collection: str):
    """That it is broken only its reader sees, in the worker."""
    answer = await http.post(
        collection, files={"file": ("broken.pdf", BROKEN_PDF)}, params={"wait": 30}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "failed"
    assert "broken.pdf" in answer.json()["reason"]


async def test_fifty_megabytes_are_refused_with_the_limit_named(
    http: httpx.AsyncClient, collection: str
):
    answer = await http.post(collection, files={"file": ("big.txt", b"word " * 10 * MEBIBYTE)})
    problem = assert_problem(answer, 413)
    assert "20 MiB" in problem["detail"] or str(21 * MEBIBYTE) in problem["detail"]


async def test_a_document_needs_a_collection_and_a_file(http: httpx.AsyncClient, collection: str):
    nowhere = "/api/v1/collections/nowhere/documents"
    assert_problem(await http.post(nowhere, files={"file": ("a.md", b"# A")}), 404, "nowhere")
    assert_problem(await http.post(collection, data={"title": "x"}), 415, "multipart")
    assert_problem(await http.post(collection, json={"title": "x"}), 422, "text")
    assert_problem(await http.post("/api/v1/collections", json={"name": "A b"}), 422, "name")
