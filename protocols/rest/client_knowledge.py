"""Collections, documents and search over HTTP: keeps `protocols.operations.knowledge.Knowledge`."""

import httpx

from protocols.knowledge import (
    Chunk,
    Collection,
    CollectionUse,
    CreateCollection,
    Document,
    DocumentState,
    NearestRequest,
    NearestSentence,
    SearchAnswer,
    SearchRequest,
)
from protocols.operations.listings import Listing
from protocols.rest.client_http import Http, Query, part, read

UPLOAD_SECONDS = 120.0  # besides the time it is asked to wait for the workers


class RestKnowledge:
    """Collections, documents and search, over HTTP."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create(self, request: CreateCollection) -> Collection:
        """The collection exists and is empty."""
        return await self._http.model("POST", "/collections", Collection, body=request)

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> Listing[Collection]:
        """Collections by name."""
        query = _page(cursor, limit)
        return await self._http.model("GET", "/collections", Listing[Collection], query=query)

    async def get(self, name: str) -> Collection:
        """One collection."""
        return await self._http.model("GET", f"/collections/{part(name)}", Collection)

    async def use(self, name: str) -> CollectionUse:
        """What the collection holds and which agents search it."""
        return await self._http.model("GET", f"/collections/{part(name)}/use", CollectionUse)

    async def delete(self, name: str) -> None:
        """The collection, its documents and passages are gone."""
        await self._http.raw("DELETE", f"/collections/{part(name)}")

    async def add(
        self,
        name: str,
        content: bytes,
        *,
        title: str,
        source: str,
        media_type: str,
        wait: float = 0.0,
    ) -> Document:
        """The document is stored and queued for the workers, both or neither."""
        request = self._http.client.build_request(
            "POST",
            _documents(name),
            files={"file": ("document", content, media_type)},
            data={"title": title, "source": source},
            params={"wait": wait},
            timeout=httpx.Timeout(UPLOAD_SECONDS + wait, connect=5.0),
        )
        return read(await self._http.send(request, is_harmless=True), Document)

    async def documents(
        self,
        name: str,
        *,
        cursor: str | None = None,
        limit: int = 50,
        state: DocumentState | None = None,
    ) -> Listing[Document]:
        """Documents of a collection, newest first; those in one state, if it is named."""
        query = {**_page(cursor, limit), **({} if state is None else {"state": state})}
        return await self._http.model("GET", _documents(name), Listing[Document], query=query)

    async def document(self, name: str, document: str) -> Document:
        """One document."""
        return await self._http.model("GET", f"{_documents(name)}/{part(document)}", Document)

    async def chunks(
        self,
        name: str,
        document: str,
        *,
        start: int = 0,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[Chunk]:
        """The passages of a document in their order, from the one numbered `start`."""
        path = f"{_documents(name)}/{part(document)}/chunks"
        query = {**_page(cursor, limit), "start": start}
        return await self._http.model("GET", path, Listing[Chunk], query=query)

    async def retry(self, name: str, document: str) -> Document:
        """The document is queued again."""
        path = f"{_documents(name)}/{part(document)}/retry"
        return await self._http.model("POST", path, Document)

    async def remove(self, name: str, document: str) -> None:
        """The document and its passages are gone."""
        await self._http.raw("DELETE", f"{_documents(name)}/{part(document)}")

    async def search(self, request: SearchRequest) -> SearchAnswer:
        """Passages for the words, best first."""
        return await self._http.look("/search", SearchAnswer, body=request)

    async def nearest(self, request: NearestRequest) -> NearestSentence:
        """The sentence of a passage that is nearest to the query in meaning."""
        return await self._http.look("/search/nearest", NearestSentence, body=request)


def _documents(name: str) -> str:
    return f"/collections/{part(name)}/documents"


def _page(cursor: str | None, limit: int) -> Query:
    return {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
