"""How long the fault rounds go on, from the environment."""

import random
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FaultSettings(BaseSettings):
    """`PYGENT_FAULT_ROUNDS`, `PYGENT_FAULT_SEED`, `PYGENT_FAULT_SECONDS`."""

    model_config = SettingsConfigDict(env_prefix="PYGENT_FAULT_", extra="ignore")

    rounds: Annotated[int, Field(ge=1)] = 20
    seconds: Annotated[float, Field(gt=0, description="No round begins after these.")] = 480.0
    seed: Annotated[int, Field(default_factory=lambda: random.randrange(1_000_000))]
