"""The tables of what there is, against those of others that name the same things."""

from typing import get_args

from agents.models import MODELS
from agents.models.providers import PROVIDERS
from agents.strategies import STRATEGIES
from agents.tools import TOOLS
from hub.settings import PROVIDER_VARIABLES
from protocols.agents import AgentSpec
from store.operations.catalogue import BUILT_IN


def test_the_catalogue_names_every_tool_and_provider() -> None:
    assert frozenset(TOOLS) == BUILT_IN.tools
    assert frozenset(PROVIDERS) == BUILT_IN.providers
    assert set(MODELS) == {"extractive", "scripted", *PROVIDERS}


def test_the_hub_names_the_same_providers_and_variables() -> None:
    assert set(PROVIDER_VARIABLES) == set(PROVIDERS)
    for name, provider in PROVIDERS.items():
        assert PROVIDER_VARIABLES[name][0] == provider.wanted


def test_every_strategy_a_spec_may_name_is_there() -> None:
    assert set(get_args(AgentSpec.model_fields["strategy"].annotation)) == set(STRATEGIES)


def test_every_tool_tells_a_model_what_it_takes() -> None:
    for tool in TOOLS.values():
        assert tool.description
        assert tool.parameters["type"] == "object"
