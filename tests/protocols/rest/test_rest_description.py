"""The OpenAPI document, the error table and the page to try it."""

import base64
import hashlib
import inspect
import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from protocols import errors
from protocols.agents import AgentSpec
from protocols.knowledge import CreateCollection, NewDocument, SearchRequest
from protocols.operations.keys import CreateKey
from protocols.operations.tasks import SubmitTask
from protocols.rest import client_http, openapi, problems, routes
from tests.serving import Served

EXPECTED = {
    ("POST", "/v1/agents"),
    ("POST", "/v1/agents/validate"),
    ("GET", "/v1/agents"),
    ("GET", "/v1/agents/{name}"),
    ("PUT", "/v1/agents/{name}"),
    ("GET", "/v1/agents/{name}/versions"),
    ("GET", "/v1/agents/{name}/versions/{number}"),
    ("POST", "/v1/agents/{name}/retire"),
    ("POST", "/v1/tasks"),
    ("GET", "/v1/tasks"),
    ("GET", "/v1/tasks/{task_id}"),
    ("GET", "/v1/tasks/{task_id}/receipt"),
    ("GET", "/v1/tasks/{task_id}/events"),
    ("GET", "/v1/tasks/{task_id}/stream"),
    ("POST", "/v1/tasks/{task_id}/cancel"),
    ("GET", "/v1/conversations"),
    ("POST", "/v1/collections"),
    ("GET", "/v1/collections"),
    ("GET", "/v1/collections/{name}"),
    ("DELETE", "/v1/collections/{name}"),
    ("GET", "/v1/collections/{name}/use"),
    ("POST", "/v1/collections/{name}/documents"),
    ("GET", "/v1/collections/{name}/documents"),
    ("GET", "/v1/collections/{name}/documents/{document_id}"),
    ("DELETE", "/v1/collections/{name}/documents/{document_id}"),
    ("GET", "/v1/collections/{name}/documents/{document_id}/chunks"),
    ("POST", "/v1/collections/{name}/documents/{document_id}/retry"),
    ("POST", "/v1/search"),
    ("POST", "/v1/search/nearest"),
    ("GET", "/v1/overview"),
    ("GET", "/v1/me"),
    ("GET", "/v1/models"),
    ("POST", "/v1/models/test"),
    ("GET", "/v1/system"),
    ("GET", "/v1/system/samples"),
    ("GET", "/v1/hub"),
    ("GET", "/v1/hub/connections"),
    ("POST", "/v1/hub/disconnect"),
    ("GET", "/v1/hub/channels"),
    ("GET", "/v1/hub/channel"),
    ("POST", "/v1/keys"),
    ("GET", "/v1/keys"),
    ("DELETE", "/v1/keys/{key_id}"),
    ("GET", "/v1/namespaces"),
    ("PUT", "/v1/namespaces/{name}"),
    ("DELETE", "/v1/namespaces/{name}"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.describe(routes.application())


def test_every_route_is_described(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == EXPECTED
    assert document["openapi"].startswith("3.1")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            place = f"{method} {path}"
            assert operation["summary"], place
            assert operation["description"], place
            answers = operation["responses"]
            assert {"401", "404", "422", "429", "503"} <= set(answers), place
            assert set(answers["429"]["headers"]) == {"Retry-After"}, place
            of_bodies = {"408", "413", "415"} & set(answers)
            assert of_bodies == ({"408", "413", "415"} if "requestBody" in operation else set())


def test_every_reference_leads_somewhere_and_ids_are_unique(document: dict[str, Any]) -> None:
    for reference in _references(document):
        part: Any = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        assert part
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def test_the_schema_of_a_task_has_every_field_of_its_fold(document: dict[str, Any]) -> None:
    task = document["components"]["schemas"]["TaskAtHead"]
    assert {"id", "steps", "said", "version", "epoch", "usage"} <= set(task["properties"])
    step = document["components"]["schemas"]["Step"]
    assert {"arguments", "result", "state"} <= set(step["properties"])


def test_no_route_costs_a_thread() -> None:
    for router in routes.ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            waiting = [route.dependant]
            while waiting:
                dependant = waiting.pop()
                assert inspect.iscoroutinefunction(dependant.call), dependant.call
                waiting += dependant.dependencies


def test_every_example_is_one_that_would_be_taken() -> None:
    models: tuple[type[BaseModel], ...] = (
        SubmitTask,
        AgentSpec,
        CreateCollection,
        NewDocument,
        SearchRequest,
        CreateKey,
    )
    assert {model.__name__ for model in models} == set(openapi.EXAMPLES)
    for model in models:
        model.model_validate(openapi.EXAMPLES[model.__name__])


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for inner in part.values() for ref in _references(inner)]
    if isinstance(part, list):
        return [ref for inner in part for ref in _references(inner)]
    return []


def test_every_error_has_its_status_and_comes_back_as_itself() -> None:
    for kind in (kind for kind in errors.leaves() if kind.__module__ == errors.__name__):
        assert kind in problems.STATUS, kind
        error = kind("a reason", field="limits.steps")
        response = problems.response_to(error, {"type": "http"})
        found = client_http.error_of(response.status_code, response.headers, bytes(response.body))
        assert type(found) is kind
        assert (found.message, found.field) == ("a reason", "limits.steps")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthenticated),
        (404, errors.NotFound),
        (429, errors.LimitExceeded),
        (418, errors.InvalidRequest),
        (500, errors.Unavailable),
        (502, errors.Unavailable),
    ],
)
def test_answers_of_others_than_a_hub_become_errors_by_status(
    status: int, kind: type[errors.FactoryError]
) -> None:
    error = client_http.error_of(status, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>")
    assert type(error) is kind
    broken = client_http.error_of(status, {"content-type": problems.MEDIA_TYPE}, b"{")
    assert type(broken) is kind


async def test_the_description_and_its_page_need_to_know_who_asks(
    served: Served, program: httpx.AsyncClient
) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as nobody:
        assert (await nobody.get("/api/openapi.json")).status_code == 401
        assert (await nobody.get("/api/docs")).status_code == 401
        page = await nobody.get("/api/docs", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/api/docs")
    assert (await program.get("/api/openapi.json")).json()["openapi"].startswith("3.1")


async def test_the_page_needs_nothing_from_elsewhere_and_its_policy_allows_only_itself(
    program: httpx.AsyncClient,
) -> None:
    page = await program.get("/api/docs")
    assert page.status_code == 200
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert " style=" not in page.text
    assert " onclick=" not in page.text
