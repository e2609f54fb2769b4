"""A task is asked for: once for each key, with an input that can be, of an agent that takes it."""

import pytest

from protocols.agents import AgentSpec
from protocols.errors import (
    AlreadyExists,
    InvalidRequest,
    LimitExceeded,
    NotFound,
)
from protocols.operations.tasks import SubmitTask
from protocols.tasks import TaskState
from store.connect import Store
from tests.store.people import Worker, factory, somebody, submitted, with_agent


async def count(store: Store, table: str) -> int:
    statement = {
        "heads": "SELECT count(*) FROM stream_head WHERE kind = 1",
        "jobs": "SELECT count(*) FROM procrastinate_jobs",
    }[table]
    async with store.log_pool.connection() as connection:
        row = await (await connection.execute(statement.encode())).fetchone()
    return int(row[0]) if row else -1


async def test_a_submitted_task_has_a_head_and_a_job(store: Store) -> None:
    await with_agent(store)
    receipt = await factory(store).tasks.submit(SubmitTask(agent="guide", input="Why?\nReally"))

    assert receipt.channel == f"task:{receipt.id}"
    assert (receipt.version, receipt.state) == (1, TaskState.SUBMITTED)
    assert receipt.epoch == store.log.epoch
    async with store.log_pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT queue_name, task_name, lock, args FROM procrastinate_jobs"
        )
        rows = await cursor.fetchall()
    args = {"task": receipt.id, "team": 1}
    assert rows == [("tasks", "attempt", f"task:{receipt.id}", args)]


async def test_a_refused_task_has_neither(store: Store) -> None:
    await with_agent(store)
    tasks = factory(store).tasks
    await tasks.submit(SubmitTask(agent="guide", input="Why?"), key="k")

    with pytest.raises(AlreadyExists):
        await tasks.submit(SubmitTask(agent="guide", input="Why not?"), key="k")
    with pytest.raises(NotFound):
        await tasks.submit(SubmitTask(agent="nobody", input="Why?"))

    assert await count(store, "heads") == 1
    assert await count(store, "jobs") == 1


async def test_the_same_key_and_request_give_the_same_task_wherever_it_stands(store: Store) -> None:
    await with_agent(store)
    tasks, request = factory(store).tasks, SubmitTask(agent="guide", input="Why?")
    first = await tasks.submit(request, key="k")
    assert await tasks.submit(request, key="k") == first

    await Worker(store, first.id).start()
    again = await tasks.submit(request, key="k")

    assert (again.id, again.state, again.version) == (first.id, TaskState.WORKING, 2)
    assert await count(store, "jobs") == 1


async def test_the_key_of_another_person_is_another_key(store: Store) -> None:
    await with_agent(store)
    request = SubmitTask(agent="guide", input="Why?")
    first = await factory(store).tasks.submit(request, key="k")
    second = await factory(store, somebody(name="bob")).tasks.submit(request, key="k")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("", "input"),
        (" \n ", "input"),
        ("a\0b", "input"),
        ("\ud800", "input"),
        ((), "input"),
        (({"role": "user", "parts": []},), "input.0"),
        (({"role": "user"},), "input.0"),
        (({"role": "robot", "parts": []},), "input.0.role"),
        (({"role": "user", "parts": [{"type": "image", "text": "x"}]},), "input.0.parts.0.type"),
        (({"role": "user", "parts": [{"type": "text", "text": 1}]},), "input.0.parts.0.text"),
        (({"role": "assistant", "parts": [{"type": "text", "text": "x"}]},), "input"),
    ],
)
async def test_an_input_that_cannot_be_is_refused_with_its_field(
    store: Store, given: str | tuple[dict[str, object], ...], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        await factory(store).tasks.submit(SubmitTask(agent="guide", input=given))
    assert refusal.value.field == field


async def test_an_input_of_more_than_a_mebibyte_is_refused_with_the_limit(store: Store) -> None:
    with pytest.raises(LimitExceeded, match="1 MiB"):
        await factory(store).tasks.submit(SubmitTask(agent="guide", input="x" * 1_048_577))


async def test_a_task_tells_its_request_and_its_title(store: Store) -> None:
    await with_agent(store)
    text = "\n\n  How  do\tI " + "very " * 40 + "\nmore"
    task, epoch = await factory(store).tasks.get(await submitted(store, text))

    assert epoch == store.log.epoch
    assert task.title.startswith("How do I very")
    assert task.title.endswith("very…")
    assert 115 <= len(task.title) <= 120
    assert task.input[0].text == text
    assert (task.agent_name, task.agent_version, task.submitted_by) == ("guide", 1, "user:ada")


async def test_the_latest_version_of_the_agent_is_asked(store: Store) -> None:
    await with_agent(store)
    agent = await factory(store).agents.publish(
        "guide", AgentSpec(name="guide", model="openai:gpt-x")
    )
    task, _ = await factory(store).tasks.get(await submitted(store, agent=agent.id))
    assert (task.agent, task.agent_version, task.model) == (agent.id, 2, "openai:gpt-x")


async def test_a_retired_agent_takes_no_tasks(store: Store) -> None:
    await with_agent(store)
    await factory(store).agents.retire("guide")
    with pytest.raises(InvalidRequest, match="guide is retired") as refusal:
        await submitted(store)
    assert refusal.value.field == "agent"
