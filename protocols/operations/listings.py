"""Part of a list, the same for every noun: keyset cursors, never offsets."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Listing(BaseModel, Generic[Item]):
    """Some items, and how to get the next ones."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next: str | None = Field(default=None, description="Cursor of what follows; null at the end.")
    position: int = Field(default=0, description="Log position the list is at least as new as.")
