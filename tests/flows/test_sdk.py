"""Who asks the guide: the examples of `docs/sdk.md` and `docs/examples/`, as a reader runs them.

And a person at a terminal. Only here `pygent up` reads its own documentation first.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import browser as browser
from tests.browser.visitor import visitor
from tests.conformance.clients import NODE, install_js_client
from tests.flows.processes import free_port
from tests.flows.product import ROOT, Product, running

PAGE = (ROOT / "docs/sdk.md").read_text()
EXAMPLES = ROOT / "docs/examples"
SECTIONS = re.findall(r"^## ([^\n]+)\n+```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SAYS = {
    "Ask an agent": r"one worker's try at one task.*\n(.*\n)*\[\d+\] .+\nguide took \d+ steps",
    "Show the text while it is written": r"\n[1-9]\d* citations",
    "Submit now, look later": r"^submitted .{36}\n(.*\n)+completed",
    "Go on with a conversation": (
        r"^True\nWhat is a step\? (working|completed)\n"  # a list follows the log a moment later
        r"What is a step\? 1 turns\nWhat is a stream\? 2 turns"
    ),
    "Follow the events": r"^1 task.submitted\n2 .+\n3 .+\n(.*\n)*\d+ answered .+",
    "Give it documents": r"^Leave ready 1 passages\n0\.\d+ Leave: (.*\n)*.*thirty days",
    "Make an agent": r"^people version 1\n(.*\n)*.*thirty days(.*\n)+people version 2",
    "Go through lists": r"guide 0\n(.*\n)*people 0\n(.*\n)*\[.*'handbook'.*\]",
    "Many at once": r"(What is a \w+\? [1-9]\d* citations\n){3}",
    "When something goes wrong": r"^not found: .*nobody",
}
SECONDS = 60


@pytest.fixture(scope="module")
def product() -> Generator[Product]:
    with running() as product:
        yield product


def test_the_guide_answers_from_the_documentation_with_sources(product: Product):
    said = product.run("run", "guide", "What is an attempt?", "--json")
    events = {event["type"]: event for event in map(json.loads, said.out.splitlines())}
    message = events["message.finished"]["data"]
    assert said.code == 0
    assert "attempt" in message["text"].lower()
    assert message["citations"]
    assert f"[{message['citations'][0]['n']}]" in message["text"]


def test_every_example_of_the_page_is_run() -> None:
    assert [title for title, _ in SECTIONS] == list(SAYS)
    assert PAGE.count("```python") == len(SECTIONS)


def test_the_examples_run_in_order_and_say_what_they_should(
    product: Product, tmp_path: Path
) -> None:
    environment = {"PATH": os.defpath, "PYGENT_DATA_DIR": str(product.data_dir)}
    for title, code in SECTIONS:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), title
        assert re.search(SAYS[title], done.stdout), f"{title}:\n{done.stdout}"


def test_the_examples_are_what_the_types_allow(tmp_path: Path) -> None:
    for number, (_, code) in enumerate(SECTIONS):
        (tmp_path / f"example_{number}.py").write_text(code)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    checker = Path(sys.executable).with_name("basedpyright")
    done = subprocess.run(
        [checker, "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def examples() -> Generator[Path]:
    """Where somebody copied the examples to, and installed the client."""
    place = install_js_client() / "examples"
    shutil.copytree(EXAMPLES, place, dirs_exist_ok=True)
    yield place
    shutil.rmtree(place)


def test_the_node_script_follows_a_task_to_its_answer(product: Product, examples: Path) -> None:
    def asked(agent: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [NODE / "node", "follow.mjs", agent, "What is an attempt?"],
            cwd=examples,
            env={"PYGENT_URL": product.url, "PYGENT_API_KEY": product.key},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    done = asked("guide")
    assert done.returncode == 0, done.stderr
    assert "one worker's try at one task" in done.stdout
    versions = [line.split() for line in done.stderr.splitlines()]
    assert [int(version) for version, _ in versions] == list(range(1, len(versions) + 1))
    assert (versions[0][1], versions[-1][1]) == ("task.submitted", "task.completed")
    assert "nobody" in asked("nobody").stderr


def test_the_python_script_follows_a_task_from_its_first_event(product: Product) -> None:
    assert product.run("run", "guide", "What is an attempt?").code == 0
    tasks = json.loads(product.run("tasks", "list", "--json").out)["items"]
    done = subprocess.run(
        [sys.executable, EXAMPLES / "follow.py", tasks[0]["id"]],
        env={"PYGENT_URL": product.url, "PYGENT_API_KEY": product.key},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    versions = [line.split() for line in done.stdout.splitlines()]
    assert [int(version) for version, _ in versions] == list(range(1, len(versions) + 1))
    assert versions[-1][1] == "task.completed"


def test_the_page_of_other_languages_shows_the_files() -> None:
    page = (ROOT / "docs/clients.md").read_text()
    shown = re.findall(r"```(?:js|python|go|java|swift|dart)\n(.*?)```", page, re.DOTALL)
    written = [path.read_text() for path in EXAMPLES.iterdir() if path.stem.lower() == "follow"]
    assert sorted(shown) == sorted(text for text in written if not text.startswith("<!doctype"))


@pytest.mark.browser
def test_the_page_follows_a_task_in_a_browser(
    product: Product, examples: Path, browser: Browser
) -> None:
    base = f"http://127.0.0.1:{free_port()}"
    environment = {"PYGENT_URL": product.url, "PORT": base.rpartition(":")[2]}
    server = subprocess.Popen(
        [NODE / "node", "page.mjs"],
        cwd=examples,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    somebody = visitor(browser, base)
    with server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == f"open {base}\n"
            page = somebody.open("/")
            page.locator("input[name=input]").fill("What is an attempt?")
            page.get_by_role("button", name="Ask").click()
            page.get_by_text("log in, or send an API key").wait_for()  # she is nobody yet
            somebody.expected += ["401", "favicon", product.url, product.socket_url]

            page.goto(product.run("login-link").out.strip().splitlines()[-1])
            page.wait_for_url(f"{product.url}/")
            page.locator(".light-badge.live").wait_for()  # what it began to load is not cut off
            page.goto(base)
            page.locator("input[name=input]").fill("What is an attempt?")
            page.get_by_role("button", name="Ask").click()
            page.get_by_text("one worker's try at one task").wait_for()
        finally:
            server.kill()
    somebody.leave()
