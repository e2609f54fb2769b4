"""The providers of language models, and what each needs. Plain values; nothing heavy is imported.

`settings.py` reads the variables named here and hands the values in as `Access`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from pydantic import SecretStr

from protocols.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A server of models, or a kind of them.

    Attributes:
        keys: Environment variables that may hold its key; the first one set counts.
        urls: Variables that may hold its address; none where it is fixed.
        needs_url: Without an address there is nobody to ask; a key is optional then.
    """

    name: str
    keys: tuple[str, ...]
    urls: tuple[str, ...] = ()
    needs_url: bool = False

    @property
    def wanted(self) -> str:
        """The variable to set."""
        return (self.urls if self.needs_url else self.keys)[0]

    @property
    def key_variables(self) -> str:
        """Where its key is, for sentences."""
        return _or(self.keys)

    @property
    def url_variables(self) -> str:
        """Where its address is, for sentences; empty where it is fixed."""
        return _or(self.urls)


def _or(variables: tuple[str, ...]) -> str:
    """The first, and the others in brackets."""
    first, *others = variables or ("",)
    return f"{first} (or {', '.join(others)})" if others else first


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(name="openai", keys=("OPENAI_API_KEY",), urls=("OPENAI_BASE_URL",)),
        Provider(name="anthropic", keys=("ANTHROPIC_API_KEY",), urls=("ANTHROPIC_BASE_URL",)),
        Provider(
            name="google",
            keys=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            urls=("GOOGLE_GEMINI_BASE_URL", "GOOGLE_BASE_URL"),
        ),
        Provider(
            name="ollama", keys=("OLLAMA_API_KEY",), urls=("OLLAMA_BASE_URL",), needs_url=True
        ),
        Provider(name="vllm", keys=("VLLM_API_KEY",), urls=("VLLM_BASE_URL",), needs_url=True),
        Provider(name="openrouter", keys=("OPENROUTER_API_KEY",)),
        Provider(name="deepseek", keys=("DEEPSEEK_API_KEY",)),
        Provider(name="together", keys=("TOGETHER_API_KEY",)),
        Provider(name="fireworks", keys=("FIREWORKS_API_KEY",)),
    )
}


@dataclass(frozen=True, slots=True)
class Access:
    """What the environment says of a provider."""

    key: SecretStr | None = None
    url: str | None = None


class _Closable(Protocol):
    async def aclose(self) -> None: ...


_Client = TypeVar("_Client", bound=_Closable)


class Outside:
    """What the models of one process share: the accesses, and clients made when first needed."""

    def __init__(self, accesses: Mapping[str, Access]) -> None:
        self.accesses = accesses
        # One by one: packages that import each other in circles are not made for two threads.
        self.opening = CapacityLimiter(1)
        self._clients: dict[Callable[[], Any], _Closable] = {}

    def client(self, make: Callable[[], _Client]) -> _Client:
        """The one client of that kind."""
        if make not in self._clients:
            self._clients[make] = make()
        return cast("_Client", self._clients[make])  # by its own maker

    async def aclose(self) -> None:
        """Every client is closed; the next one asked for is new."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()


def found(provider: Provider, access: Access) -> bool:
    """Whether the environment has what the provider needs."""
    if provider.needs_url:
        return access.url is not None
    # Another server that speaks OpenAI's protocol, such as vLLM, often wants no key.
    return access.key is not None or (provider.name == "openai" and access.url is not None)


def providers_found(accesses: Mapping[str, Access]) -> tuple[str, ...]:
    """Names of the providers that can be asked now, in the table's order."""
    return tuple(
        provider.name
        for provider in PROVIDERS.values()
        if found(provider, accesses.get(provider.name, Access()))
    )


def required(name: str, accesses: Mapping[str, Access]) -> Access:
    """The access to a provider.

    Raises:
        InvalidRequest: There is no such provider, or a variable is not set or no address; it is
            named.
    """
    provider = PROVIDERS.get(name)
    if provider is None:
        raise InvalidRequest(
            f"there is no model provider {name!r}; known are {', '.join(PROVIDERS)}", field="model"
        )
    access = accesses.get(name, Access())
    if not found(provider, access):
        wanted = provider.url_variables if provider.needs_url else provider.key_variables
        raise InvalidRequest(
            f"the model provider {name} needs {wanted}, which is not set in the workers' "
            "environment",
            field="model",
        )
    if access.url is not None and not _is_address(access.url):
        # Its value is not said: an address may hold a password.
        raise InvalidRequest(
            f"{provider.url_variables} in the workers' environment is not of the form "
            f"https://host/path, which the model provider {name} needs",
            field="model",
        )
    return access


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
