"""Conversations over HTTP: keeps `protocols.operations.conversations.Conversations`."""

from protocols.operations.conversations import Conversation, ConversationQuery
from protocols.operations.listings import Listing
from protocols.rest.client_http import Http, query_of


class RestConversations:
    """Exchanges over several tasks."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def list(self, query: ConversationQuery) -> Listing[Conversation]:
        """Conversations by their newest task."""
        return await self._http.model(
            "GET", "/conversations", Listing[Conversation], query=query_of(query)
        )
