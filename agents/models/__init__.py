"""The models there are. A new one is a file (or a folder) and a line here.

`extractive` and `scripted` need no network; every other name is `provider:name`.
"""

from collections.abc import Callable, Mapping

from agents.model import Model
from agents.models.extractive.model import ExtractiveModel
from agents.models.providers import PROVIDERS, Access, required
from agents.models.scripted import ScriptedModel
from protocols.agents import AgentSpec

Accesses = Mapping[str, Access]


def _extractive(_: AgentSpec, __: Accesses) -> Model:
    return ExtractiveModel()


def _scripted(spec: AgentSpec, _: Accesses) -> Model:
    return ScriptedModel(spec.script)


def _language(spec: AgentSpec, accesses: Accesses) -> Model:
    provider, _, name = spec.model.partition(":")
    access = required(provider, accesses)
    # 60 MB and more, which a worker without language models must not carry.
    from agents.models.language.connection import open_model  # noqa: PLC0415  see above
    from agents.models.language.model import LanguageModel  # noqa: PLC0415  see above

    return LanguageModel(open_model(provider, name, access=access), provider=provider, name=name)


MODELS: dict[str, Callable[[AgentSpec, Accesses], Model]] = {
    "extractive": _extractive,
    "scripted": _scripted,
    **dict.fromkeys(PROVIDERS, _language),
}
