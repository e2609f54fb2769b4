"""Rows of passages and their vectors: replaced as a whole by the workers, read in their order.

Finding them is in ranked.py.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pgvector import HalfVector
from pgvector.psycopg import register_vector_async
from psycopg.rows import class_row

from protocols.errors import NotFound
from protocols.knowledge import Chunk as Piece
from protocols.knowledge import DocumentStage
from protocols.principals import TeamId
from store.knowledge.chunks import Chunk, chunk_id
from store.knowledge.embedder import Vectors
from store.postgres.pool import Connection


class Queued(NamedTuple):
    """A document as the workers take it."""

    id: UUID
    team: int
    collection: UUID
    title: str
    is_titled: bool
    source: str
    media_type: str
    sha256: bytes
    state: str
    embedder: str | None
    content: bytes


async def take(connection: Connection, document: str, *, team: TeamId) -> Queued | None:
    """The document with its content; None when it was deleted."""
    async with connection.cursor(row_factory=class_row(Queued), binary=True) as cursor:
        await cursor.execute(_TAKE, {"id": UUID(document), "team": team})
        return await cursor.fetchone()


async def reach(
    connection: Connection,
    queued: Queued,
    stage: DocumentStage,
    *,
    embedded: int = 0,
    to_embed: int = 0,
) -> bool:
    """The document is said to be so far; False when it is not queued with this content any more."""
    cursor = await connection.execute(
        _REACH,
        {
            "id": queued.id,
            "sha256": queued.sha256,
            "stage": stage,
            "embedded": embedded,
            "to_embed": to_embed,
        },
    )
    return bool(cursor.rowcount)


async def replace(
    connection: Connection,
    queued: Queued,
    *,
    title: str,
    chunks: Sequence[Chunk],
    vectors: Vectors,
    embedder: str,
) -> bool:
    """The document is ready with these passages and no others, at once, or unchanged.

    It is unchanged (False) when it was deleted or given other content meanwhile: that has a job of
    its own.
    """
    async with connection.transaction():
        if not await _is_same(connection, queued):
            return False
        await connection.execute(_CLEAR, {"id": queued.id})
        await _insert(connection, queued, title=title, chunks=chunks)
        await _insert_vectors(
            connection, queued, ids=_ids(queued, len(chunks)), vectors=vectors, embedder=embedder
        )
        done = {"id": queued.id, "chunks": len(chunks), "title": title, "embedder": embedder}
        await connection.execute(_READY, done)
        await connection.execute(_EMBEDDED, {"id": queued.collection, "embedder": embedder})
    return True


async def fail(connection: Connection, queued: Queued, *, reason: str) -> bool:
    """The document has failed for this reason, and has no passages; False as in `replace`."""
    async with connection.transaction():
        if not await _is_same(connection, queued):
            return False
        await connection.execute(_CLEAR, {"id": queued.id})
        await connection.execute(_FAILED, {"id": queued.id, "reason": reason})
    return True


async def page(connection: Connection, document: UUID, *, start: int, limit: int) -> list[Piece]:
    """The passages of a document in their order, from the one of that number."""
    wanted = {"document": document, "start": start, "limit": limit}
    cursor = await connection.execute(_PAGE, wanted)
    return [
        Piece(id=str(key), ordinal=ordinal, location=location, text=text)
        for key, ordinal, location, text in await cursor.fetchall()
    ]


async def text_of(connection: Connection, chunk: str) -> str:
    """The text of the passage of that id.

    Raises:
        NotFound: The connection's team has none.
    """
    absent = NotFound(f"there is no passage {chunk[:64]!r}")
    try:
        key = UUID(chunk)
    except ValueError:
        raise absent from None
    row = await (await connection.execute(_TEXT, {"id": key})).fetchone()
    if row is None:
        raise absent
    return str(row[0])


async def _is_same(connection: Connection, queued: Queued) -> bool:
    """Whether it still has that content; from here on nobody else changes it."""
    cursor = await connection.execute(_LOCK, {"id": queued.id})
    row = await cursor.fetchone()
    return row is not None and row[0] == queued.sha256 and row[1] == queued.media_type


async def _insert(
    connection: Connection, queued: Queued, *, title: str, chunks: Sequence[Chunk]
) -> None:
    ids = _ids(queued, len(chunks))
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _INSERT,
            [
                {
                    "id": key,
                    "team": queued.team,
                    "collection": queued.collection,
                    "document": queued.id,
                    "title": title,
                    **chunk._asdict(),
                }
                for key, chunk in zip(ids, chunks, strict=True)
            ],
        )


async def _insert_vectors(
    connection: Connection,
    queued: Queued,
    *,
    ids: Sequence[UUID],
    vectors: Vectors,
    embedder: str,
) -> None:
    await register_vector_async(connection)  # binary vectors cost a tenth of those in text
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _INSERT_VECTOR,
            [
                {
                    "chunk": key,
                    "team": queued.team,
                    "collection": queued.collection,
                    "embedder": embedder,
                    "vector": HalfVector(vector),
                }
                for key, vector in zip(ids, vectors, strict=True)
            ],
        )


def _ids(queued: Queued, count: int) -> list[UUID]:
    sha256 = queued.sha256.hex()
    return [chunk_id(queued.id, sha256, ordinal) for ordinal in range(count)]


_TAKE = """
    SELECT d.id, d.team_id AS team, d.collection_id AS collection, d.title, d.is_titled, d.source,
           d.media_type, d.sha256, d.state, d.embedder, b.content
    FROM document AS d
    JOIN blob AS b ON b.team_id = d.team_id AND b.sha256 = d.sha256
    WHERE d.id = %(id)s AND d.team_id = %(team)s
"""

_REACH = """
    UPDATE document
    SET stage = %(stage)s, embedded = %(embedded)s, to_embed = %(to_embed)s
    WHERE id = %(id)s AND sha256 = %(sha256)s AND state = 'queued'
"""

_PAGE = """
    SELECT id, ordinal, location, text
    FROM chunk
    WHERE document_id = %(document)s AND ordinal >= %(start)s
    ORDER BY ordinal
    LIMIT %(limit)s
"""

_TEXT = "SELECT text FROM chunk WHERE id = %(id)s"

_LOCK = "SELECT sha256, media_type FROM document WHERE id = %(id)s FOR UPDATE"

_CLEAR = "DELETE FROM chunk WHERE document_id = %(id)s"

_INSERT = """
    INSERT INTO chunk (id, team_id, collection_id, document_id, ordinal, title, location, text)
    VALUES (%(id)s, %(team)s, %(collection)s, %(document)s, %(ordinal)s, %(title)s, %(location)s,
            %(text)s)
"""

_INSERT_VECTOR = """
    INSERT INTO embedding_384 (chunk_id, team_id, collection_id, embedder, vector)
    VALUES (%(chunk)s, %(team)s, %(collection)s, %(embedder)s, %(vector)b)
"""

_READY = """
    UPDATE document
    SET state = 'ready', reason = NULL, chunks = %(chunks)s, title = %(title)s,
        embedder = %(embedder)s
    WHERE id = %(id)s
"""

_EMBEDDED = """
    UPDATE collection
    SET embedder = %(embedder)s
    WHERE id = %(id)s AND embedder <> %(embedder)s
"""

_FAILED = """
    UPDATE document
    SET state = 'failed', reason = %(reason)s, chunks = 0, embedder = NULL
    WHERE id = %(id)s
"""
