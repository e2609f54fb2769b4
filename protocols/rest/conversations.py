"""The route of conversations."""

from typing import Annotated

from fastapi import APIRouter, Query

from protocols.operations.conversations import Conversation, ConversationQuery
from protocols.operations.listings import Listing
from protocols.rest.backing import Asked
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["tasks"])


@router.get("/conversations", summary="List conversations")
async def conversations(
    query: Annotated[ConversationQuery, Query()], asked: Asked
) -> Listing[Conversation]:
    """Tasks that name the same `context_id` are one; the one continued last comes first.

    Follow `next` as `cursor` for older ones, also after a page that holds few: so many tasks are
    looked through at once, and no more. The turns are `GET /tasks?context_id=`.
    """
    return await asked.conversations.list(query)
