"""What `PYGENT_ENV=production` changes, refuses, and makes the doctor say."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from agents.models.providers import PROVIDERS
from agents.settings import AgentSettings
from hub.cli.app import app
from hub.cli.checks.finding import Finding, Verdict
from hub.cli.checks.production import production
from hub.cli.running.production import unsafe
from hub.cli.running.start import Start
from hub.cli.settings import UpSettings, base_urls
from hub.settings import ADDRESS_VARIABLES, PROVIDER_VARIABLES, HubSettings

ELSEWHERE = "http://factory.example"
SAFE = "https://factory.example"


def settings(**given: object) -> HubSettings:
    return HubSettings.model_validate({"env": "production", **given})


def found(**given: object) -> list[Finding]:
    return [one for one in production(settings(**given)) if one.verdict is not Verdict.FINE]


def test_logs_are_json_and_samples_left_out_unless_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
):
    made = (HubSettings, AgentSettings)
    assert [one().log_format for one in made] == ["console", "console"]
    assert UpSettings().seed
    monkeypatch.setenv("PYGENT_ENV", "production")
    assert [one().log_format for one in made] == ["json", "json"]
    assert not UpSettings().seed
    monkeypatch.setenv("PYGENT_LOG_FORMAT", "console")
    monkeypatch.setenv("PYGENT_SEED", "true")
    assert [one().log_format for one in made] == ["console", "console"]
    assert UpSettings().seed


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, None),
        ({"public_url": SAFE, "host": "0.0.0.0"}, None),
        ({"public_url": "http://localhost:8000", "host": "0.0.0.0"}, None),
        ({"public_url": ELSEWHERE}, "PYGENT_PUBLIC_URL"),
        ({"host": "0.0.0.0"}, "PYGENT_HOST"),
        ({"host": "::"}, "PYGENT_HOST"),
        ({"host": "0.0.0.0", "env": "development"}, None),
    ],
    ids=str,
)
def test_others_may_not_reach_it_without_https(given: dict[str, object], words: str | None):
    said = unsafe(settings(**given))
    assert (said is None) == (words is None)
    assert words is None or words in (said or "")


@pytest.mark.parametrize("part", ["up", "hub", "dashboard"])
def test_no_part_that_listens_starts_so_and_the_variable_is_named(
    part: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYGENT_ENV", "production")
    monkeypatch.setenv("PYGENT_PUBLIC_URL", ELSEWHERE)
    with ThreadPoolExecutor() as pool:  # it starts a loop of its own, and the tests' may run here
        said = pool.submit(CliRunner().invoke, app, [part]).result()
    assert said.exit_code == 2
    assert f"PYGENT_PUBLIC_URL is {ELSEWHERE}: it must begin with https" in said.output
    assert said.output.count("\n") == 1


def test_a_login_link_is_on_no_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for env, is_shown in (("development", True), ("production", False)):
        Start(settings(env=env, data_dir=tmp_path)).is_ready("http://x/auth#secret", url="http://x")
        assert ("secret" in capsys.readouterr().out) == is_shown
    assert (tmp_path / "login-link").read_text() == "http://x/auth#secret\n"


def test_the_doctor_says_what_is_unsafe_in_production():
    (public,) = production(settings(env="development", public_url=SAFE))
    assert (public.verdict, "PYGENT_ENV=production" in (public.cure or "")) == (Verdict.NOTE, True)
    assert list(production(settings(env="development"))) == []
    (wrong, _) = found(public_url=ELSEWHERE)
    assert wrong.verdict is Verdict.WRONG
    urls = {
        "public_url": SAFE,
        "database_url": "postgresql://a:b@db.example/pygent?sslmode=require",
        "redis_url": "rediss://a:b@redis.example:6379/0",
    }
    assert found(**urls) == []
    assert found(**{**urls, "database_url": "postgresql://a@/pygent?host=/run/pg"}) == []
    for changed, words in (
        ({"database_url": None}, "back it up"),
        ({"database_url": "postgresql://a:b@db.example/pygent"}, "sslmode"),
        ({"redis_url": "redis://redis.example:6379/0"}, "rediss://"),
        ({"log_level": "debug"}, "PYGENT_LOG_LEVEL"),
    ):
        (one,) = found(**{**urls, **changed})
        assert (one.verdict, words in (one.cure or "")) == (Verdict.NOTE, True)


def test_the_hub_and_the_doctor_know_the_variables_that_the_workers_read(
    monkeypatch: pytest.MonkeyPatch,
):
    assert set(PROVIDER_VARIABLES) == set(PROVIDERS)
    for name, provider in PROVIDERS.items():
        assert PROVIDER_VARIABLES[name][0] == provider.wanted
        assert ADDRESS_VARIABLES.get(name, ()) == provider.urls
    for names in ADDRESS_VARIABLES.values():
        for variable in names:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GOOGLE_BASE_URL", "http://g ")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://a")
    monkeypatch.setenv("OPENAI_BASE_URL", " ")
    assert base_urls() == {"GOOGLE_BASE_URL": "http://g", "ANTHROPIC_BASE_URL": "http://a"}
