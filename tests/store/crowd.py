"""Fills an empty database with very much: 100,000 tasks, 1,000 agents, 10,000 documents."""

from pathlib import Path

import psycopg
from psycopg import sql

from protocols.agents import agent_id
from protocols.principals import TeamId

ROWS = Path(__file__).with_name("crowd.sql")
LONG_TASK = "00000000-0000-7000-8000-00000000000e"  # of 100,000 events

# What can be made again behind the rows, in a fifth of the time.
INDEXES = """
    SELECT indexname, indexdef
    FROM pg_indexes
    WHERE schemaname = 'pygent'
      AND tablename IN ('task_row', 'document', 'chunk', 'embedding_384', 'procrastinate_jobs')
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""


async def crowd(url: str, *, embedder: str = "hashing") -> None:
    """The database is full, and Postgres knows what is in it; `embedder` made the vectors."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "SET search_path = pygent, public; SET synchronous_commit = off;"
            " SET maintenance_work_mem = '256MB'"
        )
        indexes = await (await connection.execute(INDEXES)).fetchall()
        for name, _ in indexes:
            await connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        await connection.execute(
            "CREATE TEMP TABLE crowd_agent (n int, team int, id uuid, name text)"
        )
        async with connection.cursor() as cursor:
            await cursor.executemany("INSERT INTO crowd_agent VALUES (%s, %s, %s, %s)", _agents())
        await connection.execute("ANALYZE crowd_agent")
        await connection.execute(ROWS.read_text().replace("'hashing'", f"'{embedder}'").encode())
        for _, statement in indexes:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")


def _agents() -> list[tuple[int, int, str, str]]:
    """A thousand of team 1, three of team 2: number, team, id, name."""
    return [
        (number, team, agent_id(TeamId(team), name), name)
        for team, count in ((1, 1000), (2, 3))
        for number, name in ((number, f"agent-{number:04}") for number in range(count))
    ]
