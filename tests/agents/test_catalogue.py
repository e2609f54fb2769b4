from agents.models.providers import PROVIDERS
from agents.tools import TOOLS
from store.operations.catalogue import BUILT_IN


def test_the_catalogue_names_what_the_agents_have() -> None:
    assert set(TOOLS) == BUILT_IN.tools
    assert set(PROVIDERS) == BUILT_IN.providers
