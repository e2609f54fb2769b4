"""Every command teaches itself, and wrong usage is told as such; nothing runs for that."""

from pathlib import Path

import psycopg
import pytest
from anyio import to_thread
from typer.testing import CliRunner, Result

from hub.cli.agents import read_spec
from hub.cli.app import COMMANDS, app
from protocols.errors import InvalidRequest

EXIT_USAGE = 2
DEEPER = [
    ["agents", "ls"], ["agents", "show"], ["agents", "create"], ["agents", "versions"],
    ["agents", "retire"], ["agents", "check"], ["agents", "diff"], ["agents", "duplicate"],
    ["collections", "ls"], ["collections", "create"], ["collections", "show"],
    ["collections", "documents"], ["collections", "delete"], ["documents", "ls"],
    ["documents", "show"], ["documents", "retry"], ["documents", "delete"], ["models", "ls"],
    ["models", "test"], ["tasks", "events"], ["conversations", "ls"],
    ["tasks", "ls"], ["tasks", "show"], ["tasks", "create"], ["tasks", "cancel"],
    ["token", "create"], ["token", "ls"], ["token", "revoke"], ["projections", "rebuild"],
]  # fmt: skip


GROUPS = [
    [], ["tasks"], ["agents"], ["collections"], ["conversations"], ["documents"], ["models"],
    ["token"], ["projections"], ["namespaces"],
]  # fmt: skip

TOLD = [[], *([name] for name in COMMANDS), *DEEPER]
RUNS_ON = {"up", "hub", "dashboard", "worker", "scheduler", "completion"}


@pytest.mark.parametrize("command", TOLD, ids=" ".join)
def test_every_command_teaches_itself(command: list[str]):
    said = CliRunner().invoke(app, [*command, "--help"], prog_name="pygent")
    assert said.exit_code == 0
    assert " ".join(["Usage: pygent", *command]) in said.output
    assert "--supervised" not in said.output
    if command not in GROUPS:
        assert "Example: " in said.output


@pytest.mark.parametrize("command", [c for c in TOLD if c not in GROUPS], ids=" ".join)
def test_every_command_that_answers_answers_programs_too(command: list[str]):
    said = CliRunner().invoke(app, [*command, "--help"], prog_name="pygent")
    assert ("--json" in said.output) == (command[0] not in RUNS_ON)


@pytest.mark.parametrize(
    "command",
    [["task", "show"], ["agent", "list"], ["collection", "ls"], ["document", "rm"],
     ["model", "list"], ["tasks", "get"], ["projection", "rebuild"]],
    ids=" ".join,
)  # fmt: skip
def test_a_command_answers_to_its_other_names(command: list[str]):
    said = CliRunner().invoke(app, [*command, "--help"], prog_name="pygent")
    assert said.exit_code == 0
    assert "Example: " in said.output


def test_the_list_of_commands_names_each():
    said = CliRunner().invoke(app, ["--help"])
    assert all(name in said.output for name in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [["nothing"], ["run"], ["run", "echo"], ["tail", "x", "--after", "minus"], ["agents", "fly"],
     ["tasks", "ls", "--state", "asleep"], ["tasks", "ls", "--limit", "0"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_ends_with_two(command: list[str]):
    said = CliRunner().invoke(app, command)
    assert said.exit_code == EXIT_USAGE
    assert "Usage: " in said.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nlimits: {steps: none}\n", "limits.steps"),
        ("name: x\nstrategy: dream\n", 'strategy: .* "dream"'),
        ("name: Bad Name\ncolour: red\n", "name: a name is of lower case.*colour: "),
        ("name: [", "neither YAML nor JSON"),
        ("- a list", "the whole: "),
        ("", "the whole: "),
        ("\xff", "cannot be read"),
    ],
)
def test_a_bad_spec_names_the_file_the_field_and_the_value(tmp_path: Path, text: str, words: str):
    path = tmp_path / "agent.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidRequest, match=f"agent.yaml.*{words}"):
        read_spec(path)


def test_a_spec_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InvalidRequest, match=r"none\.yaml cannot be read"):
        read_spec(tmp_path / "none.yaml")


async def test_a_new_epoch_is_begun_only_when_it_is_meant(
    database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYGENT_DATABASE_URL", database)
    monkeypatch.setenv("PYGENT_REDIS_URL", redis_url)

    async def ask(*words: str) -> Result:
        return await to_thread.run_sync(CliRunner().invoke, app, ["rotate-epoch", *words])

    async def now() -> str:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            row = await (await connection.execute("SELECT epoch FROM pygent.epoch")).fetchone()
        return str(row[0]) if row else ""

    before = await now()
    refused = await ask()
    assert refused.exit_code == EXIT_USAGE
    assert "--yes" in refused.output
    assert await now() == before
    done = await ask("--yes")
    assert done.exit_code == 0, done.output
    assert await now() != before
    assert await now() in done.output
