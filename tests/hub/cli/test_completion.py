"""What shells are told after TAB: commands, options, and names of the running factory."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from typer.testing import CliRunner

from hub.cli.app import COMMANDS, app
from hub.cli.settings import inherited
from protocols.knowledge import CreateCollection
from tests.hub.cli.projecting import projecting
from tests.serving import Served
from tests.serving import served as served

PYGENT = Path(sys.executable).with_name("pygent")
SILENCE_SECONDS = 20.0  # a client without the patience of a shell waits for 30
AWAY = {"PYGENT_URL": "http://127.0.0.1:1", "PYGENT_API_KEY": "pgk_a_b"}


def offered(line: str, environment: Mapping[str, str]) -> tuple[list[str], str]:
    """What bash is told for a line that ends where TAB was pressed, and what went to errors."""
    words = line.split(" ")
    asked = inherited(
        _PYGENT_COMPLETE="complete_bash",
        COMP_WORDS="\n".join(words) if words[-1] else "\n".join(words[:-1]),
        COMP_CWORD=str(len(words) - 1),
        **environment,
    )
    done = subprocess.run([PYGENT], env=asked, capture_output=True, text=True, check=False)
    return done.stdout.split(), done.stderr


async def ask(line: str, environment: Mapping[str, str]) -> tuple[list[str], str]:
    return await to_thread.run_sync(offered, line, environment)


async def soon(line: str, environment: Mapping[str, str], names: list[str]) -> None:
    """Until it is so: a shell is not made to wait, and on a busy machine nothing may be offered."""
    with anyio.fail_after(30):
        while await ask(line, environment) != (names, ""):
            pass


async def naming(served: Served) -> dict[str, str]:
    return {"PYGENT_URL": served.url, "PYGENT_API_KEY": await served.key()}


async def test_commands_and_options_are_offered():
    assert (await ask("pygent ta", AWAY))[0] == ["tail", "tasks"]
    assert set((await ask("pygent ", AWAY))[0]) == set(COMMANDS)
    assert (await ask("pygent tasks sh", AWAY))[0] == ["show"]
    assert "--json" in (await ask("pygent tasks ls --j", AWAY))[0]
    assert "working" in (await ask("pygent tasks ls --state ", AWAY))[0]


async def test_task_ids_and_collections_of_the_running_factory_are_offered(served: Served):
    named = await naming(served)
    async with await served.client() as client:
        for name in ("manuals", "minutes"):
            await client.knowledge.create(CreateCollection(name=name))
    await soon("pygent search --collection m", named, ["manuals", "minutes"])
    await soon("pygent collections documents man", named, ["manuals"])


async def test_agents_and_tasks_are_offered_as_their_lists_know_them(served: Served):
    named, task = await naming(served), await served.task("what: `reboot` $(now)?")
    async with projecting(served):
        await soon("pygent run e", named, ["echo"])
        await soon("pygent tasks show ", named, [task])
        await soon("pygent tasks cancel ", named, [task])


async def test_a_factory_that_is_away_or_silent_is_passed_over():
    assert await ask("pygent run ", AWAY) == ([], "")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with anyio.fail_after(SILENCE_SECONDS):
            assert await ask("pygent run ", {**AWAY, "PYGENT_URL": url}) == ([], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_is_printed_and_read_by_it(shell: str):
    said = CliRunner().invoke(app, ["completion", shell])
    assert said.exit_code == 0
    assert "_PYGENT_COMPLETE" in said.stdout
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=said.stdout, text=True, check=True)


def test_bash_completes_with_the_printed_script():
    """As bash does it: the script is read, the line is set, the function is called."""
    script = CliRunner().invoke(app, ["completion", "bash"]).stdout
    line = (
        f"{script}\nCOMP_WORDS=(pygent tasks sh); COMP_CWORD=2; _pygent_completion pygent;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{PYGENT.parent}{os.pathsep}{os.defpath}"
    done = subprocess.run(
        ["bash", "-c", line], env=inherited(PATH=path), capture_output=True, text=True, check=True
    )
    assert done.stdout == "show\n"


def test_another_shell_is_refused():
    assert CliRunner().invoke(app, ["completion", "tcsh"]).exit_code == 2


def test_completion_is_installed_where_the_shell_looks(tmp_path: Path):
    asked = inherited(HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    done = subprocess.run(
        [PYGENT, "--install-completion", "bash"], env=asked, capture_output=True, check=True
    )
    assert b"completion installed" in done.stdout
    assert "_PYGENT_COMPLETE" in (tmp_path / ".bash_completions/pygent.sh").read_text()
    assert "pygent.sh" in (tmp_path / ".bashrc").read_text()
