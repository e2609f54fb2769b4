from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from protocols.agents import agent_id
from protocols.errors import InvalidRequest
from protocols.operations.conversations import ConversationQuery
from protocols.operations.tasks import TaskQuery, TaskRow
from protocols.tasks import TaskState
from store.connect import Store
from store.operations import conversation_list, task_list
from store.postgres.pool import Connection
from store.projector import Projector
from tests.store.people import OTHER_TEAM, TEAM, Worker, factory, somebody, submitted, with_agent

# 100,000 tasks in 5 agents, some states rare; ids by time, as they are in life.
MANY = """
    INSERT INTO task_row
    SELECT (lpad(to_hex(1760000000000 + n * 1000), 12, '0') || '7000800000000000000' || 'a')::uuid,
           1 + (n % 50 = 0)::int,
           CASE WHEN n % 1000 = 0 THEN 'Quarterly report ' ELSE 'Why ' END || n,
           CASE WHEN n % 997 = 0 THEN 101 WHEN n % 5000 = 1 THEN 2 ELSE 100 END,
           CASE WHEN n % 2500 = 3 THEN %(rare)s::uuid ELSE md5((n % 4)::text)::uuid END,
           'guide', 1, 'extractive', CASE WHEN n % 3000 = 0 THEN 'user:eve' ELSE 'user:ada' END,
           to_timestamp(1760000000 + n), NULL, to_timestamp(1760000001 + n),
           to_timestamp(1760000001 + n), 1, 1, 10, 10, 7, NULL, '[]', '[]', 5, n,
           'talk-' || n / 40
    FROM generate_series(1, 100000) AS n
"""


async def listed(store: Store, **filters: object) -> list[TaskRow]:
    query = TaskQuery.model_validate(filters)
    return (await factory(store).tasks.list(query)).items


async def test_pages_stay_in_place_while_tasks_arrive(store: Store) -> None:
    await with_agent(store)
    first = [await submitted(store, f"task {n}") for n in range(7)]
    await Projector(store).catch_up()
    tasks, cursor, seen = factory(store).tasks, None, list[str]()
    while True:
        page = await tasks.list(TaskQuery(limit=2, cursor=cursor))
        seen += [row.id for row in page.items]
        await submitted(store, "later")
        await Projector(store).catch_up()
        if (cursor := page.next) is None:
            break
    assert seen == first[::-1]


async def test_filters_and_their_combinations(store: Store) -> None:
    await with_agent(store)
    await with_agent(store, "clerk")
    why = await submitted(store, "Why is the sky blue?")
    report = await submitted(store, "Quarterly report", agent="clerk")
    bobs = await submitted(store, "Report again", agent="clerk", principal=somebody(name="bob"))
    await Worker(store, report).start()
    await Projector(store).catch_up()

    async def ids(**filters: object) -> list[str]:
        return [row.id for row in await listed(store, **filters)]

    assert await ids() == [bobs, report, why]
    assert await ids(state=("working",)) == [report]
    assert await ids(state=("submitted", "working", "submitted")) == [bobs, report, why]
    assert await ids(agent="clerk") == [bobs, report]
    assert await ids(agent=agent_id(TEAM, "clerk"), state=("submitted",)) == [bobs]
    assert await ids(agent="nobody") == []
    assert await ids(submitted_by="user:bob") == [bobs]
    assert await ids(text="rep") == [bobs, report]
    assert await ids(text="report QUART") == [report]
    assert await ids(text="report", state=("submitted",), agent="clerk") == [bobs]
    assert await ids(text="?!") == []
    assert await ids(text="' & | :* <->") == []
    now = datetime.now(UTC)
    assert await ids(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1)) == [
        bobs,
        report,
        why,
    ]
    assert await ids(since=now + timedelta(minutes=1)) == []
    assert await ids(until=now - timedelta(minutes=1)) == []
    assert await ids(text="report", until=now - timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"cursor": "?"},
        {"cursor": "bm8"},
        {"cursor": "é"},
        {"cursor": "x" * 10_000},
        {"since": datetime(2026, 1, 1)},  # noqa: DTZ001  the refusal of a naive time
        {"text": "a\0b"},
        {"agent": "a\0b"},
        {"submitted_by": "\0"},
    ],
)
async def test_a_query_that_cannot_be_is_refused(store: Store, filters: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await listed(store, **filters)
    assert refusal.value.field in filters


async def test_the_ends_of_time_are_only_empty(store: Store) -> None:
    assert await listed(store, since=datetime.max.replace(tzinfo=UTC)) == []
    assert await listed(store, until=datetime.min.replace(tzinfo=UTC)) == []


@pytest.fixture
async def crowded(store: Store, database: str) -> Store:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("SET search_path = pygent, public")
        await connection.execute("SET synchronous_commit = off")
        await connection.execute(MANY.replace("%(rare)s", f"'{agent_id(TEAM, 'rare')}'").encode())
        await connection.execute("VACUUM ANALYZE task_row")
    return store


EVERY_FILTER: list[dict[str, object]] = [
    {},
    {"cursor": "MDE5OWNmMDQtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw"},
    {"state": (TaskState.FAILED,)},
    {"state": (TaskState.SUBMITTED, TaskState.WORKING)},
    {"agent": "rare"},
    {"agent": "rare", "state": (TaskState.FAILED,)},
    {"submitted_by": "user:eve"},
    {"submitted_by": "user:nobody"},
    {"since": datetime(2025, 10, 10, tzinfo=UTC)},
    {"until": datetime(2025, 10, 9, 10, tzinfo=UTC)},
    {"state": (TaskState.COMPLETED,), "until": datetime(2025, 10, 9, 10, tzinfo=UTC)},
    {"text": "quarterly"},
    {"text": "why"},
    {"text": "why", "state": (TaskState.WORKING,)},
    {"text": "nothing"},
    {"text": "quarterly", "state": (TaskState.COMPLETED,)},
    {"context_id": "talk-7"},
    {"context_id": "talk-7", "text": "quarterly", "state": (TaskState.COMPLETED,)},
    {"context_id": "nobody's"},
]


async def test_every_filter_walks_an_index_and_reads_little(crowded: Store) -> None:
    for filters in EVERY_FILTER:
        async with crowded.app.team(TEAM) as connection:
            query = TaskQuery.model_validate(filters)
            scans, fetched = await _done(connection)
            await task_list.task_page(connection, TEAM, query, limit=51)
            more_scans, more_fetched = await _done(connection)
        assert more_scans == scans, filters
        assert more_fetched - fetched < 5000, filters
    for agent in (
        None,
        "rare",
        "nobody",
    ):  # here, where so many tasks are: making them takes seconds
        async with crowded.app.team(TEAM) as connection:
            scans, fetched = await _done(connection)
            await conversation_list.conversation_page(
                connection, TEAM, ConversationQuery(agent=agent)
            )
            more_scans, more_fetched = await _done(connection)
        assert more_scans == scans, agent
        assert more_fetched - fetched < 15_000, agent  # fifty of forty tasks, each read thrice


async def _done(connection: Connection) -> tuple[int, int]:
    """Seq scans and rows fetched so far, inside functions too, where EXPLAIN does not look."""
    cursor = await connection.execute(
        "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'task_row'"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1] or 0)


async def test_a_page_of_the_other_team_is_as_quick(crowded: Store) -> None:
    stranger = factory(crowded, somebody(team=OTHER_TEAM)).tasks
    page = await stranger.list(TaskQuery(text="quarterly", limit=50))
    assert len(page.items) == 50
    assert {row.title.split()[0] for row in page.items} == {"Quarterly"}
