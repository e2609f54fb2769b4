"""Commands for programs: `--json` answers as REST does, errors are problems with the same code."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from anyio import to_thread
from typer.testing import CliRunner, Result

from hub.cli.app import app
from protocols.knowledge import SearchAnswer
from protocols.operations.agents import Agent, AgentRow, AgentVersion
from protocols.operations.keys import ApiKey, CreatedKey
from protocols.operations.listings import Listing
from protocols.operations.tasks import TaskReceipt, TaskRow
from protocols.rest.resources import Problem
from protocols.tasks import TaskState
from tests.serving import Served
from tests.serving import served as served

NOWHERE = "0199aaaa-0000-7000-8000-000000000000"


async def pygent(*words: str, env: Mapping[str, str] | None = None) -> Result:
    return await to_thread.run_sync(lambda: CliRunner().invoke(app, words, env=env))


@pytest.fixture
async def client_of(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The hub that the client commands talk to."""
    addresses = served.store.addresses
    monkeypatch.setenv("PYGENT_URL", served.url)
    monkeypatch.setenv("PYGENT_API_KEY", await served.key())
    monkeypatch.setenv("PYGENT_DATABASE_URL", addresses.database)
    monkeypatch.setenv("PYGENT_REDIS_URL", addresses.redis)
    monkeypatch.setenv("PYGENT_REDIS_PREFIX", addresses.redis_prefix)
    return served


def problem_of(result: Result) -> Problem:
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return Problem.model_validate_json(result.stderr)


async def test_tasks_are_created_listed_shown_and_canceled_in_the_forms_of_rest(client_of: Served):
    created = await pygent("tasks", "create", "echo", "hello", "--json")
    receipt = TaskReceipt.model_validate_json(created.stdout)
    assert (created.exit_code, receipt.state) == (0, TaskState.SUBMITTED)
    assert Listing[TaskRow].model_validate_json((await pygent("tasks", "ls", "--json")).stdout)

    shown = await pygent("tasks", "show", receipt.id, "--json")
    async with await client_of.program() as program:
        answered = await program.get(f"/api/v1/tasks/{receipt.id}")
    assert json.loads(shown.stdout) == answered.json()

    canceled = await pygent("tasks", "cancel", receipt.id, "--json")
    assert TaskReceipt.model_validate_json(canceled.stdout).state is TaskState.CANCELED
    again = await pygent("tasks", "cancel", receipt.id, "--json")
    assert (again.exit_code, problem_of(again).code) == (6, "invalid_transition")


async def test_agents_answer_in_the_forms_of_rest(client_of: Served, tmp_path: Path):
    spec = tmp_path / "agent.yaml"
    spec.write_text("name: fresh\nmodel: scripted\n")
    created = Agent.model_validate_json(
        (await pygent("agents", "create", str(spec), "--json")).stdout
    )
    assert (created.name, created.number) == ("fresh", 1)
    shown = await pygent("agents", "show", "fresh", "--json")
    assert Agent.model_validate_json(shown.stdout).spec == created.spec
    listed = await pygent("agents", "versions", "fresh", "--json")
    assert [
        one.number for one in Listing[AgentVersion].model_validate_json(listed.stdout).items
    ] == [1]
    retired = await pygent("agents", "retire", "fresh", "--json")
    assert Agent.model_validate_json(retired.stdout).state == "retired"
    assert Listing[AgentRow].model_validate_json((await pygent("agents", "ls", "--json")).stdout)


async def test_documents_are_a_line_each_and_what_cannot_be_read_a_problem(
    client_of: Served, tmp_path: Path
):
    (tmp_path / "thing.xyz").write_text("what is this?")
    said = await pygent("ingest", str(tmp_path / "thing.xyz"), "-c", "things", "--json")
    assert said.exit_code == 1
    assert "thing.xyz" in problem_of(said).detail
    searched = await pygent("search", "anything", "--json")
    assert SearchAnswer.model_validate_json(searched.stdout).passages == []
    listed = json.loads((await pygent("collections", "ls", "--json")).stdout)
    assert [one["name"] for one in listed["items"]] == ["things"]
    assert json.loads((await pygent("collections", "documents", "things", "--json")).stdout)


async def test_a_collection_is_deleted_only_when_that_is_meant(client_of: Served, tmp_path: Path):
    (tmp_path / "a.xyz").touch()
    await pygent("ingest", str(tmp_path / "a.xyz"), "-c", "gone")
    asked = await pygent("collections", "delete", "gone")
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    assert (await pygent("collections", "delete", "gone", "--yes")).exit_code == 0
    assert (await pygent("collections", "delete", "gone", "--yes")).exit_code == 3


async def test_keys_answer_in_the_forms_of_rest(client_of: Served):
    created = CreatedKey.model_validate_json(
        (await pygent("token", "create", "--name", "robot", "--json")).stdout
    )
    listed = Listing[ApiKey].model_validate_json((await pygent("token", "ls", "--json")).stdout)
    assert created.id in {key.id for key in listed.items}
    revoked = await pygent("token", "revoke", created.id, "--json")
    assert ApiKey.model_validate_json(revoked.stdout).revoked_at is not None
    link = json.loads((await pygent("login-link", "--json")).stdout)
    assert link["url"].startswith("http")


async def test_upkeep_answers_as_json_too(client_of: Served):
    assert json.loads((await pygent("migrate", "--json")).stdout) == {"applied": []}
    rebuilt = json.loads((await pygent("projections", "rebuild", "tasks", "--json")).stdout)
    assert rebuilt["projection"] == "tasks"
    assert json.loads((await pygent("rotate-epoch", "--yes", "--json")).stdout)["epoch"]


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["tasks", "show", NOWHERE], "not_found", 3),
        (["tail", NOWHERE], "not_found", 3),
        (["run", "nobody", "hi"], "not_found", 3),
        (["agents", "create", "/nowhere.yaml"], "invalid_request", 2),
        (["tasks", "ls", "--limit", "many"], "invalid_request", 2),
        (["tasks", "ls", "--no-such-option"], "invalid_request", 2),
        (["nothing"], "invalid_request", 2),
    ],
    ids=str,
)  # fmt: skip
async def test_an_error_is_a_problem_on_standard_error(
    client_of: Served, words: list[str], code: str, exit_code: int
):
    said = await pygent(*words, "--json")
    problem = problem_of(said)
    assert (problem.code, said.exit_code) == (code, exit_code)
    assert problem.type == f"urn:pygent:problem:{code}"


async def test_a_hub_that_is_away_and_a_wrong_key_are_problems(client_of: Served):
    nowhere = {"PYGENT_URL": "http://127.0.0.1:1", "PYGENT_PATIENCE_SECONDS": "0.5"}
    away = await pygent("agents", "ls", "--json", env=nowhere)
    assert (away.exit_code, problem_of(away).status) == (7, 503)
    wrong = await pygent("agents", "ls", "--json", env={"PYGENT_API_KEY": "pgk_a_b"})
    assert (wrong.exit_code, problem_of(wrong).status) == (4, 401)


def test_the_version_is_told_without_anything_running():
    said = CliRunner().invoke(app, ["--version"])
    assert said.exit_code == 0
    assert said.stdout.startswith("pygent ")
    assert said.stdout.strip("pygent \n")


def test_a_mistyped_command_is_guessed():
    said = CliRunner().invoke(app, ["taks"])
    assert said.exit_code == 2
    assert "Did you mean 'tasks'?" in said.stderr
