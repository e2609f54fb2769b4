"""Namespaces from the terminal: made beside the database, taken up by a hub that runs."""

import json

import pytest

from protocols.operations.namespaces import Namespace
from tests.hub.cli.test_programs import client_of as client_of
from tests.hub.cli.test_programs import problem_of, pygent
from tests.serving import Served, until
from tests.serving import served as served


async def test_they_are_made_changed_shown_and_deleted(client_of: Served) -> None:
    made = await pygent("namespaces", "set", "news", "history_size=5", "history_seconds=60")
    assert (made.exit_code, made.stderr) == (0, "news: history_size=5, history_seconds=60.0\n")
    namespaces = client_of.hub.opened.live.namespaces
    await until(lambda: namespaces.of("news:a") is not None)

    changed = await pygent("namespace", "set", "news", "publish=operators", "--json")
    rules = Namespace.model_validate_json(changed.stdout).rules.root
    assert (rules["history_size"], rules["publish"]) == (5, "operators")
    assert (await pygent("namespaces", "set", "-")).exit_code == 0

    listed = (await pygent("namespaces", "list")).stdout.splitlines()
    assert listed == [
        "-\tsystem\t",
        "news\tsystem\thistory_size=5, history_seconds=60.0, publish=operators",
    ]
    assert "publish\toperators\n" in (await pygent("namespaces", "show", "news")).stdout
    assert json.loads((await pygent("namespaces", "show", "-", "--json")).stdout)["name"] == ""

    careful = await pygent("namespaces", "delete", "news")
    assert (careful.exit_code, "--yes" in careful.stderr) == (2, True)
    assert (await pygent("namespaces", "delete", "news", "--yes")).exit_code == 0
    await until(lambda: namespaces.of("news:a") is None)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["set", "news", "histroy_size=1"], 2, "history_size, history_seconds"),
        (["set", "news", "history_size"], 2, "rule=value"),
        (["set", "news", "history_size=1"], 2, "both"),
        (["set", "tasks"], 2, "factory's own"),
        (["show", "nowhere"], 3, "namespaces ls"),
        (["delete", "nowhere", "--yes"], 3, "nowhere"),
    ],
)
async def test_what_is_wrong_is_said(
    client_of: Served, words: list[str], code: int, said: str
) -> None:
    result = await pygent("namespaces", *words, "--json")
    assert (result.exit_code, said in problem_of(result).detail) == (code, True), result.stderr


async def test_what_the_settings_fix_is_changed_there(
    client_of: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYGENT_NAMESPACES", '[{"name": "fixed"}]')
    result = await pygent("namespaces", "set", "fixed", "max_bytes=7")
    assert (result.exit_code, "PYGENT_NAMESPACES" in result.stderr) == (6, True)
