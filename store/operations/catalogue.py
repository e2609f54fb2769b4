"""What an agent's spec may name, so that it is checked without importing what keeps it.

`agents/` has the tools and models themselves; a test there compares them with BUILT_IN.
"""

from dataclasses import dataclass

from protocols.agents import AgentSpec
from protocols.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Names that a spec may use.

    Attributes:
        tools: Of tools.
        providers: What may stand before the colon of a model's name.
    """

    tools: frozenset[str]
    providers: frozenset[str]


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


def check(spec: AgentSpec, catalogue: Catalogue) -> None:
    """Return when every name the spec uses is known, and used once.

    Raises:
        InvalidRequest: One is not; the field is named.
    """
    for number, tool in enumerate(spec.tools):
        if tool not in catalogue.tools:
            raise InvalidRequest(
                f"agent {spec.name}: there is no tool {tool!r}; there are {_list(catalogue.tools)}",
                field=f"tools.{number}",
            )
    _refuse_repeats(spec.name, "tools", spec.tools)
    _refuse_repeats(spec.name, "collections", spec.collections)

    provider, colon, _ = spec.model.partition(":")
    if colon and provider not in catalogue.providers:
        raise InvalidRequest(
            f"agent {spec.name}: there is no model provider {provider!r}; "
            f"there are {_list(catalogue.providers)}",
            field="model",
        )


def _refuse_repeats(agent: str, field: str, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise InvalidRequest(
                f"agent {agent}: {name!r} stands twice in {field}", field=f"{field}.{number}"
            )


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
