"""A task is looked at, paged through and canceled; nobody else's is found."""

import anyio
import pytest

from protocols.agents import AgentSpec
from protocols.errors import (
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    Unavailable,
)
from protocols.events import MessageDelta, MessageStarted, StepStarted
from protocols.operations.agents import AgentQuery
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.principals import Role
from protocols.steps import StepKind
from protocols.tasks import TaskState
from store.connect import Store
from store.operations import listings
from store.projector import Projector
from tests.store.people import OTHER_TEAM, Worker, factory, somebody, submitted, with_agent

ABSENT = "01900000-0000-7000-8000-000000000000"


async def test_another_teams_things_are_not_found(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    await Projector(store).catch_up()
    stranger = somebody(team=OTHER_TEAM)
    tasks, agents = factory(store, stranger).tasks, factory(store, stranger).agents
    agent = (await factory(store).agents.get("guide")).id

    for ask in (
        lambda: tasks.get(task),
        lambda: tasks.receipt(task),
        lambda: tasks.events(task),
        lambda: tasks.events_before(task, before=9),
        lambda: tasks.cancel(task),
        lambda: submitted(store, principal=stranger),
        lambda: submitted(store, agent=agent, principal=stranger),
        lambda: agents.get("guide"),
        lambda: agents.get(agent),
        lambda: agents.versions(agent),
        lambda: agents.retire(agent),
        lambda: agents.publish(agent, AgentSpec(name="guide")),
    ):
        with pytest.raises(NotFound):
            await ask()
    assert (await tasks.list(TaskQuery())).items == []
    assert (await tasks.list(TaskQuery(text="why"))).items == []
    assert (await tasks.list(TaskQuery(agent=agent))).items == []


async def test_another_teams_task_answers_as_an_absent_one_does(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    tasks = factory(store, somebody(team=OTHER_TEAM)).tasks
    messages: list[str] = []
    for asked in (task, ABSENT):
        with pytest.raises(NotFound) as refusal:
            await tasks.get(asked)
        messages.append(refusal.value.message.replace(asked, "…"))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("task", ["", "x", "TASK", ABSENT.upper(), ABSENT[:-1], "a\0b"])
async def test_what_is_no_id_is_not_found(store: Store, task: str) -> None:
    with pytest.raises(NotFound):
        await factory(store).tasks.get(task)


async def test_an_agents_id_is_no_task(store: Store) -> None:
    await with_agent(store)
    agent = await factory(store).agents.get("guide")
    with pytest.raises(NotFound):
        await factory(store).tasks.get(agent.id)


async def test_a_viewer_may_look_and_nothing_else(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    viewer = factory(store, somebody(Role.VIEWER))

    await viewer.tasks.get(task)
    await viewer.tasks.list(TaskQuery())
    await viewer.overview.overview()
    with pytest.raises(Forbidden, match="may not submit tasks"):
        await viewer.tasks.submit(SubmitTask(agent="guide", input="x"))
    with pytest.raises(Forbidden):
        await viewer.tasks.cancel(task)
    with pytest.raises(Forbidden):
        await viewer.agents.create(AgentSpec(name="mine"))


async def test_a_submitted_task_is_canceled_at_once(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    receipt = await factory(store).tasks.cancel(task)

    assert (receipt.state, receipt.version) == (TaskState.CANCELED, 2)
    with pytest.raises(InvalidTransition, match="is canceled"):
        await factory(store).tasks.cancel(task)


async def test_a_task_at_work_is_asked_to_stop_once_however_often(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    await Worker(store, task).start()
    first = await factory(store).tasks.cancel(task)
    second = await factory(store).tasks.cancel(task)

    assert (first.state, first.version) == (TaskState.WORKING, 3)
    assert second == first
    folded, _ = await factory(store).tasks.get(task)
    assert folded.cancel_requested_by == "user:ada"


async def test_a_task_that_was_handed_back_is_canceled_with_what_it_has_used(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    worker = Worker(store, task)
    await worker.start()
    await worker.step(1)
    await worker.write(StepStarted(step="1.2", kind=StepKind.TOOL, name="clock"))
    async with store.log_pool.connection() as connection:  # as if handed back
        await connection.execute("UPDATE stream_head SET state = 1 WHERE kind = 1")

    await factory(store).tasks.cancel(task)

    page = await factory(store).tasks.events(task)
    assert page.events[-1].type == "task.canceled"
    assert b'"cost":7' in bytes(page.events[-1].data)


async def test_events_are_paged_forwards_and_backwards(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    worker = Worker(store, task)
    await worker.start()
    await worker.write(StepStarted(step="1.1", kind=StepKind.MODEL, name="m"))
    await worker.write(MessageStarted(message="1.1", step="1.1"))
    for n in range(20):
        await worker.write(MessageDelta(message="1.1", text=str(n)))
    tasks = factory(store).tasks

    page = await tasks.events(task, after=3, limit=5)
    assert [event.version for event in page.events] == [4, 5, 6, 7, 8]
    assert (page.version, page.epoch) == (24, store.log.epoch)
    assert (await tasks.events(task, after=24)).events == []
    assert (await tasks.events(task, after=2_000_000_000)).events == []
    back = await tasks.events_before(task, before=8, limit=3)
    assert [event.version for event in back.events] == [5, 6, 7]
    assert [e.version for e in (await tasks.events_before(task, before=3)).events] == [1, 2]
    assert (await tasks.events_before(task, before=1)).events == []
    top = await tasks.events_before(task, before=2_000_000_000, limit=2)
    assert [event.version for event in top.events] == [23, 24]


async def test_paging_backwards_passes_over_deltas_that_were_dropped(store: Store) -> None:
    await with_agent(store)
    task = await submitted(store)
    worker = Worker(store, task)
    await worker.start()
    for n in range(60):
        await worker.write(MessageDelta(message="1.1", text=str(n)))
    await worker.complete()
    async with store.log_pool.connection() as connection:
        await connection.execute("DELETE FROM event_delta")

    page = await factory(store).tasks.events_before(task, before=64, limit=3)
    assert [event.version for event in page.events] == [1, 2, 63]


@pytest.mark.parametrize(("after", "limit"), [(-1, 5), (2**31, 5), (0, 0), (0, 1001)])
async def test_a_page_that_cannot_be_is_refused(store: Store, after: int, limit: int) -> None:
    with pytest.raises(InvalidRequest):
        await factory(store).tasks.events(ABSENT, after=after, limit=limit)
    with pytest.raises(InvalidRequest):
        await factory(store).tasks.events_before(ABSENT, before=after, limit=limit)


async def test_a_list_waits_for_a_position(store: Store) -> None:
    await with_agent(store)
    tasks = factory(store).tasks
    receipt = await tasks.submit(SubmitTask(agent="guide", input="Why?"))
    assert (await tasks.list(TaskQuery())).items == []

    await Projector(store).catch_up()
    page = await tasks.list(TaskQuery(min_position=receipt.position))
    assert [row.id for row in page.items] == [receipt.id]
    assert page.position >= receipt.position


async def test_a_list_says_that_it_did_not_get_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "WAIT_SECONDS", 0.1)
    with pytest.raises(Unavailable, match="did not reach 999"):
        await factory(store).tasks.list(TaskQuery(min_position=999))
    with pytest.raises(InvalidRequest):
        await factory(store).tasks.list(TaskQuery(min_position=2**63))


async def test_those_who_wait_for_a_position_hold_no_connection(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "WAIT_SECONDS", 60.0)  # however slow this machine is
    tasks, agents = factory(store).tasks, factory(store).agents
    async with anyio.create_task_group() as group:
        for _ in range(2 * store.log_pool.max_size):
            group.start_soon(tasks.list, TaskQuery(min_position=999))
            group.start_soon(agents.list, AgentQuery(min_position=999))
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(9):  # less than a connection is waited for
            async with store.log_pool.connection():
                group.cancel_scope.cancel()
