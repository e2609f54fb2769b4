"""Rows of documents: stored with their bytes and a job, listed, found, removed. One team's.

What becomes of them in the workers is in passages.py and `agents/ingest.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import uuid_utils
from psycopg.rows import class_row

from protocols.errors import NotFound
from protocols.knowledge import Document, DocumentStage, DocumentState
from protocols.principals import TeamId
from store.postgres.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """A document to be stored.

    Attributes:
        identity: What makes it the same document when it comes again.
        title: Of the one who adds it, or else made of its source.
        is_titled: Whether it is the former; otherwise its first heading takes its place.
    """

    collection: UUID
    identity: bytes
    title: str
    is_titled: bool
    source: str
    media_type: str
    content: bytes
    sha256: bytes


class DocumentRow(NamedTuple):
    """A document as it is stored, with the name of its collection."""

    id: UUID
    collection: str
    title: str
    source: str
    media_type: str
    size: int
    sha256: bytes
    state: str
    chunks: int
    reason: str | None
    created_at: datetime
    stage: str
    embedded: int
    to_embed: int
    changed_at: datetime
    version: int

    def document(self) -> Document:
        """As the operations answer it."""
        state = DocumentState(self.state)
        return Document(
            id=str(self.id),
            collection=self.collection,
            title=self.title,
            source=self.source,
            media_type=self.media_type,
            bytes=self.size,
            sha256=self.sha256.hex(),
            state=state,
            chunks=self.chunks,
            reason=self.reason,
            stage=DocumentStage(self.stage) if state is DocumentState.QUEUED else None,
            embedded=self.embedded,
            to_embed=self.to_embed,
            created_at=self.created_at,
            changed_at=self.changed_at,
            version=self.version,
        )


async def put(connection: Connection, new: NewContent, *, team: TeamId) -> UUID:
    """The document is stored, and queued unless this content of it is known; its id.

    What failed before is queued again. Passages of an older content stay until the new ones are
    ready.
    """
    stored = {"team": team, "sha256": new.sha256}
    await connection.execute(_PUT_BLOB, {**stored, "content": new.content})
    cursor = await connection.execute(
        _PUT,
        {
            **stored,
            "id": UUID(bytes=uuid_utils.uuid7().bytes),
            "collection": new.collection,
            "identity": new.identity,
            "title": new.title,
            "is_titled": new.is_titled,
            "source": new.source,
            "media_type": new.media_type,
            "bytes": len(new.content),
        },
    )
    if queued := await cursor.fetchone():
        await connection.execute(_ENQUEUE, {"document": queued[0]})
        return UUID(str(queued[0]))
    known = {"collection": new.collection, "identity": new.identity}
    found = await (await connection.execute(_SAME, known)).fetchone()
    if found is None:  # deleted between the two statements
        raise NotFound(f"document {new.source or new.title} was deleted just now; add it again")
    return UUID(str(found[0]))


async def page(
    connection: Connection,
    collection: UUID,
    *,
    before: UUID,
    limit: int,
    state: DocumentState | None = None,
) -> list[DocumentRow]:
    """Documents of the collection, newest first, from the one older than `before`."""
    wanted = {"collection": collection, "before": before, "limit": limit, "state": state}
    match state:
        case None:
            statement = _PAGE
        case DocumentState.READY:
            statement = _PAGE_READY
        case _:
            statement = _PAGE_UNFINISHED
    async with connection.cursor(row_factory=class_row(DocumentRow)) as cursor:
        await cursor.execute(statement, wanted)
        return await cursor.fetchall()


async def find(connection: Connection, collection: UUID, document: str) -> DocumentRow:
    """The document of that id.

    Raises:
        NotFound: The collection has none.
    """
    absent = NotFound(f"there is no document {document[:64]!r}")
    try:
        key = UUID(document)
    except ValueError:
        raise absent from None
    async with connection.cursor(row_factory=class_row(DocumentRow)) as cursor:
        await cursor.execute(_FIND, {"collection": collection, "id": key})
        row = await cursor.fetchone()
    if row is None:
        raise absent
    return row


async def read(connection: Connection, document: UUID) -> DocumentRow | None:
    """The document of that id, of whichever collection the connection may see."""
    async with connection.cursor(row_factory=class_row(DocumentRow)) as cursor:
        await cursor.execute(_READ, {"id": document})
        return await cursor.fetchone()


async def retry(connection: Connection, document: UUID) -> bool:
    """The document is queued again; False when it has not failed."""
    cursor = await connection.execute(_RETRY, {"id": document})
    if not cursor.rowcount:
        return False
    await connection.execute(_ENQUEUE, {"document": document})
    return True


async def delete(connection: Connection, document: UUID) -> None:
    """The document is gone, with its passages, and its bytes unless another one needs them."""
    await connection.execute(_DELETE, {"id": document})


async def queue_again(connection: Connection, *, embedder: str) -> int:
    """Documents of the team whose vectors that embedder made are queued; how many."""
    cursor = await connection.execute(_QUEUE_AGAIN, {"embedder": embedder})
    return cursor.rowcount


# The update locks the row: it cannot be forgotten as unused before the document needs it.
_PUT_BLOB = """
    INSERT INTO blob (team_id, sha256, content)
    VALUES (%(team)s, %(sha256)s, %(content)s)
    ON CONFLICT (team_id, sha256) DO UPDATE SET stored_at = now()
"""

_PUT = """
    INSERT INTO document AS d
      (id, team_id, collection_id, identity, title, is_titled, source, media_type, bytes, sha256,
       state)
    VALUES
      (%(id)s, %(team)s, %(collection)s, %(identity)s, %(title)s, %(is_titled)s, %(source)s,
       %(media_type)s, %(bytes)s, %(sha256)s, 'queued')
    ON CONFLICT (collection_id, identity) DO UPDATE
    SET title = excluded.title, is_titled = excluded.is_titled, media_type = excluded.media_type,
        bytes = excluded.bytes, sha256 = excluded.sha256, state = 'queued', reason = NULL
    WHERE d.sha256 <> excluded.sha256 OR d.media_type <> excluded.media_type OR d.state = 'failed'
    RETURNING id
"""

_SAME = """
    SELECT id
    FROM document
    WHERE collection_id = %(collection)s AND identity = %(identity)s
"""

_ENQUEUE = "SELECT enqueue_ingest(%(document)s)"

_ROW = """
    SELECT d.id, c.name AS collection, d.title, d.source, d.media_type, d.bytes AS size, d.sha256,
           d.state, d.chunks, d.reason, d.created_at, d.stage, d.embedded, d.to_embed,
           d.changed_at, d.version
    FROM document AS d
    JOIN collection AS c ON c.id = d.collection_id
"""

_OLDER = """
    ORDER BY d.id DESC
    LIMIT %(limit)s
"""

_PAGE = f"{_ROW} WHERE d.collection_id = %(collection)s AND d.id < %(before)s {_OLDER}"

_PAGE_READY = f"""
    {_ROW}
    WHERE d.collection_id = %(collection)s AND d.id < %(before)s AND d.state = 'ready'
    {_OLDER}
"""

# Told twice, so that any plan may use the index of those that are not ready.
_PAGE_UNFINISHED = f"""
    {_ROW}
    WHERE d.collection_id = %(collection)s AND d.id < %(before)s
      AND d.state <> 'ready' AND d.state = %(state)s
    {_OLDER}
"""

_FIND = f"{_ROW} WHERE d.collection_id = %(collection)s AND d.id = %(id)s"

_READ = f"{_ROW} WHERE d.id = %(id)s"

_RETRY = (
    "UPDATE document SET state = 'queued', reason = NULL WHERE id = %(id)s AND state = 'failed'"
)

_DELETE = "DELETE FROM document WHERE id = %(id)s"

_QUEUE_AGAIN = """
    WITH stale AS (
      UPDATE document
      SET state = 'queued'
      WHERE state = 'ready' AND embedder = %(embedder)s
      RETURNING id
    )
    SELECT enqueue_ingest(id)
    FROM stale
"""
