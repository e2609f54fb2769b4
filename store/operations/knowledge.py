"""What may be asked about knowledge, kept by Postgres; what takes long is left to the workers."""

import hashlib
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from uuid import UUID, uuid4

import anyio
from anyio.to_thread import run_sync

from protocols.errors import InvalidRequest, InvalidTransition
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
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.knowledge import changes, collections, documents, passages
from store.knowledge.collections import CollectionRow
from store.knowledge.documents import NewContent
from store.knowledge.embedder import Embedder
from store.knowledge.loader import clean
from store.knowledge.reading import examine
from store.knowledge.searchers import searchers
from store.operations.finding import Finding
from store.operations.listings import cursor_of, key_of

MAX_LIMIT = 200
MAX_ORDINAL = 2**31 - 1
MAX_WAIT_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
MAX_TITLE, MAX_SOURCE = 300, 2000  # characters
NEWEST = UUID(int=2**128 - 1)


class StoredKnowledge:
    """Keeps the promise `protocols.operations.knowledge.Knowledge`."""

    def __init__(self, store: Store, principal: Principal, embedder: Embedder) -> None:
        self._store = store
        self._principal = principal
        self._embedder = embedder
        self._finding = Finding(store, principal, embedder)

    async def create(self, request: CreateCollection) -> Collection:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_EDIT)
        row = CollectionRow(
            id=uuid4(),
            name=request.name,
            description=clean(request.description),
            embedder=self._embedder.name,
            documents=0,
            chunks=0,
            created_at=datetime.now(UTC),
        )
        async with self._store.app.team(self._principal.team) as connection:
            await collections.insert(connection, row, team=self._principal.team)
        await self._tell(row.name)
        return row.collection()

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> Listing[Collection]:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        limit = _limit(limit)
        after = key_of(cursor) if cursor else ""
        if "\0" in after:
            raise InvalidRequest("a NUL character is in no name", field="cursor")
        async with self._store.app.team(self._principal.team) as connection:
            rows = await collections.page(connection, after=after, limit=limit + 1)
        items = [row.collection() for row in rows[:limit]]
        return Listing(items=items, next=cursor_of(items[-1].name) if len(rows) > limit else None)

    async def get(self, name: str) -> Collection:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        async with self._store.app.team(self._principal.team) as connection:
            return (await collections.find(connection, name)).collection()

    async def use(self, name: str) -> CollectionUse:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        async with self._store.app.team(self._principal.team) as connection:
            found = await collections.find(connection, name)
            return CollectionUse(
                documents=found.documents,
                chunks=found.chunks,
                bytes=await collections.size(connection, found.id),
                agents=await searchers(connection, found.name),
            )

    async def delete(self, name: str) -> None:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_EDIT)
        async with self._store.app.team(self._principal.team) as connection:
            found = await collections.find(connection, name)
            await collections.delete(connection, found.id)
        await self._tell(found.name)

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
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_EDIT)
        title, source = _line(title, "title", MAX_TITLE), _line(source, "source", MAX_SOURCE)
        known_as = source or title or "the document"
        await run_sync(partial(examine, content, name=known_as, media_type=media_type))
        sha256 = await run_sync(lambda: hashlib.sha256(content).digest())
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            new = NewContent(
                collection=collection.id,
                identity=hashlib.sha256(source.encode()).digest() if source else sha256,
                title=title or _end_of(source) or "Untitled",
                is_titled=bool(title),
                source=source,
                media_type=media_type,
                content=content,
                sha256=sha256,
            )
            document = await documents.put(connection, new, team=self._principal.team)
            row = await documents.find(connection, collection.id, str(document))
        await self._tell(collection.name, row.document())
        return await self._waited(name, str(document), seconds=min(wait, MAX_WAIT_SECONDS))

    async def documents(
        self,
        name: str,
        *,
        cursor: str | None = None,
        limit: int = 50,
        state: DocumentState | None = None,
    ) -> Listing[Document]:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        limit = _limit(limit)
        before = _cursor(cursor) if cursor else NEWEST
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            rows = await documents.page(
                connection, collection.id, before=before, limit=limit + 1, state=state
            )
        items = [row.document() for row in rows[:limit]]
        return Listing(items=items, next=cursor_of(items[-1].id) if len(rows) > limit else None)

    async def document(self, name: str, document: str) -> Document:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            return (await documents.find(connection, collection.id, document)).document()

    async def chunks(
        self,
        name: str,
        document: str,
        *,
        start: int = 0,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[Chunk]:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_READ)
        limit = _limit(limit)
        first = _ordinal(cursor) if cursor else start
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            found = await documents.find(connection, collection.id, document)
            pieces = await passages.page(connection, found.id, start=first, limit=limit + 1)
        items = pieces[:limit]
        more = cursor_of(str(items[-1].ordinal + 1)) if len(pieces) > limit else None
        return Listing(items=items, next=more)

    async def retry(self, name: str, document: str) -> Document:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_EDIT)
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            before = await documents.find(connection, collection.id, document)
            if not await documents.retry(connection, before.id):
                raise InvalidTransition(
                    f"document {document} is {before.state}; only what has failed is tried again"
                )
            row = await documents.find(connection, collection.id, document)
        await self._tell(collection.name, row.document())
        return row.document()

    async def remove(self, name: str, document: str) -> None:
        """See the promise."""
        allow(self._principal, Operation.KNOWLEDGE_EDIT)
        async with self._store.app.team(self._principal.team) as connection:
            collection = await collections.find(connection, name)
            found = await documents.find(connection, collection.id, document)
            await documents.delete(connection, found.id)
        await self._tell(collection.name, removed=str(found.id))

    async def search(self, request: SearchRequest) -> SearchAnswer:
        """See the promise."""
        return await self._finding.search(request)

    async def nearest(self, request: NearestRequest) -> NearestSentence:
        """See the promise."""
        return await self._finding.nearest(request)

    async def _tell(
        self, collection: str, document: Document | None = None, *, removed: str | None = None
    ) -> None:
        await changes.tell(
            self._store.broker,
            self._principal.team,
            collection,
            document=document,
            removed=removed,
        )

    async def _waited(self, name: str, document: str, *, seconds: float) -> Document:
        """The document, once it is no longer queued or the time is over."""
        deadline = monotonic() + seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            found = await self.document(name, document)
            left = deadline - monotonic()
            if found.state is not DocumentState.QUEUED or left <= 0:
                return found
            await anyio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"the limit is {limit}; it is 1 to {MAX_LIMIT}", field="limit")
    return limit


def _line(text: str, field: str, most: int) -> str:
    """The text as one line without what cannot be stored."""
    if len(text) > most:
        raise InvalidRequest(
            f"the {field} has {len(text)} characters; at most {most} are allowed", field=field
        )
    return " ".join(clean(text).split())


def _end_of(source: str) -> str:
    return source.rstrip("/\\").replace("\\", "/").rpartition("/")[2][:MAX_TITLE]


def _ordinal(cursor: str) -> int:
    key = key_of(cursor)
    if key.isascii() and key.isdecimal() and int(key[:20]) <= MAX_ORDINAL:
        return int(key)
    raise InvalidRequest("the cursor was not given by this list", field="cursor")


def _cursor(cursor: str) -> UUID:
    try:
        return UUID(key_of(cursor))
    except ValueError:
        raise InvalidRequest("the cursor was not given by this list", field="cursor") from None
