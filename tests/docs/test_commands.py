"""Every `pygent …` that README.md and docs/ name is a command with these options."""

from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from deploy.reference.commands import arguments, command_of
from hub.cli.app import COMMANDS
from tests.docs.reading import PAGES, commands, name

GLOBAL = {"--version", "--help", "--install-completion", "--show-completion"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_it_names_is_there_with_its_options(page: Path) -> None:
    wrong = [
        f"pygent {' '.join(words)}: {why}"
        for words in commands(page.read_text("utf-8"))
        if (why := mistake(words))
    ]
    assert not wrong, f"{name(page)}:\n" + "\n".join(wrong)


def test_the_documents_name_commands_at_all() -> None:
    named = [words for page in PAGES for words in commands(page.read_text("utf-8"))]
    assert len(named) > 50
    assert {words[0] for words in named} >= {"up", "run", "tail", "ingest", "doctor", "token"}


@pytest.mark.parametrize(
    "words", [["fly"], ["up", "--fast"], ["tasks", "burn"], ["doctor", "now"], ["run", "guide"]]
)
def test_a_wrong_one_is_seen(words: list[str]) -> None:
    assert mistake(words)


def mistake(words: list[str]) -> str:
    first, *rest = words
    if first in GLOBAL:
        return ""
    if first not in COMMANDS:
        return "no such command"
    command = command_of(first)
    if isinstance(command, TyperGroup):
        if not rest or rest[0] not in command.commands:
            return "" if not rest else f"no such command of {first}"
        command, rest = command.commands[rest[0]], rest[1:]
    return mistake_in(command, rest)


def mistake_in(command: Any, words: list[str]) -> str:
    known = {opt: one for one in command.params for opt in (*one.opts, *one.secondary_opts)}
    given = 0
    left = iter(words)
    for word in left:
        if not word.startswith("-") or word == "-":
            given += 1
            continue
        option, _, value = word.partition("=")
        if option not in {*known, *GLOBAL}:
            return f"no option {option}"
        if option in known and not known[option].is_flag and not value:
            next(left, None)
    wanted = arguments(command)
    most = None if any(one.nargs == -1 for one in wanted) else len(wanted)
    if most is not None and given > most:
        return f"takes {most} arguments"
    least = sum(one.required for one in wanted)
    return "" if given == 0 or given >= least else f"needs {least} arguments"
