"""What may be asked about conversations: exchanges with an agent over several tasks.

A conversation is nothing of its own: it is the tasks that name the same `context_id`. Kept by the
store and by the REST client.
"""

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from protocols.operations.listings import Listing
from protocols.tasks import TaskState


class Conversation(BaseModel):
    """An exchange in a list: what it began with, and how far it is."""

    model_config = ConfigDict(frozen=True)

    context_id: str
    title: str = Field(description="Of its first task.")
    agent: str = Field(description="Of its newest task, as the rest.")
    agent_name: str
    task: str
    state: TaskState
    turns: int = Field(description="Tasks in it, counted up to 1,000.")
    updated_at: datetime


class ConversationQuery(BaseModel):
    """What a list of conversations shows; the one that was continued last comes first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str | None = Field(default=None, max_length=128, description="Id or name.")
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=200)
    min_position: int | None = Field(
        default=None, description="Wait until the projection has reached this log position."
    )


class Conversations(Protocol):
    """Exchanges of the team with its agents."""

    async def list(self, query: ConversationQuery) -> Listing[Conversation]:
        """Conversations by their newest task, which is one with that agent where it is named.

        A page may hold fewer than `limit`, or none, and still have a `next`: so many tasks are
        looked through at once, and no more.
        """
        ...
