"""What workers and the scheduler read from the environment, each as `PYGENT_…`; and provider keys.

The only file of `agents/` that reads it. Nothing here opens anything.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from agents.models.providers import PROVIDERS, Access
from store.settings import PREFIX, StoreSettings, log_format_of


class AgentSettings(StoreSettings):
    """Where the store is, how much a worker does at once, and how leases run."""

    env: Annotated[
        Literal["development", "production"],
        Field(description="What it is for: decides how logs are written."),
    ] = "development"
    log_format: Literal["console", "json"] = Field(
        default_factory=log_format_of, description="How logs are written."
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

    worker_tasks: Annotated[
        int, Field(ge=1, le=1000, description="Attempts a worker makes at once.")
    ] = 16
    worker_ingests: Annotated[
        int, Field(ge=0, le=64, description="Documents a worker ingests at once.")
    ] = 1
    grace_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="For attempts to end when a worker is told to stop; then they are "
            "handed back.",
        ),
    ] = 4.0
    lease_seconds: Annotated[
        float,
        Field(
            ge=0.5, le=600, description="A worker that does not beat for so long loses its tasks."
        ),
    ] = 15.0
    beat_seconds: Annotated[
        float, Field(gt=0, le=60, description="Between two signs of life of a worker.")
    ] = 3.0
    worker_alone: Annotated[
        int, Field(ge=1, le=64, description="Attempts in processes of their own at once.")
    ] = 16
    alone_megabytes: Annotated[int, Field(ge=256, description="Memory of one of those.")] = 2048

    def environment(self, **changes: str) -> dict[str, str]:
        """This process's environment with these settings in it, for a child that reads them."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {
            **os.environ,
            **{f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()},
            **changes,
        }


def accesses() -> Mapping[str, Access]:
    """What the environment says of each provider of models."""
    return {
        name: Access(
            key=SecretStr(key) if (key := _first(provider.keys)) else None,
            url=_first(provider.urls),
        )
        for name, provider in PROVIDERS.items()
    }


def _first(names: tuple[str, ...]) -> str | None:
    """The first that is set; a line's end from a file of secrets is no part of it."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)
