"""Where models come from: which providers are set, whether their servers answer, who needs them.

No key is sent anywhere. Only addresses that somebody set are asked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus

import anyio
import httpx

from hub.cli.checks.finding import Finding, fine, note, wrong
from hub.settings import ADDRESS_VARIABLES, PROVIDER_VARIABLES, model_providers
from protocols.errors import FactoryError
from protocols.operations.agents import AgentQuery
from protocols.rest.client import RestClient
from protocols.rest.resources import ModelProvider

ANSWER_SECONDS = 3.0
AGENTS = 200  # as many are looked at
MODELS = {"anthropic": "/v1/models", "google": "/v1beta/models"}  # of OpenAI's kind: /models


async def models(
    bases: Mapping[str, str], *, url: str | None, key: str | None
) -> AsyncIterator[Finding]:
    """The providers, their servers, and agents without one.

    Args:
        bases: Addresses by the variable they stand in.
        url: Of a running factory; None: there is none to ask for its agents.
        key: For it.
    """
    providers = model_providers()
    configured = [one.name for one in providers if one.is_configured and one.variable]
    if configured:
        yield fine("models", f"extractive, scripted, {', '.join(configured)}")
    else:
        yield note(
            "models",
            "only those that are built in: extractive answers from passages, without a language"
            " model",
            cure="set OPENAI_API_KEY, ANTHROPIC_API_KEY, GOOGLE_API_KEY or OLLAMA_BASE_URL, and"
            " start again",
        )
    for variable, base in bases.items():
        yield await _server(variable, base)
    if url is not None and key is not None:
        for finding in await _agents(url, key, providers):
            yield finding


async def _server(variable: str, base: str) -> Finding:
    part = next(name for name, names in ADDRESS_VARIABLES.items() if variable in names)
    path = MODELS.get(part, "/models")
    ending = "it mostly ends in /v1" if part not in MODELS else "without a version at its end"
    cure = f"start that server, or mend {variable}; {ending}"
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            answer = await client.get(f"{base.rstrip('/')}{path}")
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        seen = f"{base} of {variable} does not answer: {type(error).__name__}"
        return wrong(part, seen, cure=cure)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        seen = f"{base} of {variable} answers, but has no {path}"
        # A gateway may pass on questions to models and nothing else.
        return note(part, seen, cure=cure) if part in MODELS else wrong(part, seen, cure=cure)
    return fine(part, f"{base} answers")


async def _agents(url: str, key: str, providers: Sequence[ModelProvider]) -> list[Finding]:
    """Agents of the running factory whose provider is not set here."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            async with RestClient(url, token=key, patience=0.0) as client:
                known = {one.name for one in (await client.models()).items if one.is_configured}
                listing = await client.agents.list(AgentQuery(limit=AGENTS))
    except (FactoryError, TimeoutError):
        return []  # the hub's own finding says so
    variables = {one.name: one.variable for one in providers}
    findings: list[Finding] = []
    for row in listing.items:
        provider = row.model.partition(":")[0]
        if provider in PROVIDER_VARIABLES and provider not in known:
            findings.append(
                wrong(
                    "agents",
                    f"{row.name} wants {row.model}, and {provider} is not set",
                    cure=f"set {variables[provider]} where the hub and the workers start, and"
                    " start them again",
                )
            )
    return findings
