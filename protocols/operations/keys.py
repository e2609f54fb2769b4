"""What may be asked about API keys. Kept by the hub's identity and by the REST client."""

from datetime import datetime
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.principals import Role


class CreateKey(BaseModel):
    """A key to be, under a name that says what will use it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ApiKey(BaseModel):
    """A key as it can be shown: what it is for and when it was used, never the key itself."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    prefix: str = Field(description="The readable part of the key, between `pgk_` and the secret.")
    role: Role
    created_by: str
    created_at: datetime
    last_used_at: datetime | None = Field(description="Written at most once a minute.")
    revoked_at: datetime | None


class CreatedKey(ApiKey):
    """A new key with its only copy."""

    token: str = Field(description="`pgk_…`; shown this once, stored as a hash.")


class Keys(Protocol):
    """API keys of the team. Only owners may ask."""

    async def create(self, request: CreateKey) -> CreatedKey:
        """A key exists that may do what an operator may.

        Raises:
            LimitExceeded: The team has its maximum of live keys.
        """
        ...

    async def list(self) -> list[ApiKey]:
        """All keys of the team, newest first, revoked ones too."""
        ...

    async def revoke(self, key_id: str) -> ApiKey:
        """The key opens nothing within five seconds, everywhere; repeating it changes nothing."""
        ...
