"""Which agents search a collection: those who would miss it.

A spec stands in the body of its event, and nowhere else; so each active agent's newest one is read.
"""

import msgspec

from protocols.agents import STATE_CODES, AgentState
from store.postgres.pool import Connection


class _Spec(msgspec.Struct):
    collections: tuple[str, ...] = ()


class _Body(msgspec.Struct):
    spec: _Spec


_BODY = msgspec.json.Decoder(_Body)


async def searchers(connection: Connection, collection: str) -> list[str]:
    """Names of the team's active agents whose latest version names the collection, in order."""
    wanted = {"active": STATE_CODES[AgentState.ACTIVE], "mention": f'"{collection}"'.encode()}
    cursor = await connection.execute(_SPECS, wanted)
    return [name for name, body in await cursor.fetchall() if collection in _collections(body)]


def _collections(body: bytes) -> tuple[str, ...]:
    try:
        return _BODY.decode(body).spec.collections
    except msgspec.DecodeError:
        return ()  # of another version of the factory; it runs with nothing either


# The stream of an agent is short; its newest spec is its last event or near it.
_SPECS = """
    SELECT a.name, published.body
    FROM agent_row AS a
    CROSS JOIN LATERAL (
      SELECT e.body
      FROM event AS e
      WHERE e.stream_id = a.id AND NOT e.delta AND e.type = 'agent.version_published'
        AND e.key_id = 0
      ORDER BY e.version DESC
      LIMIT 1) AS published
    WHERE a.state = %(active)s AND position(%(mention)s::bytea IN published.body) > 0
    ORDER BY a.name
"""
