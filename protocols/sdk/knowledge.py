"""Collections and documents for async callers, and finding passages in them."""

from collections.abc import Sequence
from mimetypes import guess_type
from os import PathLike
from pathlib import Path
from typing import Literal

import anyio

from protocols.errors import InvalidRequest
from protocols.knowledge import (
    Chunk,
    Collection,
    CollectionUse,
    CreateCollection,
    Document,
    DocumentState,
    SearchAnswer,
    SearchRequest,
)
from protocols.operations.listings import Listing
from protocols.rest.client import RestClient
from protocols.sdk.requests import all_rows, valid
from protocols.sdk.streams import AsyncStream

MEDIA_TYPES = {  # which not every system's own table knows
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".rst": "text/plain",
    ".text": "text/plain",
}
LONGEST_WAIT_SECONDS = 30.0  # of one request
POLL_SECONDS = 0.5

File = bytes | str | PathLike[str]
Half = Literal["fused", "meaning", "words"]


class AsyncKnowledge:
    """Collections of documents. `name` is a collection's name, everywhere."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def create(self, name: str, *, description: str = "") -> Collection:
        """The collection exists and is empty.

        Raises:
            AlreadyExists: The name is taken.
            InvalidRequest: It is no name: lower case, digits, dashes; at most 63.
        """
        request = valid(CreateCollection, {"name": name, "description": description})
        return await self._rest.knowledge.create(request)

    async def get(self, name: str) -> Collection:
        """One collection.

        Raises:
            NotFound: There is no such collection.
        """
        return await self._rest.knowledge.get(name)

    def list(self, *, limit: int | None = None) -> AsyncStream[Collection]:
        """Collections by name; more are asked for while you go through them."""

        async def page(cursor: str | None, size: int) -> Listing[Collection]:
            return await self._rest.knowledge.list(cursor=cursor, limit=size)

        return AsyncStream(all_rows(page, limit=limit))

    async def use(self, name: str) -> CollectionUse:
        """What the collection holds and which agents search it: what deleting it takes away.

        Raises:
            NotFound: There is no such collection.
        """
        return await self._rest.knowledge.use(name)

    async def delete(self, name: str) -> None:
        """The collection, its documents and passages are gone.

        Raises:
            NotFound: There is no such collection.
        """
        await self._rest.knowledge.delete(name)

    async def upload(
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
        content, path = await _read(file)
        document = await self._rest.knowledge.add(
            name,
            content,
            title=title,
            source=source or path,
            media_type=media_type or _media_type(path or source),
            wait=max(0.0, min(wait, LONGEST_WAIT_SECONDS)),
        )
        with anyio.move_on_after(max(0.0, wait - LONGEST_WAIT_SECONDS)):
            while document.state is DocumentState.QUEUED:
                await anyio.sleep(POLL_SECONDS)
                document = await self.document(name, document.id)
        return document

    def documents(
        self, name: str, *, state: DocumentState | None = None, limit: int | None = None
    ) -> AsyncStream[Document]:
        """Documents of a collection, newest first; more are asked for while you go through them.

        Args:
            name: The collection.
            state: Only those in this state, such as `pygent.DocumentState.FAILED`.
            limit: At most so many; default all.

        Raises:
            NotFound: There is no such collection.
        """

        async def page(cursor: str | None, size: int) -> Listing[Document]:
            return await self._rest.knowledge.documents(
                name, cursor=cursor, limit=size, state=state
            )

        return AsyncStream(all_rows(page, limit=limit))

    async def document(self, name: str, document_id: str) -> Document:
        """One document.

        Raises:
            NotFound: There is no such document in the collection.
        """
        return await self._rest.knowledge.document(name, document_id)

    def chunks(
        self, name: str, document_id: str, *, limit: int | None = None
    ) -> AsyncStream[Chunk]:
        """The passages of a document in their order; more are asked for as you go through them.

        Raises:
            NotFound: There is no such document in the collection.
        """

        async def page(cursor: str | None, size: int) -> Listing[Chunk]:
            return await self._rest.knowledge.chunks(name, document_id, cursor=cursor, limit=size)

        return AsyncStream(all_rows(page, limit=limit))

    async def retry(self, name: str, document_id: str) -> Document:
        """A document that failed is queued again.

        Raises:
            NotFound: There is no such document in the collection.
            InvalidTransition: It has not failed.
        """
        return await self._rest.knowledge.retry(name, document_id)

    async def remove(self, name: str, document_id: str) -> None:
        """The document and its passages are gone.

        Raises:
            NotFound: There is no such document in the collection.
        """
        await self._rest.knowledge.remove(name, document_id)

    async def search(
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
        if isinstance(collections, str):
            collections = (collections,)
        given = {"query": query, "collections": tuple(collections), "limit": limit, "by": by}
        return await self._rest.knowledge.search(valid(SearchRequest, given))


async def _read(file: File) -> tuple[bytes, str]:
    """The content, and the path it is from; empty when there is none."""
    if isinstance(file, bytes):
        return file, ""
    path = anyio.Path(file)
    return await path.read_bytes(), str(path)


def _media_type(path: str) -> str:
    known = MEDIA_TYPES.get(Path(path).suffix.lower()) or guess_type(path)[0]
    if known is None:
        raise InvalidRequest(
            f"{path!r} does not end in what names its type: say media_type", field="media_type"
        )
    return known
