"""What the command reads from the environment beyond the hub's own settings."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.settings import ADDRESS_VARIABLES, Env, is_set
from protocols.rest.client_repeats import PATIENCE_SECONDS


def _is_sampled(given: dict[str, Any]) -> bool:
    return given.get("env") != "production"


class UpSettings(BaseSettings):
    """How `pygent up` composes the parts."""

    model_config = SettingsConfigDict(env_prefix="PYGENT_", frozen=True, extra="ignore")

    workers: Annotated[
        int, Field(ge=0, le=64, description="Worker processes that `pygent up` starts.")
    ] = 1
    site_dir: Annotated[
        Path | None,
        Field(description="Folder with the built pages; unset: those of this installation."),
    ] = None
    env: Env = "development"
    seed: bool = Field(
        default_factory=_is_sampled,
        description="Add the guide and its documents; unset: `true`, in production `false`.",
    )


class ClientSettings(BaseSettings):
    """Which factory the client commands talk to; default: the one `pygent up` runs here."""

    model_config = SettingsConfigDict(env_prefix="PYGENT_", frozen=True, extra="ignore")

    url: Annotated[
        str | None,
        Field(description="Factory the client commands talk to; unset: the one that runs here."),
    ] = None
    api_key: Annotated[str | None, Field(description="API key for it.")] = None
    patience_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="Seconds the client commands wait for a factory that is away.",
        ),
    ] = PATIENCE_SECONDS


def base_urls() -> dict[str, str]:
    """Addresses of model servers, by the variable that somebody set."""
    chosen = [next(filter(is_set, names), None) for names in ADDRESS_VARIABLES.values()]
    return {name: os.environ[name].strip() for name in chosen if name is not None}


def inherited(**changes: str | None) -> dict[str, str]:
    """This process's environment for a child, with some variables set; None removes one."""
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment
