"""What the hub reads from the environment, each as `PYGENT_…`; and which model providers are set.

Other processes have settings of their own. Nothing here opens anything.
"""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from hub.identity.address import is_loopback
from hub.identity.sharing import parse_origins
from protocols import namespaces, quotas
from protocols.centrifugal import keyring, pace
from protocols.centrifugal.keyring import Keyring
from protocols.errors import InvalidRequest
from protocols.namespaces import Namespaces
from protocols.quotas import Quotas
from protocols.rest.resources import ModelProvider
from store.settings import StoreSettings, log_format_of

BUILT_IN_MODELS = ("extractive", "scripted")
PROVIDER_VARIABLES: dict[str, tuple[str, ...]] = {  # one of them will do; the first is told
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "ollama": ("OLLAMA_BASE_URL",),
    "vllm": ("VLLM_BASE_URL",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "together": ("TOGETHER_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
}
ADDRESS_VARIABLES: dict[str, tuple[str, ...]] = {  # the first that is set counts
    "openai": ("OPENAI_BASE_URL",),
    "anthropic": ("ANTHROPIC_BASE_URL",),
    "google": ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_BASE_URL"),
    "ollama": ("OLLAMA_BASE_URL",),
    "vllm": ("VLLM_BASE_URL",),
}

Env = Annotated[
    Literal["development", "production"],
    Field(
        description="Whether people depend on it. In production: logs as JSON, no samples, login "
        "links in files only, and no start where others reach it without https."
    ),
]
Limit = Annotated[int, Field(ge=1, le=1_000_000)]


class HubSettings(StoreSettings):
    """Where the hub listens, what it stands on, and how it speaks of itself."""

    host: Annotated[str, Field(description="Address the hub listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port for pages, REST and sockets.")] = (
        8000
    )
    data_dir: Annotated[
        Path,
        Field(description="Folder where data of the embedded servers, keys and logs are stored."),
    ] = Path(".pygent")
    public_url: Annotated[
        str | None,
        Field(
            description="How browsers reach the hub; decides allowed origins, and https makes "
            "cookies secure. Unset: the listening address."
        ),
    ] = None
    allowed_origins: Annotated[
        str,
        Field(
            description="Other sites whose pages may open sockets and streams here, with a token: "
            "origins as `https://app.example`, comma separated. A session never counts for them."
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Field(description="Addresses whose `X-Forwarded-*` headers count, comma separated."),
    ] = ""
    max_sockets: Annotated[
        Limit,
        Field(
            description="Sockets, or streams instead, of one key or person at once, on each hub."
        ),
    ] = quotas.SOCKETS
    max_streams: Annotated[
        Limit,
        Field(
            description="Streams of server-sent events one key or person has open at once, on "
            "each hub."
        ),
    ] = quotas.STREAMS
    max_uploads: Annotated[
        Limit, Field(description="Documents one key or person sends at once, to each hub.")
    ] = quotas.UPLOADS
    max_per_address: Annotated[
        Limit,
        Field(description="All of these together from one address (of IPv6: one /64 network)."),
    ] = quotas.PER_ADDRESS
    commands_per_second: Annotated[
        float, Field(ge=1, le=100_000, description="Commands one WebSocket may send.")
    ] = pace.PER_SECOND
    commands_burst: Annotated[Limit, Field(description="Commands at once before that counts.")] = (
        pace.BURST
    )
    namespaces: Annotated[
        str,
        Field(
            description="Namespaces of application channels that are fixed: a JSON list of objects,"
            " as described in Watching live. Others are made while the factory runs."
        ),
    ] = ""
    realtime_keys: Annotated[
        SecretStr,
        Field(
            description="Keys by which your own servers sign tokens of realtime clients: a JSON "
            "list of objects, described in Watching live. Empty: no tokens are taken."
        ),
    ] = SecretStr("")
    hook_url: Annotated[
        str,
        Field(
            description="Where your own server is asked and told who connects and what clients "
            "send, described in Watching live. Empty: nobody is."
        ),
    ] = ""
    hook_secret: Annotated[
        SecretStr, Field(description="Sent there as a bearer token. Empty: none.")
    ] = SecretStr("")
    env: Env = "development"
    log_format: Literal["console", "json"] = Field(
        default_factory=log_format_of,
        description="How logs are written; unset: `json` in production, else `console`.",
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="The least that is logged."),
    ] = "info"
    log_file: Annotated[
        Path | None,
        Field(
            description="File that the log goes to; standard error then has warnings alone. Unset: "
            "none, but for `pygent up` on a terminal: `pygent.log` in the data directory."
        ),
    ] = None

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("is not of the form https://host or http://host:port, without a path")
        return f"{parts.scheme}://{parts.netloc}".lower()

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        parse_origins(value)
        return value

    @field_validator("namespaces")
    @classmethod
    def _are_namespaces(cls, value: str) -> str:
        try:
            namespaces.parse(value)
        except InvalidRequest as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("hook_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is not of the form https://host/path")
        return value

    @field_validator("realtime_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        try:
            keyring.parse(value.get_secret_value())
        except InvalidRequest as error:
            raise PydanticCustomError("secret", "{rule}", {"rule": error.message}) from None
        return value

    @property
    def is_production(self) -> bool:
        """Whether people depend on it."""
        return self.env == "production"

    @property
    def is_secure(self) -> bool:
        """Whether browsers come over https."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def is_public(self) -> bool:
        """Whether browsers reach it by an address that is not of this machine alone."""
        host = urlsplit(self.public_url).hostname if self.public_url else None
        return host is not None and not is_loopback(host)

    @property
    def is_proxied(self) -> bool:
        """Whether it must be taken that others come by way of this machine's own address."""
        return self.is_public or bool(self.trusted_proxies.strip())

    def shared_with(self) -> frozenset[str]:
        """Origins of other sites whose pages may connect."""
        return parse_origins(self.allowed_origins)

    def application_namespaces(self) -> Namespaces:
        """The namespaces of application channels."""
        return namespaces.parse(self.namespaces)

    @property
    def hook_secret_text(self) -> str:
        """The secret itself."""
        return self.hook_secret.get_secret_value()

    def token_keys(self) -> Keyring:
        """The keys by which tokens of realtime clients are signed."""
        return keyring.parse(self.realtime_keys.get_secret_value())

    def quotas(self) -> Quotas:
        """How much may be open at once; each call begins to count anew."""
        return Quotas(
            sockets=self.max_sockets,
            streams=self.max_streams,
            uploads=self.max_uploads,
            per_address=self.max_per_address,
        )


def is_set(variable: str) -> bool:
    """As the workers look at it: what is only blank is not set."""
    return bool(os.environ.get(variable, "").strip())


def model_providers() -> list[ModelProvider]:
    """The providers by name, and whether this environment has what they need."""
    built_in = [
        ModelProvider(name=name, is_configured=True, variable=None) for name in BUILT_IN_MODELS
    ]
    others = [
        ModelProvider(
            name=name,
            is_configured=any(is_set(variable) for variable in variables),
            variable=variables[0],
        )
        for name, variables in PROVIDER_VARIABLES.items()
    ]
    return [*built_in, *others]
