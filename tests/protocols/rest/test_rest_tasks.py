"""Tasks over HTTP: happy paths, cursors, idempotency, and how each error is said."""

import httpx
import psycopg
import pytest

from protocols.operations.tasks import SubmitTask
from protocols.principals import TeamId
from tests.serving import Served

ABSENT = "0199aaaa-0000-7000-8000-000000000000"


async def test_a_submitted_task_can_be_read_watched_and_canceled(
    served: Served, program: httpx.AsyncClient
) -> None:
    answer = await program.post("/api/v1/tasks", json={"agent": "echo", "input": "hello"})
    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt["state"] == "submitted"
    assert receipt["channel"] == f"task:{receipt['id']}"
    assert receipt["version"] == 1

    task = (await program.get(f"/api/v1/tasks/{receipt['id']}")).json()
    assert (task["title"], task["version"], task["epoch"]) == ("hello", 1, receipt["epoch"])

    standing = (await program.get(f"/api/v1/tasks/{receipt['id']}/receipt")).json()
    assert standing == receipt

    canceled = await program.post(f"/api/v1/tasks/{receipt['id']}/cancel")
    assert canceled.json()["state"] == "canceled"
    again = await program.post(f"/api/v1/tasks/{receipt['id']}/cancel")
    assert again.status_code == 409
    assert again.json()["code"] == "invalid_transition"


async def test_events_are_paged_by_version_in_both_directions(
    served: Served, program: httpx.AsyncClient
) -> None:
    task = await served.task()
    worker = served.worker(task)
    await worker.begin()
    for number in range(10):
        await worker.say(f"{number} ")
    await worker.finish()

    path = f"/api/v1/tasks/{task}/events"
    first = (await program.get(path, params={"limit": 5})).json()
    assert [event["version"] for event in first["events"]] == [1, 2, 3, 4, 5]
    assert first["version"] == 17
    rest = (await program.get(path, params={"after": 5})).json()
    assert [event["version"] for event in rest["events"]] == list(range(6, 18))
    before = (await program.get(path, params={"before": 6, "limit": 3})).json()
    assert [event["version"] for event in before["events"]] == [3, 4, 5]
    event = first["events"][0]
    assert event["type"] == "task.submitted"
    assert event["data"]["input"][0]["parts"][0]["text"] == "hello"
    for bad in ({"after": -1}, {"after": 2**31}, {"limit": 1001}, {"limit": 0}, {"after": "x"}):
        answer = await program.get(path, params=bad)
        assert answer.status_code == 422, bad
        assert answer.json()["problems"][0]["field"].startswith("query."), bad


async def test_a_repeated_key_gives_the_same_task_and_another_request_is_refused(
    program: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "order-1"}
    body = {"agent": "echo", "input": "hello"}
    first = await program.post("/api/v1/tasks", json=body, headers=headers)
    again = await program.post("/api/v1/tasks", json=body, headers=headers)
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    other = await program.post("/api/v1/tasks", json={**body, "input": "bye"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "already_exists")
    spaced = await program.post("/api/v1/tasks", json=body, headers={"Idempotency-Key": "a b"})
    assert spaced.status_code == 422


@pytest.mark.parametrize("path", ["", "/events", "/stream", "/receipt"])
async def test_what_is_absent_or_of_another_team_answers_the_same_404(
    served: Served, program: httpx.AsyncClient, path: str
) -> None:
    task = await served.task()
    foreign = served.with_key(await served.key(team=TeamId(2)))
    async with foreign:
        for_stranger = await foreign.get(f"/api/v1/tasks/{task}{path}")
    absent = await program.get(f"/api/v1/tasks/{ABSENT}{path}")
    assert for_stranger.status_code == absent.status_code == 404
    said = for_stranger.json()["detail"].replace(task, "ID")
    assert said == absent.json()["detail"].replace(ABSENT, "ID")
    assert (await program.get(f"/api/v1/tasks/not-a-uuid{path}")).status_code == 404


async def test_a_task_that_cannot_be_folded_is_a_conflict_with_a_code_of_its_own(
    served: Served, program: httpx.AsyncClient, database: str
) -> None:
    task = await served.task()
    async with await psycopg.AsyncConnection.connect(database) as root:
        await root.execute("UPDATE pygent.event SET body = 'no JSON' WHERE stream_id = %s", (task,))
    answer = await program.get(f"/api/v1/tasks/{task}")
    assert (answer.status_code, answer.json()["code"]) == (409, "unreadable")
    assert answer.json()["detail"].startswith(f"task {task} cannot be folded")


async def test_a_task_of_another_team_cannot_be_canceled(served: Served) -> None:
    task = await served.task()
    async with served.with_key(await served.key(team=TeamId(2))) as foreign:
        answer = await foreign.post(f"/api/v1/tasks/{task}/cancel")
    assert answer.status_code == 404


async def test_an_unknown_agent_and_an_empty_input_are_said_with_their_code(
    program: httpx.AsyncClient,
) -> None:
    unknown = await program.post("/api/v1/tasks", json={"agent": "nobody", "input": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    empty = await program.post("/api/v1/tasks", json={"agent": "echo", "input": ""})
    assert (empty.status_code, empty.json()["code"]) == (422, "invalid_request")
    assert empty.headers["content-type"] == "application/problem+json"
    assert empty.json()["request_id"] == empty.headers["x-request-id"]


async def test_lists_take_filters_and_refuse_unknown_ones(
    served: Served, program: httpx.AsyncClient
) -> None:
    await served.factory().tasks.submit(SubmitTask(agent="echo", input="one"))
    found = await program.get("/api/v1/tasks", params={"state": ["submitted", "working"]})
    assert found.status_code == 200
    assert set(found.json()) == {"items", "next", "position"}
    for bad in ({"state": "sleeping"}, {"order": "title"}, {"cursor": "%%%"}, {"limit": 201}):
        assert (await program.get("/api/v1/tasks", params=bad)).status_code == 422, bad
