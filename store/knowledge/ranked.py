"""Passages found by a search: one statement for meaning and words, fused there and ranked.

The function it calls is in the migrations. Why a passage was found is in explaining.py.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from protocols.knowledge import Passage, SearchRequest
from store.knowledge.embedder import Vectors
from store.postgres.pool import Connection


class _Found(NamedTuple):
    chunk: UUID
    document: UUID
    collection: str
    title: str
    source: str
    location: str
    text: str
    score: float
    vector_score: float | None
    text_score: float | None
    vector_rank: int | None
    text_rank: int | None
    ordinal: int
    chunks: int
    changed_at: datetime


async def search(
    connection: Connection,
    request: SearchRequest,
    *,
    query: str,
    vector: Vectors,
    embedder: str,
    collections: Sequence[UUID] | None,
) -> list[Passage]:
    """Passages of the connection's team, best first; None searches all its collections.

    Of the request, how many and in which order; `query` and `vector` are its words made ready.
    """
    async with connection.cursor(row_factory=class_row(_Found)) as cursor:
        await cursor.execute(
            _SEARCH,
            {
                "query": query,
                "vector": vector.tolist(),
                "embedder": embedder,
                "collections": None if collections is None else list(collections),
                "limit": request.limit,
                "by": request.by,
            },
        )
        return [_passage(found) for found in await cursor.fetchall()]


def _passage(found: _Found) -> Passage:
    return Passage(
        chunk=str(found.chunk),
        document=str(found.document),
        collection=found.collection,
        title=found.title,
        source=found.source,
        location=found.location,
        text=found.text,
        score=found.score,
        vector_score=found.vector_score,
        text_score=found.text_score,
        vector_rank=found.vector_rank,
        text_rank=found.text_rank,
        ordinal=found.ordinal,
        chunks=found.chunks,
        changed_at=found.changed_at,
    )


_SEARCH = """
    SELECT chunk, document, collection, title, source, location, text, score, vector_score,
           text_score, vector_rank, text_rank, ordinal, chunks, changed_at
    FROM search_passages(
      %(query)s, %(vector)s::float8[]::halfvec, %(embedder)s, %(collections)s::uuid[], %(limit)s,
      %(by)s)
"""
