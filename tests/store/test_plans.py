"""What pages and REST read of a full factory is read by indexes, and little beyond what is shown.

100,000 tasks, 1,000 agents, 10,000 documents. The operations run as they do in a hub, so as the
role `pygent_app` with the team set; each of their statements is explained on the way.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from protocols.knowledge import DocumentState, SearchRequest
from protocols.operations.agents import AgentQuery
from protocols.operations.conversations import ConversationQuery
from protocols.operations.overview import Window
from protocols.operations.tasks import TaskQuery
from protocols.principals import TeamId
from protocols.tasks import TaskState
from store.addresses import Addresses
from store.connect import Store, open_store
from store.operations import StoredFactory
from store.operations.conversation_list import WALKED
from store.operations.listings import cursor_of
from store.overview_counts import MEASURED_TASKS
from store.postgres import looks, measures
from store.postgres.identity import IdentityTable
from tests.conftest import url_of
from tests.store.crowd import LONG_TASK, crowd
from tests.store.people import OTHER_TEAM, TEAM, factory, somebody
from tests.store.plans import Reader

PAGE = 50
FEW = 4 * PAGE
QUIET = "agent-0321"
LONG_AGO = datetime.now(UTC) - timedelta(days=6.5)  # 7,000 tasks are older
FAR_DOWN = cursor_of(f"{int(LONG_AGO.timestamp() * 1000):012x}70008000" + "0" * 12)
LONG_DOCUMENT = "0199c000-0001-7000-8000-000000000000"
OPEN = tuple(state for state in TaskState if not state.is_final)
ALL_STATES = tuple(TaskState)
AGENTS = 1000

Ask = Callable[[Store], Awaitable[object]]


@pytest.fixture(scope="module")
async def full(anyio_backend: object, postgres_url: str, template: str) -> AsyncGenerator[str]:
    """The URL of a database that is full."""
    name = f"full_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as server:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        await server.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
        url = url_of(postgres_url, database=name)
        await crowd(url)
        yield url
        await server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def store(full: str, redis_url: str, redis_prefix: str) -> AsyncGenerator[Store]:
    """One connection of each role, so that it is known which one is attended."""
    addresses = Addresses(database=full, redis=redis_url, redis_prefix=redis_prefix)
    async with open_store(addresses, pool_size=1) as opened:
        yield opened


@pytest.fixture
async def reader(store: Store) -> Reader:
    reader = Reader()
    async with store.app.team(TEAM) as connection:
        reader.attend(connection)
    async with store.log_pool.connection() as connection:
        reader.attend(connection)
    return reader


def of(store: Store, team: TeamId = TEAM) -> StoredFactory:
    return factory(store, somebody(team=team))


def tasks(team: TeamId = TEAM, **filters: object) -> Ask:
    return lambda store: of(store, team).tasks.list(TaskQuery.model_validate(filters))


def agents(**filters: object) -> Ask:
    return lambda store: of(store).agents.list(AgentQuery.model_validate(filters))


def conversations(**filters: object) -> Ask:
    query = ConversationQuery.model_validate(filters)
    return lambda store: of(store).conversations.list(query)


def overview(window: Window) -> Ask:
    return lambda store: of(store).overview.overview(window)


def documents(*, cursor: str | None = None, state: DocumentState | None = None) -> Ask:
    return lambda store: of(store).knowledge.documents("library", cursor=cursor, state=state)


def search(query: str, team: TeamId = TEAM, **filters: object) -> Ask:
    request = SearchRequest.model_validate({"query": query, **filters})
    return lambda store: of(store, team).knowledge.search(request)


async def everything_of_the_system(store: Store) -> None:
    await looks.look(store.log_pool)
    await measures.waiting(store.log_pool)


def collections() -> Ask:
    return lambda store: of(store).knowledge.list(limit=PAGE)


def document() -> Ask:
    return lambda store: of(store).knowledge.document("library", LONG_DOCUMENT)


def passages(start: int) -> Ask:
    return lambda store: of(store).knowledge.chunks("library", LONG_DOCUMENT, start=start)


def use(collection: str) -> Ask:
    return lambda store: of(store).knowledge.use(collection)


def events(*, after: int) -> Ask:
    return lambda store: of(store).tasks.events(LONG_TASK, after=after, limit=500)


def events_before(version: int) -> Ask:
    return lambda store: of(store).tasks.events_before(LONG_TASK, before=version, limit=500)


def agent(name: str) -> Ask:
    return lambda store: of(store).agents.get(name)


def versions(name: str) -> Ask:
    return lambda store: of(store).agents.versions(name)


async def keys(store: Store) -> object:
    return await IdentityTable(store.log_pool, store.app).keys(TEAM)


LOW_DOCUMENT = cursor_of("0199c000-0100-7000-8000-000000000000")

# What is asked, and how many rows one of its statements may touch: a few for each that is shown.
CASES: dict[str, tuple[Ask, int]] = {
    "tasks": (tasks(), FEW),
    "tasks, 200 a page": (tasks(limit=200), 2 * 200),
    "tasks, far down": (tasks(cursor=FAR_DOWN), FEW),
    "tasks, the only failed one": (tasks(state=["failed"]), FEW),
    "tasks, all that are open": (tasks(state=OPEN), 4 * PAGE),
    "tasks, every state": (tasks(state=ALL_STATES), 10 * PAGE),
    "tasks, completed, far down": (tasks(state=["completed"], cursor=FAR_DOWN), FEW),
    "tasks, canceled, the oldest": (tasks(state=["canceled"]), FEW),
    "tasks of a busy agent": (tasks(agent="agent-0000"), FEW),
    "tasks of a quiet agent": (tasks(agent=QUIET), FEW),
    "tasks of a busy agent that failed": (tasks(agent="agent-0000", state=["failed"]), FEW),
    "tasks of a quiet agent that were canceled": (tasks(agent=QUIET, state=["canceled"]), FEW),
    "tasks of a busy agent that were canceled": (
        tasks(agent="agent-0000", state=["canceled"]),
        FEW,
    ),
    "tasks of a busy agent that were rejected, as none was": (
        tasks(agent="agent-0000", state=["rejected"]),
        FEW,
    ),
    "tasks of nobody": (tasks(agent="nobody"), PAGE),
    "tasks of one person": (tasks(submitted_by="user:eve"), FEW),
    "tasks since then": (tasks(since=LONG_AGO), FEW),
    "tasks until then": (tasks(until=LONG_AGO), 4 * PAGE),
    "tasks of a range that is over": (
        tasks(since=LONG_AGO, until=LONG_AGO + timedelta(minutes=4)),
        6 * PAGE,
    ),
    "tasks with a usual word": (tasks(text="why"), 2000),
    "tasks with a rare word": (tasks(text="reconcile"), 2500),
    "tasks with a word of long ago": (tasks(text="legacy"), 35_000),
    "tasks with no such word": (tasks(text="xylophone"), 2500),
    "tasks with a usual word that failed": (tasks(text="why", state=["failed"]), 2500),
    "a conversation": (tasks(context_id="talk-30000"), PAGE),
    "a long conversation": (tasks(context_id="long-talk"), FEW),
    "conversations": (conversations(), 3 * WALKED),
    "conversations with a busy agent": (conversations(agent="agent-0000"), 3 * WALKED),
    "tasks of the small team": (tasks(OTHER_TEAM), FEW),
    "failed tasks of the small team": (tasks(OTHER_TEAM, state=["failed"]), FEW),
    "working tasks with a usual word": (tasks(text="why", state=["working"]), 2500),
    "a word in a conversation": (tasks(context_id="long-talk", text="quarterly"), 3000),
    "tasks of the small team with a word": (tasks(OTHER_TEAM, text="quarterly"), 1000),
    "agents": (agents(), 8 * PAGE),
    "agents, far down": (agents(cursor=cursor_of("agent-0900")), 8 * PAGE),
    "agents by text": (agents(text="kind 77"), 2 * AGENTS),
    "agents that are retired": (agents(state=["retired"]), 2 * AGENTS),
    "overview of 15 minutes": (overview("15m"), 1000),
    "overview of an hour": (overview("1h"), 2000),
    "overview of a day": (overview("24h"), MEASURED_TASKS * 2),
    "overview of a week": (overview("7d"), MEASURED_TASKS * 2),
    "collections": (collections(), 4 * 100),
    "documents": (documents(), FEW),
    "documents, far down": (documents(cursor=LOW_DOCUMENT), FEW),
    "the document that failed": (documents(state=DocumentState.FAILED), FEW),
    "documents that wait": (documents(state=DocumentState.QUEUED), FEW),
    "documents that are ready": (documents(state=DocumentState.READY), FEW),
    "a document": (document(), PAGE),
    "passages of a document, far down": (passages(start=900), FEW),
    "what a collection is used by": (use("library"), 3 * 10_000),
    "search by a usual word": (search("pump hums"), 6000),
    "search by a rare word": (search("heliotrope"), 6000),
    "search of the small team": (search("pump hums", OTHER_TEAM), 1500),
    "search in one collection": (search("pump", collections=("library",), explain=True), 6000),
    "the first events of a task": (events(after=0), 2 * 500),
    "events of a task, far down": (events(after=90_000), 2 * 500),
    "the last events of a task": (events_before(100_001), 3 * 500),
    "an agent": (agent(QUIET), 100),
    "its versions": (versions(QUIET), 100),
    "keys": (keys, 2000),
    "the system": (everything_of_the_system, 1000),
}


@pytest.mark.parametrize("name", CASES)
async def test_it_is_read_by_indexes_and_little_beyond_what_is_shown(
    store: Store, reader: Reader, name: str
) -> None:
    ask, most = CASES[name]
    await ask(store)
    plans = reader.take()
    assert plans
    rows = await rows_of_tables(store)
    wrong = [f"reads all of {plan.scanned(rows)}: {plan}" for plan in plans if plan.scanned(rows)]
    wrong += [f"touches {plan.touched()} rows: {plan}" for plan in plans if plan.touched() > most]
    wrong += [f"sorts {plan.sorted()} rows: {plan}" for plan in plans if plan.sorted() > most]
    assert wrong == []


async def rows_of_tables(store: Store) -> dict[str, float]:
    async with store.log_pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p')"
        )
        return {str(name): float(rows) for name, rows in await cursor.fetchall()}


async def test_a_word_is_found_in_the_small_teams_tasks_alone(store: Store) -> None:
    page = await of(store, OTHER_TEAM).tasks.list(TaskQuery(text="quarterly", limit=PAGE))
    assert len(page.items) == PAGE
    assert {row.title.split()[0] for row in page.items} == {"Quarterly"}
