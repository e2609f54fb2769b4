"""What every process that opens the store reads from the environment: where its servers are.

Each as `PYGENT_…`; the settings of a process add their own. Nothing here opens anything.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from protocols.errors import InvalidRequest
from store.addresses import Addresses

PREFIX = "PYGENT_"


class StoreSettings(BaseSettings):
    """Where Postgres and Redis are; whom the process logs in as there."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[
        str | None,
        Field(
            description="Your own Postgres, 15 or newer, with pgvector 0.8; unset: embedded "
            "Postgres 18."
        ),
    ] = None
    database_log_url: Annotated[
        str | None,
        Field(description="As whom the log is written, when not by the login of the first."),
    ] = None
    database_app_url: Annotated[
        str | None,
        Field(description="As whom is read for people, when not by the login of the first."),
    ] = None
    redis_url: Annotated[
        str | None,
        Field(description="Your own Redis, 7 or newer, or Valkey; unset: embedded Valkey."),
    ] = None
    redis_prefix: Annotated[
        str, Field(min_length=1, max_length=64, description="First part of every Redis name.")
    ] = "pygent"

    @property
    def addresses(self) -> Addresses:
        """Where the store's servers are.

        Raises:
            InvalidRequest: A URL is not set; it is named.
        """
        return Addresses(
            database=_required(self.database_url, "database_url"),
            redis=_required(self.redis_url, "redis_url"),
            log=self.database_log_url,
            app=self.database_app_url,
            redis_prefix=self.redis_prefix,
        )


def log_format_of(given: dict[str, Any]) -> Literal["console", "json"]:
    """How a process writes logs that was not told: for programs in production, else for people."""
    return "json" if given.get("env") == "production" else "console"


def _required(url: str | None, name: str) -> str:
    if url is None:
        raise InvalidRequest(f"{PREFIX}{name.upper()} is not set; `pygent up` brings its own")
    return url
