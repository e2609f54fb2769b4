"""Collections and documents for callers without an event loop: `knowledge.py`, by the portal."""

from collections.abc import Sequence

from protocols.knowledge import (
    Chunk,
    Collection,
    CollectionUse,
    Document,
    DocumentState,
    SearchAnswer,
)
from protocols.sdk.blocking_streams import Stream
from protocols.sdk.knowledge import AsyncKnowledge, File, Half
from protocols.sdk.portal import Portal


class Knowledge:
    """Collections of documents. `name` is a collection's name, everywhere."""

    def __init__(self, portal: Portal, knowledge: AsyncKnowledge) -> None:
        self._portal = portal
        self._knowledge = knowledge

    def create(self, name: str, *, description: str = "") -> Collection:
        """The collection exists and is empty.

        Raises:
            AlreadyExists: The name is taken.
            InvalidRequest: It is no name: lower case, digits, dashes; at most 63.
        """
        return self._portal.call(lambda: self._knowledge.create(name, description=description))

    def get(self, name: str) -> Collection:
        """One collection.

        Raises:
            NotFound: There is no such collection.
        """
        return self._portal.call(lambda: self._knowledge.get(name))

    def list(self, *, limit: int | None = None) -> Stream[Collection]:
        """Collections by name; more are asked for while you go through them."""
        return Stream(self._portal, self._knowledge.list(limit=limit))

    def use(self, name: str) -> CollectionUse:
        """What the collection holds and which agents search it: what deleting it takes away.

        Raises:
            NotFound: There is no such collection.
        """
        return self._portal.call(lambda: self._knowledge.use(name))

    def delete(self, name: str) -> None:
        """The collection, its documents and passages are gone.

        Raises:
            NotFound: There is no such collection.
        """
        self._portal.call(lambda: self._knowledge.delete(name))

    def upload(
        self,
        name: str,
        file: File,
        *,
        title: str = "",
        source: str = "",
        media_type: str | None = None,
        wait: float = 60.0,
    ) -> Document:
        """The document is in the collection; what an earlier upload from there said is replaced.

        Look at `state`: it is `ready` once it can be found, `failed` with a `reason` when it cannot
        be read, and still `queued` if the workers needed longer than `wait`.

        Args:
            name: The collection.
            file: A path, or the content itself as bytes.
            title: Default: the document's first heading, or its file's name.
            source: Where it is from, for people; default: the path.
            media_type: `text/markdown`, `text/plain`, `text/html`, `text/csv` or
                `application/pdf`; default: by the path's ending.
            wait: Seconds to wait until it can be found; 0 returns at once.

        Raises:
            NotFound: There is no such collection.
            InvalidRequest: It is empty, or of a type that cannot be read.
            LimitExceeded: It is too large; the limit is named.
            OSError: The file cannot be read.
        """
        return self._portal.call(
            lambda: self._knowledge.upload(
                name, file, title=title, source=source, media_type=media_type, wait=wait
            )
        )

    def documents(
        self, name: str, *, state: DocumentState | None = None, limit: int | None = None
    ) -> Stream[Document]:
        """Documents of a collection, newest first; more are asked for while you go through them.

        Args:
            name: The collection.
            state: Only those in this state, such as `pygent.DocumentState.FAILED`.
            limit: At most so many; default all.

        Raises:
            NotFound: There is no such collection.
        """
        return Stream(self._portal, self._knowledge.documents(name, state=state, limit=limit))

    def document(self, name: str, document_id: str) -> Document:
        """One document.

        Raises:
            NotFound: There is no such document in the collection.
        """
        return self._portal.call(lambda: self._knowledge.document(name, document_id))

    def chunks(self, name: str, document_id: str, *, limit: int | None = None) -> Stream[Chunk]:
        """The passages of a document in their order; more are asked for as you go through them.

        Raises:
            NotFound: There is no such document in the collection.
        """
        return Stream(self._portal, self._knowledge.chunks(name, document_id, limit=limit))

    def retry(self, name: str, document_id: str) -> Document:
        """A document that failed is queued again.

        Raises:
            NotFound: There is no such document in the collection.
            InvalidTransition: It has not failed.
        """
        return self._portal.call(lambda: self._knowledge.retry(name, document_id))

    def remove(self, name: str, document_id: str) -> None:
        """The document and its passages are gone.

        Raises:
            NotFound: There is no such document in the collection.
        """
        self._portal.call(lambda: self._knowledge.remove(name, document_id))

    def search(
        self, query: str, *, collections: Sequence[str] = (), limit: int = 8, by: Half = "fused"
    ) -> SearchAnswer:
        """Passages for the words, best first, by meaning and by words.

        Args:
            query: A question, or words.
            collections: Names; default all of the team's.
            limit: At most so many passages; 1 to 50.
            by: `meaning` or `words`: by that half of the search alone.

        Raises:
            NotFound: There is no such collection.
        """
        return self._portal.call(
            lambda: self._knowledge.search(query, collections=collections, limit=limit, by=by)
        )
