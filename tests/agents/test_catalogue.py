from agents.models import MODELS
from agents.models.providers import PROVIDERS
from agents.tools import TOOLS
from store.operations.catalogue import BUILT_IN


def test_the_catalogue_names_what_the_agents_have() -> None:
    assert set(TOOLS) == BUILT_IN.tools
    assert set(PROVIDERS) == BUILT_IN.providers
    assert set(MODELS) == BUILT_IN.providers | BUILT_IN.models


def test_of_a_provider_there_is_not_the_message_names_all_there_are() -> None:
    message = BUILT_IN.no_provider("nobody")
    assert [name for name in MODELS if name not in message] == []
