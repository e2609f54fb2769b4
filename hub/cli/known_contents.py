"""What a collection has already, by content: so that a file is not added twice under two names.

Only the command that ingests folders looks at this; whoever adds a document by REST says what it is
called, and may have the same content under two names.
"""

import hashlib
from collections.abc import Collection

from anyio.to_thread import run_sync

from protocols.knowledge import Document, DocumentState
from protocols.rest.client import RestClient

PAGE = 200
MOST_PAGES = 100  # of a larger collection only the newest documents are known


_Key = tuple[str, str]  # SHA-256 and media type


class KnownContents:
    """The contents of one collection, each with a document that has it and keeps it."""

    def __init__(self) -> None:
        self._documents: dict[_Key, Document] = {}
        self._by_source: dict[str, _Key] = {}

    @classmethod
    async def of(
        cls, client: RestClient, collection: str, *, coming: Collection[str]
    ) -> "KnownContents":
        """As the collection is now; what is `coming` by name may get other content, and tells."""
        known, cursor = cls(), None
        for _ in range(MOST_PAGES):
            page = await client.knowledge.documents(collection, cursor=cursor, limit=PAGE)
            for document in page.items:
                known.add(document, is_kept=document.source not in coming)
            cursor = page.next
            if cursor is None:
                break
        return known

    def add(self, document: Document, *, is_kept: bool = True) -> None:
        """The document is known, unless it could not be read."""
        if document.state is not DocumentState.FAILED:
            key = (document.sha256, document.media_type)
            self._by_source[document.source] = key
            if is_kept:
                self._documents.setdefault(key, document)

    async def elsewhere(self, content: bytes, *, source: str, media_type: str) -> Document | None:
        """The document that has this content under another name; None where it has this one."""
        key = (await run_sync(lambda: hashlib.sha256(content).hexdigest()), media_type)
        return None if self._by_source.get(source) == key else self._documents.get(key)
