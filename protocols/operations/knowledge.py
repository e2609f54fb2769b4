"""What may be asked about collections and documents. Kept by the store and by the REST client."""

from typing import Protocol

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


class Knowledge(Protocol):
    """Collections, documents and search. `name` is a collection's name, everywhere."""

    async def create(self, request: CreateCollection) -> Collection:
        """The collection exists and is empty.

        Raises:
            AlreadyExists: The name is taken.
        """
        ...

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> Listing[Collection]:
        """Collections by name."""
        ...

    async def get(self, name: str) -> Collection:
        """One collection."""
        ...

    async def use(self, name: str) -> CollectionUse:
        """What the collection holds and which agents search it."""
        ...

    async def delete(self, name: str) -> None:
        """The collection, its documents and passages are gone."""
        ...

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
        """The document is stored and queued for the workers, both or neither.

        The same content under the same source in the same collection is the same document; other
        content under that source replaces it.

        Args:
            name: The collection.
            content: At most 20 MiB.
            title: Empty: the document's first heading, or the end of its source.
            source: Path or address.
            media_type: `text/markdown`, `text/plain`, `text/html`, `text/csv` or `application/pdf`.
            wait: Seconds to wait for the workers; the answer says how far they came.

        Raises:
            LimitExceeded: The content is too large; the limit is named.
            InvalidRequest: It is empty, or of a type that cannot be read.
        """
        ...

    async def documents(
        self,
        name: str,
        *,
        cursor: str | None = None,
        limit: int = 50,
        state: DocumentState | None = None,
    ) -> Listing[Document]:
        """Documents of a collection, newest first; those in one state, if it is named."""
        ...

    async def document(self, name: str, document: str) -> Document:
        """One document."""
        ...

    async def chunks(
        self,
        name: str,
        document: str,
        *,
        start: int = 0,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[Chunk]:
        """The passages of a document in their order, from the one numbered `start`.

        A cursor of a document that was replaced meanwhile goes on in the new content.
        """
        ...

    async def retry(self, name: str, document: str) -> Document:
        """The document is queued again.

        Raises:
            InvalidTransition: It has not failed.
        """
        ...

    async def remove(self, name: str, document: str) -> None:
        """The document and its passages are gone."""
        ...

    async def search(self, request: SearchRequest) -> SearchAnswer:
        """Passages for the words, best first, by meaning and by words fused."""
        ...

    async def nearest(self, request: NearestRequest) -> NearestSentence:
        """The sentence of a passage that is nearest to the query in meaning.

        Apart from the search, since it makes a vector for each sentence: some 0.1 s.

        Raises:
            NotFound: There is no such passage.
        """
        ...
