"""The models there are. A new one is a file (or a folder) and a line here.

`extractive` and `scripted` need no network; every other name is `provider:name`.
"""

from collections.abc import Callable

from anyio import to_thread

from agents.model import Model
from agents.models.extractive.model import ExtractiveModel
from agents.models.providers import PROVIDERS, Outside, required
from agents.models.scripted import ScriptedModel
from protocols.agents import AgentSpec


def _extractive(_: AgentSpec, __: Outside) -> Model:
    return ExtractiveModel()


def _scripted(spec: AgentSpec, _: Outside) -> Model:
    return ScriptedModel(spec.script)


def _language(spec: AgentSpec, outside: Outside) -> Model:
    provider, _, name = spec.model.partition(":")
    access = required(provider, outside.accesses)
    # 60 MB and more, which a worker without language models must not carry.
    from agents.models.language.connection import open_model  # noqa: PLC0415  see above
    from agents.models.language.model import LanguageModel  # noqa: PLC0415  see above

    theirs = open_model(provider, name, access=access, outside=outside)
    return LanguageModel(theirs, provider=provider, name=name)


MODELS: dict[str, Callable[[AgentSpec, Outside], Model]] = {
    "extractive": _extractive,
    "scripted": _scripted,
    **dict.fromkeys(PROVIDERS, _language),
}


async def open_model(spec: AgentSpec, outside: Outside) -> Model:
    """The model of a spec whose provider is known.

    Language models are opened in a thread: importing a provider's package for the first time takes
    seconds, in which the worker's other tasks must go on and its beat must be heard.

    Raises:
        InvalidRequest: It cannot be opened, such as for want of a key.
    """
    make = MODELS[spec.model.partition(":")[0]]
    if make is not _language:
        return make(spec, outside)
    return await to_thread.run_sync(make, spec, outside, limiter=outside.opening)
