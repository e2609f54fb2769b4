"""An error ends as one line and a code; a broken setting is named by its variable."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import typer
from pydantic import BaseModel, Field, ValidationError

from hub.cli.exits import broken_rules, command, exit_code
from hub.settings import HubSettings
from protocols import errors
from protocols.errors import FactoryError


class Wish(BaseModel):
    size: int = Field(le=9)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidRequest("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.Unauthenticated("x"), 4),
        (errors.Forbidden("x"), 4),
        (errors.AlreadyExists("x"), 6),
        (errors.InvalidTransition("x"), 6),
        (errors.Unavailable("x"), 7),
        (errors.LimitExceeded("x"), 8),
        (errors.ModelFailed("x"), 1),
        (FactoryError("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_code(error: FactoryError, code: int):
    assert exit_code(error) == code


def test_every_error_of_the_tree_has_a_code():
    assert all(exit_code(kind("x")) in range(1, 9) for kind in errors.leaves())


def test_an_error_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]):
    @command
    async def fail() -> None:
        raise ExceptionGroup("", [ExceptionGroup("", [errors.NotFound("no \x1b[31mthing")])])

    with ThreadPoolExecutor() as pool, pytest.raises(typer.Exit) as exit_:
        pool.submit(fail).result()  # a command starts a loop of its own, and the test's may run
    assert exit_.value.exit_code == 3
    assert capsys.readouterr().err == "error: no �[31mthing\n"


def test_a_broken_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYGENT_PORT", "eighty")
    monkeypatch.setenv("PYGENT_LOG_LEVEL", "loud")
    with pytest.raises(ValidationError) as raised:
        HubSettings()
    said = broken_rules(raised.value)
    assert "PYGENT_PORT: Input should be a valid integer" in said
    assert '(got "eighty"); PYGENT_LOG_LEVEL: ' in said


def test_a_broken_field_is_named_as_it_is():
    with pytest.raises(ValidationError) as raised:
        Wish.model_validate({"size": 10})
    assert broken_rules(raised.value) == "size: Input should be less than or equal to 9 (got 10)"
