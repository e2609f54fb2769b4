"""What each provider needs from the environment, and what is said when it is not there."""

from contextlib import aclosing

import pytest
from pydantic import SecretStr

from agents.models import MODELS
from agents.models.providers import PROVIDERS, Access, Outside, providers_found
from agents.settings import accesses
from protocols.agents import AgentSpec
from protocols.errors import InvalidRequest


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai:gpt-5", "OPENAI_API_KEY"),
        ("anthropic:claude", "ANTHROPIC_API_KEY"),
        ("google:gemini", "GOOGLE_API_KEY"),
        ("ollama:llama3", "OLLAMA_BASE_URL"),
    ],
)
async def test_a_missing_key_names_its_variable(model: str, variable: str) -> None:
    spec = AgentSpec(name="asker", model=model)
    with pytest.raises(InvalidRequest, match=variable):
        MODELS[model.partition(":")[0]](spec, Outside({}))


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host/", "http://", "http://[::1", "no"])
async def test_an_address_that_is_none_names_its_variable_and_not_its_value(url: str) -> None:
    for name, variable in (("anthropic", "ANTHROPIC_BASE_URL"), ("vllm", "VLLM_BASE_URL")):
        spec = AgentSpec(name="asker", model=f"{name}:one")
        with pytest.raises(InvalidRequest, match=f"{variable}.*https://host/path") as raised:
            MODELS[name](spec, Outside({name: Access(key=SecretStr("k"), url=url)}))
        assert url not in raised.value.message.replace("not of the form", "")


@pytest.mark.parametrize(
    ("environment", "provider", "expected"),
    [
        (
            {"ANTHROPIC_API_KEY": "k\n", "ANTHROPIC_BASE_URL": "http://one"},
            "anthropic",
            ("k", "http://one"),
        ),
        (
            {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": "http://one"},
            "google",
            ("k", "http://one"),
        ),
        (
            {
                "GOOGLE_API_KEY": "a",
                "GEMINI_API_KEY": "b",
                "GOOGLE_GEMINI_BASE_URL": " ",
                "GOOGLE_BASE_URL": "http://two",
            },
            "google",
            ("a", "http://two"),
        ),
        ({"OPENAI_BASE_URL": "http://one/v1"}, "openai", (None, "http://one/v1")),
    ],
)
def test_keys_and_addresses_are_read_by_their_usual_names(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    provider: str,
    expected: tuple[str | None, str | None],
) -> None:
    for known in PROVIDERS.values():
        for variable in (*known.keys, *known.urls):
            monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    access = accesses()[provider]
    assert (access.key.get_secret_value() if access.key else None, access.url) == expected


async def test_providers_are_found_by_what_the_environment_has() -> None:
    accesses = {"openai": Access(url="http://localhost/v1"), "google": Access(key=SecretStr("k"))}
    assert providers_found(accesses) == ("openai", "google")


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("anthropic:claude-sonnet-4-5", None),
        ("google:gemini-2.5-flash", None),
        ("ollama:llama3", "http://127.0.0.1:9/v1"),
        ("vllm:qwen", "http://127.0.0.1:9/v1"),
        ("openrouter:openai/gpt-5", None),
        ("deepseek:deepseek-chat", None),
        ("together:some/model", None),
        ("fireworks:accounts/some", None),
    ],
)
async def test_every_provider_can_be_opened(model: str, url: str | None) -> None:
    name = model.partition(":")[0]
    async with aclosing(Outside({name: Access(key=SecretStr("k"), url=url)})) as outside:
        assert MODELS[name](AgentSpec(name="asker", model=model), outside).name == model


async def test_a_name_the_provider_cannot_have_is_refused() -> None:
    spec = AgentSpec(name="asker", model="openrouter:nobody")
    async with aclosing(Outside({"openrouter": Access(key=SecretStr("k"))})) as outside:
        with pytest.raises(InvalidRequest, match="nobody"):
            MODELS["openrouter"](spec, outside)
