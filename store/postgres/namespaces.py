"""Namespaces that were made while the factory ran, as Postgres keeps them: rules are JSON here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from protocols.errors import LimitExceeded
from protocols.namespaces import MAX_NAMESPACES
from protocols.principals import Actor
from store.postgres.pool import LogPool

STAMP = "SELECT count(*), coalesce(max(version), 0) FROM namespace"

ALL = "SELECT name, rules::text, changed_by, changed_at FROM namespace ORDER BY name"

PUT = """
INSERT INTO namespace (name, rules, changed_by)
SELECT %(name)s, %(rules)s::jsonb, %(actor)s
WHERE EXISTS (SELECT FROM namespace WHERE name = %(name)s)
   OR (SELECT count(*) FROM namespace) < %(limit)s
ON CONFLICT (name) DO UPDATE
SET rules = excluded.rules, version = nextval('namespace_version'),
    changed_by = excluded.changed_by, changed_at = now()
RETURNING name, rules::text, changed_by, changed_at
"""

DELETE = """
DELETE FROM namespace
WHERE name = %(name)s
RETURNING name, rules::text, changed_by, changed_at
"""

Stamp = tuple[int, int]  # another one after each change


@dataclass(frozen=True, slots=True)
class NamespaceRow:
    """One of them; `rules` is the JSON object it was made with."""

    name: str
    rules: str
    changed_by: str
    changed_at: datetime


class NamespaceTable:
    """All of them; they are the factory's, so it works as `pygent_log`."""

    def __init__(self, pool: LogPool) -> None:
        self._pool = pool

    async def stamp(self) -> Stamp:
        """What is another one after each change.

        Raises:
            Unavailable: Postgres did not answer.
        """
        async with self._pool.answering() as connection:
            found = await (await connection.execute(STAMP)).fetchone()
            assert found is not None
            return (found[0], found[1])

    async def all(self) -> Sequence[NamespaceRow]:
        """Each of them, by name.

        Raises:
            Unavailable: Postgres did not answer.
        """
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(NamespaceRow))
            return await (await cursor.execute(ALL)).fetchall()

    async def put(self, name: str, rules: str, *, actor: Actor) -> NamespaceRow:
        """The namespace has these rules.

        Raises:
            LimitExceeded: There are MAX_NAMESPACES others.
            Unavailable: It may have been done, or not.
        """
        values = {"name": name, "rules": rules, "actor": actor, "limit": MAX_NAMESPACES}
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(NamespaceRow))
            row = await (await cursor.execute(PUT, values)).fetchone()
        if row is None:
            raise LimitExceeded(f"there are {MAX_NAMESPACES} namespaces, as many as there may be")
        return row

    async def delete(self, name: str) -> NamespaceRow | None:
        """The namespace is gone; None: there was none.

        Raises:
            Unavailable: It may have been done, or not.
        """
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(NamespaceRow))
            return await (await cursor.execute(DELETE, {"name": name})).fetchone()
