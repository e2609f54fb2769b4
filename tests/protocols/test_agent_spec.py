"""Which names of models a spec may have: they go into addresses of other people's servers."""

import pytest
from pydantic import ValidationError

from protocols.agents import AgentSpec


@pytest.mark.parametrize(
    "model",
    [
        "extractive",
        "scripted",
        "openai:gpt-5-mini",
        "openai:ft:gpt-4o-mini:acme::8abc",
        "anthropic:claude-sonnet-4-5@20250929",
        "google:tunedModels/mine-1",
        "ollama:hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M",
        "openrouter:~anthropic/claude-latest:free",
        "together:meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "vllm:/srv/models/qwen2.5_7b+lora",
        f"openai:{'x' * 200}",
    ],
)
def test_a_name_that_providers_use_is_taken(model: str) -> None:
    assert AgentSpec(name="asker", model=model).model == model


@pytest.mark.parametrize(
    "model",
    [
        "",
        "openai",
        "openai:",
        ":gpt-5",
        "OpenAI:gpt-5",
        "scripted\n",
        "openai:../../x",
        "google:..",
        "google:a/../b",
        "google:a/.",
        "google:gemini?alt=json",
        "google:gemini#part",
        "google:gemini%2e%2e",
        "openai:a\\b",
        "openai:a b",
        "openai: gpt",
        "openai:gpt\n",
        "openai:gpt\x00",
        "openai:gpt\x1b[31m",
        "openai:gpt\u202e5",
        "openai:gpt\u00a05",
        f"openai:{'x' * 201}",
    ],
)
def test_any_other_name_is_refused_with_field_rule_and_value(model: str) -> None:
    with pytest.raises(ValidationError) as raised:
        AgentSpec(name="asker", model=model)
    (problem,) = raised.value.errors()
    assert (problem["loc"], problem["input"]) == (("model",), model)
    assert "`provider:name`, the name of 1 to 200 letters, digits" in problem["msg"]
