"""The terminal: what the commands print into a pipe, and how they end."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.flows.processes import until
from tests.flows.product import COMMAND, Product
from tests.flows.speakers import words

pytestmark = pytest.mark.usefixtures("agents")

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_DENIED, EXIT_CANCELED, EXIT_AWAY = 1, 2, 3, 4, 5, 7
INTERRUPTED = 130


def test_run_prints_the_answer_and_nothing_else_on_standard_output(product: Product):
    said = product.run("run", "echo", "What I said")
    assert (said.code, said.out) == (0, "What I said\n")
    assert "task " in said.err
    assert "completed" in said.err
    assert "\x1b" not in said.out + said.err


def test_run_reads_the_question_from_a_pipe(product: Product):
    said = product.run("run", "echo", "-", "--quiet", text="from a pipe")
    assert (said.code, said.out.strip()) == (0, "from a pipe")


def test_run_prints_events_as_lines_of_json(product: Product):
    said = product.run("run", "echo", "hi", "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert said.err == ""
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("task.submitted", "task.completed")


def test_a_conversation_is_gone_on_with(product: Product):
    first = product.run("run", "echo", "My name is Ada")
    told = next(line for line in first.err.splitlines() if line.startswith("go on with"))
    context = told.split("--context ")[1].split()[0]
    second = product.run("run", "echo", "Who am I?", "--context", context)
    assert (second.code, second.out) == (0, "Who am I?\n")
    assert f"--context {context} " in second.err

    def are_listed() -> bool:
        rows = product.run("tasks", "ls", "--context", context).out.splitlines()
        return [row.split("\t")[-1] for row in rows] == ["Who am I?", "My name is Ada"]

    until(are_listed, seconds=10)
    lines = product.run("run", "echo", "And now?", "--context", context, "--json").out.splitlines()
    assert json.loads(lines[0])["data"]["context_id"] == context
    assert product.run("run", "echo", "x", "--context", "no name").code == EXIT_USAGE


def test_the_same_key_runs_once(product: Product):
    first = product.run("run", "echo", "once", "--json", "--key", "terminal-once")
    again = product.run("run", "echo", "once", "--json", "--key", "terminal-once")
    assert first.out == again.out


def test_tail_resumes_after_a_version(product: Product):
    task = product.run("tasks", "create", "slow", "go").out.strip()
    whole = product.run("tail", task, "--json")
    lines = whole.out.splitlines()
    assert whole.code == 0
    rest = product.run("tail", task, "--after", "10", "--json")
    assert rest.out.splitlines() == lines[10:]
    assert product.run("tail", task).out == words(150) + "\n"


def test_a_task_is_created_listed_shown_and_canceled(product: Product):
    task = product.run("tasks", "create", "endless", "cancel me").out.strip()
    canceled = product.run("tasks", "cancel", task)
    assert canceled.code == 0, canceled.err
    assert product.run("tail", task).code == EXIT_CANCELED

    shown = product.run("tasks", "show", task, "--json")
    assert json.loads(shown.out)["state"] == "canceled"
    assert "canceled" in product.run("tasks", "show", task).out

    def is_listed() -> bool:
        rows = product.run("tasks", "ls", "--state", "canceled").out.splitlines()
        return any(row.split("\t")[0] == task for row in rows)

    until(is_listed, seconds=10)
    assert product.run("tasks", "cancel", task).code == 6


def test_an_agent_is_created_published_and_shown(product: Product, tmp_path: Path):
    spec = tmp_path / "agent.yaml"
    spec.write_text("name: terminal\nmodel: scripted\ndescription: first\n")
    said = product.run("agents", "create", str(spec))
    assert said.code == 0, said.err
    assert said.out.startswith("terminal version 1")

    shown = product.run("agents", "show", "terminal").out
    changed = {**yaml.safe_load(shown), "description": "second"}
    said = product.run("agents", "create", "-", text=json.dumps(changed))
    assert said.out.startswith("terminal version 2")
    assert "first" in product.run("agents", "show", "terminal", "--version", "1").out

    def is_listed() -> bool:
        rows = [row.split("\t") for row in product.run("agents", "ls").out.splitlines()]
        return any(row[0] == "terminal" and row[-1] == "second" for row in rows)

    until(is_listed, seconds=10)


def test_a_bad_spec_names_the_field(product: Product, tmp_path: Path):
    spec = tmp_path / "agent.yaml"
    spec.write_text("name: x\nlimits: {steps: none}\n")
    said = product.run("agents", "create", str(spec))
    assert said.code == EXIT_USAGE
    assert "limits.steps" in said.err
    assert said.err.count("\n") == 1


def test_a_spec_is_checked_compared_and_duplicated(product: Product, tmp_path: Path):
    spec = tmp_path / "checked.yaml"
    spec.write_text("name: checked\nmodel: scripted\n")
    said = product.run("agents", "check", str(spec))
    assert (said.code, said.out) == (0, "checked would become version 1\n")
    assert product.run("agents", "create", str(spec)).code == 0
    spec.write_text("name: checked\nmodel: scripted\ndescription: new\n")
    assert product.run("agents", "create", str(spec), "--expected", "1").code == 0
    spec.write_text("name: checked\nmodel: scripted\ndescription: late\n")
    assert product.run("agents", "create", str(spec), "--expected", "1").code == 6
    assert "+description: new\n" in product.run("agents", "diff", "checked").out
    assert product.run("agents", "duplicate", "checked", "copied").out.startswith(
        "copied version 1"
    )
    spec.write_text("name: checked\nmodel: nobody:x\nlimits: {steps: many}\n")
    wrong = product.run("agents", "check", str(spec))
    assert wrong.code == EXIT_USAGE
    assert "limits.steps: " in wrong.err
    assert "model: " in wrong.err
    problems = json.loads(product.run("agents", "check", str(spec), "--json").out)["problems"]
    assert {problem["field"] for problem in problems} == {"limits.steps", "model"}


def test_the_factory_tells_how_it_is_and_who_asks(product: Product):
    parts = json.loads(product.run("status", "--json").out)["parts"]
    assert {"postgres", "workers", "queue"} <= {part["name"] for part in parts}
    assert product.url in product.run("whoami").out
    assert "scripted\tyes\tbuilt in" in product.run("models", "ls").out
    tried = product.run("models", "test", "extractive")
    assert tried.code == 0, tried.err
    assert product.run("models", "test", "nobody:x").code == EXIT_USAGE


def test_a_failed_task_says_why_and_ends_with_one(product: Product, tmp_path: Path):
    spec = tmp_path / "fails.json"
    spec.write_text(
        json.dumps({"name": "fails", "model": "scripted", "script": [{"fail": "no luck"}]})
    )
    assert product.run("agents", "create", str(spec)).code == 0
    said = product.run("run", "fails", "try")
    assert said.code == EXIT_FAILED
    assert "no luck" in said.err
    assert said.out == ""


def test_documents_are_ingested_and_found(product: Product, tmp_path: Path):
    (tmp_path / "bread.md").write_text("# Bread\n\nSourdough needs a starter and a long rest.\n")
    (tmp_path / "tea.txt").write_text("Green tea is brewed at seventy degrees.\n")
    (tmp_path / "ignored.bin").write_bytes(b"\x00\x01")
    said = product.run("ingest", str(tmp_path), "--collection", "kitchen")
    assert said.code == 0, said.err
    assert "2 documents" in said.err

    found = product.run("search", "starter for sourdough", "--collection", "kitchen")
    assert found.code == 0
    assert "Sourdough needs a starter" in found.out
    again = product.run("ingest", str(tmp_path / "bread.md"), "-c", "kitchen")
    assert again.code == 0, again.err


def test_a_folder_under_another_name_is_not_added_twice(product: Product, tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "bread.md").write_text("# Bread\n\nSourdough needs a starter.\n")
    (second / "a.md").write_text("Only here.\n")
    assert product.run("ingest", str(first), "-c", "twice").code == 0
    said = product.run("ingest", str(second), "-c", "twice")
    assert said.code == 0, said.err
    assert "1 documents" in said.err
    assert "1 left out, whose content is there under another name" in " ".join(said.err.split())

    (first / "bread.md").rename(first / "a.md")  # what left its name is added under the new one
    (first / "bread.md").write_text("# Bread\n\nRye needs more water.\n")
    assert "2 documents" in product.run("ingest", str(first), "-c", "twice").err
    assert "2 documents" in product.run("ingest", str(first), "-c", "twice").err
    assert product.run("documents", "ls", "twice").out.count("\n") == 3


def test_a_document_that_cannot_be_read_is_named_and_the_others_are_in(
    product: Product, tmp_path: Path
):
    (tmp_path / "good.md").write_text("# Good\n\nThis one is fine.\n")
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing\n")
    said = product.run("ingest", str(tmp_path), "-c", "mixed")
    assert said.code == EXIT_FAILED
    assert "empty.md" in said.err
    assert "broken.pdf" in said.err
    assert "1 documents" in said.err
    assert product.run("ingest", str(tmp_path / "none.md")).code == EXIT_USAGE


def test_documents_are_listed_shown_tried_again_and_deleted(product: Product, tmp_path: Path):
    (tmp_path / "bread.md").write_text("# Bread\n\nSourdough needs a starter.\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing\n")
    assert product.run("collections", "create", "shelf", "--description", "Ours").code == 0
    product.run("ingest", str(tmp_path), "-c", "shelf")
    failed = product.run("documents", "ls", "shelf", "--state", "failed").out
    assert failed.count("\n") == 1
    assert product.run("documents", "retry", "shelf", failed.split("\t")[0]).code == 0
    good = product.run("documents", "ls", "shelf", "--state", "ready").out.split("\t")[0]
    shown = product.run("documents", "show", "shelf", good)
    assert "Sourdough needs a starter" in shown.out
    assert product.run("documents", "delete", "shelf", good).code == EXIT_USAGE
    assert product.run("documents", "delete", "shelf", good, "--yes").code == 0
    assert product.run("documents", "show", "shelf", good).code == EXIT_NOT_FOUND
    assert "Documents\t1, " in product.run("collections", "show", "shelf").out


def test_a_token_is_printed_alone_works_and_can_be_revoked(product: Product):
    said = product.run("token", "create", "--name", "robot")
    token = said.out.strip()
    assert said.code == 0
    assert said.out == f"{token}\n"
    assert said.err == ""
    assert token.startswith("pgk_")

    elsewhere = {"PYGENT_URL": product.url, "PYGENT_DATA_DIR": "/nowhere"}
    assert product.run("agents", "ls", PYGENT_API_KEY=token, **elsewhere).code == 0
    row = next(r for r in product.run("token", "ls").out.splitlines() if "robot" in r)
    assert token not in row
    assert product.run("token", "revoke", row.split("\t")[0]).code == 0

    def is_refused() -> bool:
        refused = product.run("agents", "ls", PYGENT_API_KEY=token, **elsewhere)
        return refused.code == EXIT_DENIED

    until(is_refused, seconds=10)
    assert product.run("agents", "ls", **elsewhere).code == EXIT_DENIED


def test_what_is_not_there_ends_with_three(product: Product):
    for command in (["run", "nobody", "hi"], ["tail", "01a1aaaa-0000-7000-8000-000000000000"]):
        said = product.run(*command)
        assert said.code == EXIT_NOT_FOUND, said.err
        assert said.err.count("\n") == 1
        assert said.out == ""


def test_a_hub_that_is_away_ends_with_seven(product: Product):
    away = {"PYGENT_URL": "http://127.0.0.1:1", "PYGENT_API_KEY": "pgk_a_b"}
    said = product.run("agents", "ls", **away, PYGENT_PATIENCE_SECONDS="0.5")
    assert said.code == EXIT_AWAY
    assert "127.0.0.1:1" in said.err


def test_ctrl_c_stops_watching_and_not_the_task(product: Product):
    task = product.run("tasks", "create", "endless", "go on").out.strip()
    with subprocess.Popen(
        [COMMAND, "tail", task],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=product.environment_of_commands(),
        cwd=product.directory,
    ) as tail:
        assert tail.stdout is not None
        assert tail.stdout.read(2) == b"w1"
        tail.send_signal(signal.SIGINT)
        _, err = tail.communicate(timeout=10)
    assert tail.returncode == INTERRUPTED
    assert b"Traceback" not in err
    shown = product.run("tasks", "show", task, "--json")
    assert json.loads(shown.out)["state"] == "working"
    assert product.run("tasks", "cancel", task).code == 0


def test_a_closed_pipe_ends_quietly(product: Product):
    """`pygent tail … | head -1`"""
    task = product.run("tasks", "create", "slow", "go").out.strip()
    done = subprocess.run(
        f"{COMMAND} tail {task} --json | head -n 1",
        shell=True,
        capture_output=True,
        env=product.environment_of_commands(),
        cwd=product.directory,
        timeout=30,
        check=False,
    )
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_doctor_says_that_all_is_well_and_what_is_not(product: Product):
    said = product.run("doctor")
    assert said.code == 0, said.out
    for part in ("postgres", "redis", "hub", "models", "pages", "data"):
        assert part in said.out
    wrong = product.run("doctor", PYGENT_REDIS_URL="redis://127.0.0.1:1")
    assert wrong.code == EXIT_FAILED
    assert "Traceback" not in wrong.err


def test_projections_are_rebuilt_beside_the_running_factory(product: Product):
    said = product.run("projections", "rebuild", "tasks")
    assert said.code == 0, said.err
    assert "tasks is rebuilt" in said.err
    assert product.run("projections", "rebuild", "nothing").code in {EXIT_USAGE, EXIT_NOT_FOUND}
