from datetime import UTC, datetime, timedelta

import pytest

from protocols.agents import agent_id
from protocols.errors import InvalidRequest
from protocols.operations.tasks import TaskQuery, TaskRow
from store.connect import Store
from store.projector import Projector
from tests.store.people import TEAM, Worker, factory, somebody, submitted, with_agent


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
