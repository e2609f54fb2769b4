"""How long the fault rounds go on, from the environment."""

import random
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FaultSettings(BaseSettings):
    """`PYGENT_FAULT_ROUNDS`, `…_SEED`, `…_SECONDS`, and of the hub `…_SUBSCRIBERS`, `…_KINDS`."""

    model_config = SettingsConfigDict(env_prefix="PYGENT_FAULT_", extra="ignore")

    rounds: Annotated[int, Field(ge=1, description="Of the hub: of each kind.")] = 20
    seconds: Annotated[float, Field(gt=0, description="No round begins after these.")] = 480.0
    seed: Annotated[int, Field(default_factory=lambda: random.randrange(1_000_000))]
    subscribers: Annotated[int, Field(ge=1)] = 1000
    kinds: Annotated[str, Field(description="Of the hub's; comma separated. Empty: all.")] = ""
    hub_seconds: Annotated[float, Field(gt=0, description="As `seconds`, of the hub's.")] = 7200.0
