"""Rows of collections: made, listed, found, deleted. One team's, by its connection.

What may be done to them, and by whom, is in `store/operations/knowledge.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from protocols.errors import AlreadyExists, NotFound
from protocols.knowledge import Collection
from protocols.principals import TeamId
from store.postgres.pool import Connection


class CollectionRow(NamedTuple):
    """A collection as it is stored."""

    id: UUID
    name: str
    description: str
    embedder: str
    documents: int
    chunks: int
    created_at: datetime
    queued: int = 0
    failed: int = 0

    def collection(self) -> Collection:
        """As the operations answer it."""
        return Collection(
            id=str(self.id),
            name=self.name,
            description=self.description,
            documents=self.documents,
            chunks=self.chunks,
            queued=self.queued,
            failed=self.failed,
            embedder=self.embedder,
            created_at=self.created_at,
        )


async def insert(connection: Connection, row: CollectionRow, *, team: TeamId) -> None:
    """The collection exists.

    Raises:
        AlreadyExists: The name is taken; the transaction is over.
    """
    try:
        await connection.execute(_INSERT, {"team": team, **row._asdict()})
    except UniqueViolation:
        raise AlreadyExists(f"there is a collection {row.name} already", field="name") from None


async def page(connection: Connection, *, after: str, limit: int) -> list[CollectionRow]:
    """Collections by name, from the one after `after`."""
    async with connection.cursor(row_factory=class_row(CollectionRow)) as cursor:
        await cursor.execute(_PAGE, {"after": after, "limit": limit})
        return await cursor.fetchall()


async def find(connection: Connection, name: str) -> CollectionRow:
    """The collection of that name.

    Raises:
        NotFound: The team has none.
    """
    return (await find_all(connection, [name]))[0]


async def find_all(connection: Connection, names: Sequence[str]) -> list[CollectionRow]:
    """The collections of these names, in their order.

    Raises:
        NotFound: The team lacks one; it is named.
    """
    possible = [name for name in names if "\0" not in name and name.isascii()]
    async with connection.cursor(row_factory=class_row(CollectionRow)) as cursor:
        await cursor.execute(_FIND, {"names": possible})
        found = {row.name: row for row in await cursor.fetchall()}
    for name in names:
        if name not in found:
            raise NotFound(f"there is no collection {name[:128]!r}")
    return [found[name] for name in names]


async def size(connection: Connection, collection: UUID) -> int:
    """Bytes of its documents, as they were added."""
    cursor = await connection.execute(_SIZE, {"collection": collection})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def delete(connection: Connection, collection: UUID) -> None:
    """The collection is gone, with all that is in it."""
    # Documents first, then the collection: the order in which an ingest takes its locks.
    await connection.execute(_LOCK_DOCUMENTS, {"collection": collection})
    await connection.execute(_DELETE, {"collection": collection})


_INSERT = """
    INSERT INTO collection (id, team_id, name, description, embedder, created_at)
    VALUES (%(id)s, %(team)s, %(name)s, %(description)s, %(embedder)s, %(created_at)s)
"""

# Those that are not ready have an index of their own.
_PAGE = """
    SELECT c.id, c.name, c.description, c.embedder, c.documents, c.chunks, c.created_at,
           (SELECT count(*) FROM document AS d
            WHERE d.collection_id = c.id AND d.state <> 'ready' AND d.state = 'queued') AS queued,
           (SELECT count(*) FROM document AS d
            WHERE d.collection_id = c.id AND d.state <> 'ready' AND d.state = 'failed') AS failed
    FROM collection AS c
    WHERE c.name > %(after)s
    ORDER BY c.name
    LIMIT %(limit)s
"""

_FIND = """
    SELECT c.id, c.name, c.description, c.embedder, c.documents, c.chunks, c.created_at,
           (SELECT count(*) FROM document AS d
            WHERE d.collection_id = c.id AND d.state <> 'ready' AND d.state = 'queued') AS queued,
           (SELECT count(*) FROM document AS d
            WHERE d.collection_id = c.id AND d.state <> 'ready' AND d.state = 'failed') AS failed
    FROM collection AS c
    WHERE c.name = ANY (%(names)s)
"""

_SIZE = "SELECT coalesce(sum(bytes), 0) FROM document WHERE collection_id = %(collection)s"

_LOCK_DOCUMENTS = "SELECT FROM document WHERE collection_id = %(collection)s ORDER BY id FOR UPDATE"

_DELETE = "DELETE FROM collection WHERE id = %(collection)s"
