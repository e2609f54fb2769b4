"""Tickets, sessions and keys in Postgres: found by the hash of a secret, never by the secret.

Used by `hub/identity` alone. Everything here works before a team is known, so it runs as
`pygent_log`; what it returns says which team it is of. Times are the database's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import class_row

from protocols.errors import AlreadyExists, LimitExceeded, NotFound
from protocols.operations.keys import ApiKey
from protocols.principals import Actor, Role, TeamId
from store.postgres.pool import LogPool, TeamPool

TICKET_SECONDS = 600
SESSION_SECONDS = 30 * 24 * 3600
MAX_KEYS = 1000  # that are not revoked, in a team
KEPT_SECONDS = 24 * 3600  # ended tickets and sessions, then they are deleted

CREATE_TICKET = """
WITH chosen AS (
  SELECT p.id
  FROM person p
  JOIN member m ON m.person_id = p.id
  WHERE p.handle = %(handle)s
)
INSERT INTO login_ticket (hash, person_id, expires_at)
SELECT %(hash)s, id, now() + make_interval(secs => %(seconds)s)
FROM chosen
LIMIT 1
RETURNING expires_at
"""

USE_TICKET = """
WITH used AS (
  UPDATE login_ticket
  SET used_at = now()
  WHERE hash = %(ticket)s AND used_at IS NULL AND expires_at > now()
  RETURNING person_id
), entered AS (
  INSERT INTO session (hash, team_id, person_id, expires_at)
  SELECT %(session)s, m.team_id, m.person_id, now() + make_interval(secs => %(seconds)s)
  FROM member m
  JOIN used u ON u.person_id = m.person_id
  ORDER BY m.team_id
  LIMIT 1
  RETURNING team_id
)
SELECT team_id FROM entered
"""

FIND_SESSION = """
SELECT s.team_id, 'user:' || p.handle AS actor, p.name, m.role,
       extract(epoch FROM s.expires_at)::float8 AS expires_at,
       s.last_used_at < now() - interval '1 hour' AS is_stale
FROM session s
JOIN member m ON m.team_id = s.team_id AND m.person_id = s.person_id
JOIN person p ON p.id = s.person_id
WHERE s.hash = %(hash)s AND s.revoked_at IS NULL AND s.expires_at > now()
"""

FIND_KEY = """
SELECT team_id, 'key:' || prefix AS actor, name, role, NULL::float8 AS expires_at,
       coalesce(last_used_at < now() - interval '1 minute', true) AS is_stale
FROM api_key
WHERE hash = %(hash)s AND revoked_at IS NULL
"""

TOUCH_SESSION = """
UPDATE session
SET last_used_at = now(), expires_at = now() + make_interval(secs => %(seconds)s)
WHERE hash = %(hash)s AND revoked_at IS NULL AND last_used_at < now() - interval '1 hour'
"""

TOUCH_KEY = """
UPDATE api_key
SET last_used_at = now()
WHERE hash = %(hash)s
  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""

END_SESSION = """
UPDATE session
SET revoked_at = now()
WHERE hash = %(hash)s AND revoked_at IS NULL
"""

CREATE_KEY = """
INSERT INTO api_key (team_id, name, prefix, hash, role, created_by)
SELECT %(team)s, %(name)s, %(prefix)s, %(hash)s, %(role)s, %(actor)s
WHERE (SELECT count(*) FROM api_key WHERE team_id = %(team)s AND revoked_at IS NULL) < %(limit)s
ON CONFLICT DO NOTHING
RETURNING id::text, name, prefix, role, created_by, created_at, last_used_at, revoked_at
"""

LIST_KEYS = """
SELECT id::text, name, prefix, role, created_by, created_at, last_used_at, revoked_at
FROM api_key
ORDER BY created_at DESC, id
LIMIT 2000
"""

REVOKE_KEY = """
UPDATE api_key
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(id)s AND team_id = %(team)s
RETURNING id::text, name, prefix, role, created_by, created_at, last_used_at, revoked_at
"""

SWEEP: tuple[LiteralString, ...] = (
    "DELETE FROM login_ticket WHERE expires_at < now() - make_interval(secs => %(seconds)s)",
    """
    DELETE FROM session
    WHERE expires_at < now() - make_interval(secs => %(seconds)s)
       OR revoked_at < now() - make_interval(secs => %(seconds)s)
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody whose secret was right.

    Attributes:
        expires_at: Unix seconds of a session's end; None for a key.
        is_stale: Whether its last use is old enough to be written anew.
    """

    team_id: TeamId
    actor: Actor
    name: str
    role: Role
    expires_at: float | None
    is_stale: bool


class IdentityTable:
    """The statements above, each one step."""

    def __init__(self, pool: LogPool, app: TeamPool) -> None:
        self._pool = pool
        self._app = app

    async def create_ticket(self, hashed: bytes, *, handle: str) -> datetime:
        """The ticket opens one session for that person; the time it ends.

        Raises:
            NotFound: There is no such person.
        """
        values = {"hash": hashed, "handle": handle, "seconds": TICKET_SECONDS}
        async with self._pool.answering() as connection:
            cursor = await connection.execute(CREATE_TICKET, values)
            row = await cursor.fetchone()
        if row is None:
            raise NotFound(f"there is no person {handle[:64]!r}")
        return row[0]

    async def use_ticket(self, hashed: bytes, *, session: bytes) -> bool:
        """The session exists and the ticket opens no other; False for a used or old ticket."""
        values = {"ticket": hashed, "session": session, "seconds": SESSION_SECONDS}
        async with self._pool.answering() as connection:
            cursor = await connection.execute(USE_TICKET, values)
            return await cursor.fetchone() is not None

    async def find(self, hashed: bytes, *, is_key: bool) -> Known | None:
        """Whose secret has this hash; None for nobody's, an ended or a revoked one."""
        statement = FIND_KEY if is_key else FIND_SESSION
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(_Row))
            row = await (await cursor.execute(statement, {"hash": hashed})).fetchone()
        return None if row is None else row.known()

    async def touch(self, hashed: bytes, *, is_key: bool) -> None:
        """It was used now; a session's end moves on with it."""
        statement = TOUCH_KEY if is_key else TOUCH_SESSION
        async with self._pool.answering() as connection:
            await connection.execute(statement, {"hash": hashed, "seconds": SESSION_SECONDS})

    async def end_session(self, hashed: bytes) -> None:
        """The session opens nothing any more."""
        async with self._pool.answering() as connection:
            await connection.execute(END_SESSION, {"hash": hashed})

    async def create_key(
        self,
        *,
        team: TeamId,
        name: str,
        prefix: str,
        hashed: bytes,
        role: Role,
        actor: Actor,
    ) -> ApiKey:
        """The key exists.

        Raises:
            LimitExceeded: The team has its maximum.
            AlreadyExists: The prefix is taken; make another.
        """
        values = {
            "team": team,
            "name": name,
            "prefix": prefix,
            "hash": hashed,
            "role": role.value,
            "actor": actor,
            "limit": MAX_KEYS,
        }
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(ApiKey))
            key = await (await cursor.execute(CREATE_KEY, values)).fetchone()
            if key is not None:
                return key
            taken = await connection.execute("SELECT 1 FROM api_key WHERE prefix = %s", (prefix,))
            if await taken.fetchone() is not None:
                raise AlreadyExists("a key with this prefix exists")
        raise LimitExceeded(f"a team may have {MAX_KEYS} keys at a time; revoke some")

    async def keys(self, team: TeamId) -> Sequence[ApiKey]:
        """The team's keys, newest first."""
        async with self._app.team(team) as connection:
            cursor = connection.cursor(row_factory=class_row(ApiKey))
            return await (await cursor.execute(LIST_KEYS)).fetchall()

    async def revoke_key(self, key_id: str, *, team: TeamId) -> ApiKey:
        """The key opens nothing any more.

        Raises:
            NotFound: The team has no such key.
        """
        async with self._pool.answering() as connection:
            cursor = connection.cursor(row_factory=class_row(ApiKey))
            values = {"id": key_id, "team": team}
            key = await (await cursor.execute(REVOKE_KEY, values)).fetchone()
        if key is None:
            raise NotFound(f"there is no key {key_id[:64]!r}")
        return key

    async def sweep(self) -> None:
        """What ended long ago is deleted."""
        async with self._pool.answering() as connection:
            for statement in SWEEP:
                await connection.execute(statement, {"seconds": KEPT_SECONDS})


@dataclass(frozen=True, slots=True)
class _Row:
    team_id: int
    actor: str
    name: str
    role: str
    expires_at: float | None
    is_stale: bool

    def known(self) -> Known:
        return Known(
            team_id=TeamId(self.team_id),
            actor=Actor(self.actor),
            name=self.name,
            role=Role(self.role),
            expires_at=self.expires_at,
            is_stale=self.is_stale,
        )
