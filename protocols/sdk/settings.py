"""What the SDK reads from the environment when its caller does not say it."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class SdkSettings(BaseSettings):
    """Which factory, and whose key: the same variables as the command's."""

    model_config = SettingsConfigDict(
        env_prefix="PYGENT_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    url: str | None = None
    api_key: str | None = None
    data_dir: Path = Path(".pygent")
