"""Finding passages and saying why they were found; a part of what `StoredKnowledge` keeps."""

from time import monotonic

from protocols.errors import InvalidRequest
from protocols.knowledge import (
    NearestRequest,
    NearestSentence,
    SearchAnswer,
    SearchRequest,
)
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.knowledge import collections, passages, ranked
from store.knowledge.embedder import Embedder
from store.knowledge.explaining import sentences, with_matches
from store.knowledge.loader import clean


class Finding:
    """Search, and the nearest sentence of what it found."""

    def __init__(self, store: Store, principal: Principal, embedder: Embedder) -> None:
        self._store = store
        self._principal = principal
        self._embedder = embedder

    async def search(self, request: SearchRequest) -> SearchAnswer:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        began = monotonic()
        query = _words(request.query)
        vector = await self._embedder.embed_query(query)
        async with self._store.app.team(self._principal.team) as connection:
            within = await collections.find_all(connection, request.collections)
            found = await ranked.search(
                connection,
                request,
                query=query,
                vector=vector,
                embedder=self._embedder.name,
                collections=[row.id for row in within] or None,
            )
            if request.explain and found:
                found = await with_matches(connection, query, found)
        return SearchAnswer(
            passages=found, embedder=self._embedder.name, seconds=monotonic() - began
        )

    async def nearest(self, request: NearestRequest) -> NearestSentence:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        query = _words(request.query)
        async with self._store.app.team(self._principal.team) as connection:
            text = await passages.text_of(connection, request.chunk)
        spans = sentences(text) or [(0, len(text))]
        vector = await self._embedder.embed_query(query)
        vectors = await self._embedder.embed_passages([text[begin:end] for begin, end in spans])
        nearness = vectors @ vector
        best = int(nearness.argmax())
        return NearestSentence(
            span=spans[best], similarity=float(nearness[best]), embedder=self._embedder.name
        )


def _words(query: str) -> str:
    """The query as it is searched.

    Raises:
        InvalidRequest: Nothing of it can be.
    """
    if words := clean(query):
        return words
    raise InvalidRequest("the query is empty", field="query")
