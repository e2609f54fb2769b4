"""Opens pydantic-ai's model for `provider:name`; the one file that knows providers' classes."""

from typing import Any, cast

import httpx2
from pydantic_ai import models
from pydantic_ai.exceptions import UserError
from pydantic_ai.providers import Provider, infer_provider_class

from agents.models.providers import Access, Outside
from protocols.errors import InvalidRequest

CONNECT_SECONDS = 10.0
LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
SILENCE_SECONDS = 120.0  # between two pieces of an answer; some models think long before the first


def open_model(provider: str, name: str, *, access: Access, outside: Outside) -> models.Model:
    """A model that can be asked; nothing is sent yet.

    Raises:
        InvalidRequest: The provider has no model of such a name.
    """
    if provider == "openai":
        return _chat(name, access=access, client=outside.client(_client))
    theirs = infer_provider_class(provider)(**_arguments(access, outside.client(_client)))
    try:
        return models.infer_model(f"{provider}:{name}", provider_factory=lambda _: theirs)
    except UserError as error:
        raise InvalidRequest(
            f"{provider} cannot have a model named {name!r}", field="model"
        ) from error


def _chat(name: str, *, access: Access, client: httpx2.AsyncClient) -> models.Model:
    """Chat Completions, for OpenAI itself and for whatever speaks its protocol elsewhere."""
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415  15 MB, only when asked for
    from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: PLC0415  as above
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415  as above
    from pydantic_ai.providers.openai_compatible import (  # noqa: PLC0415  as above
        OpenAICompatibleProvider,
    )

    key = access.key.get_secret_value() if access.key else None
    provider: Provider[Any]
    if access.url:
        provider = OpenAICompatibleProvider(
            "openai-compatible", base_url=access.url, api_key=key or "none", http_client=client
        )
    else:
        provider = OpenAIProvider(api_key=key, http_client=client)
    # A stream that simply stops was cut; without this it would count as a whole answer.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return OpenAIChatModel(name, provider=provider, profile=profile)


def _arguments(access: Access, client: httpx2.AsyncClient) -> dict[str, object]:
    given: dict[str, object] = {"http_client": client}
    if access.key:
        given["api_key"] = access.key.get_secret_value()
    if access.url:
        given["base_url"] = access.url
    return given


def _client() -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    return httpx2.AsyncClient(
        timeout=timeout, limits=LIMITS, event_hooks={"request": [_connect_in_time]}
    )


async def _connect_in_time(request: httpx2.Request) -> None:
    """Google's package asks with one number for all phases, a connection's too."""
    timeout = cast("dict[str, float | None]", request.extensions.get("timeout", {}))
    connect = min(timeout.get("connect") or CONNECT_SECONDS, CONNECT_SECONDS)
    request.extensions = {**request.extensions, "timeout": {**timeout, "connect": connect}}
