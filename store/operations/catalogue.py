"""What an agent's spec may name, so that it is checked without importing what keeps it.

`agents/` has the tools and models themselves; a test there compares them with BUILT_IN.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.agents import AgentSpec
from protocols.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Names that a spec may use.

    Attributes:
        tools: Of tools.
        providers: What may stand before the colon of a model's name.
        models: Names of models that have no provider.
    """

    tools: frozenset[str]
    providers: frozenset[str]
    models: frozenset[str] = frozenset({"extractive", "scripted"})

    def no_provider(self, name: str) -> str:
        """That there is none of that name, and which there are instead."""
        return (
            f"there is no model provider {name!r}; there are {_list(self.providers)}, "
            f"and models without one: {_list(self.models)}"
        )


BUILT_IN = Catalogue(
    tools=frozenset({"calculator", "clock", "knowledge_search"}),
    providers=frozenset(
        {
            "anthropic",
            "deepseek",
            "fireworks",
            "google",
            "ollama",
            "openai",
            "openrouter",
            "together",
            "vllm",
        }
    ),
)


def problems(spec: AgentSpec, catalogue: Catalogue) -> Iterator[InvalidRequest]:
    """Every name of the spec that is not known, or not used once."""
    for number, tool in enumerate(spec.tools):
        if tool not in catalogue.tools:
            yield InvalidRequest(
                f"agent {spec.name}: there is no tool {tool!r}; there are {_list(catalogue.tools)}",
                field=f"tools.{number}",
            )
    yield from _repeats(spec.name, "tools", spec.tools)
    yield from _repeats(spec.name, "collections", spec.collections)

    provider, colon, _ = spec.model.partition(":")
    if colon and provider not in catalogue.providers:
        yield InvalidRequest(f"agent {spec.name}: {catalogue.no_provider(provider)}", field="model")


def _repeats(agent: str, field: str, names: tuple[str, ...]) -> Iterator[InvalidRequest]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield InvalidRequest(
                f"agent {agent}: {name!r} stands twice in {field}", field=f"{field}.{number}"
            )


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
