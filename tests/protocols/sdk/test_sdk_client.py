"""What a program asks by the SDK, and what it is told when that goes wrong."""

from pathlib import Path

import anyio
import pytest

import pygent
from protocols.events import MessageFinished, StepFinished, TaskCompleted, TaskFailed
from protocols.messages import Citation
from protocols.tasks import TaskState
from store.projector import Projector
from tests.serving import Served

NOBODY = "0199aaaa-0000-7000-8000-000000000000"
CITATION = Citation(n=1, collection="docs", document="d", title="Tasks", chunk="c", quote="q")


async def does_the_next_task(served: Served, text: str) -> None:
    """As a worker would."""
    tasks: list[str] = []
    with anyio.fail_after(5):
        while not tasks:
            await anyio.sleep(0.01)
            async with served.store.log_pool.connection() as connection:
                statement = "SELECT stream_id::text FROM stream_head WHERE kind = 1 AND state = 1"
                tasks = [row[0] async for row in await connection.execute(statement)]
    worker = served.worker(tasks[0])
    await worker.begin()
    await worker.append(
        MessageFinished(message="1.1", text=text, citations=(CITATION,)),
        StepFinished(step="1.1"),
        TaskCompleted(message="1.1", text=text),
        state=TaskState.COMPLETED,
    )


async def test_an_agent_is_asked_and_its_answer_comes_with_its_citations(
    served: Served, client: pygent.AsyncClient
) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(does_the_next_task, served, "It is a try [1].")
        answer = await client.run("echo", "What is an attempt?", timeout=10)
        assert str(answer) == answer.text == "It is a try [1]."
        assert answer.citations == (CITATION,)
        assert answer.task.state is pygent.TaskState.COMPLETED
        assert (answer.cost, answer.usage, answer.id) == (0, pygent.Usage(), answer.task.id)
        assert await client.tasks.wait(answer.id) == answer


async def test_a_conversation_is_messages(client: pygent.AsyncClient) -> None:
    said = [
        pygent.user_message("Hello"),
        pygent.Message(role="assistant", parts=(pygent.TextPart("Hi"),)),
        pygent.user_message("And now?"),
    ]
    task = await client.tasks.submit("echo", said)
    assert list((await task.get()).input) == said


async def test_a_conversation_is_continued_and_listed(
    served: Served, client: pygent.AsyncClient
) -> None:
    first = await client.tasks.submit("echo", "Hello")
    assert first.context_id == first.id
    second = await client.tasks.submit("echo", "And now?", context_id=first.context_id)
    named = await client.tasks.submit("echo", "Elsewhere", context_id="talk")
    assert (second.context_id, named.context_id) == (first.id, "talk")
    assert client.tasks.handle(first.id).context_id is None
    await Projector(served.store).catch_up()
    listed = [row.id async for row in client.tasks.list(context_id=first.id)]
    assert listed == [second.id, first.id]
    told = {one.context_id: one.turns async for one in client.tasks.conversations()}
    assert told == {first.id: 2, "talk": 1}
    worker = served.worker(second.id)
    await worker.begin()
    await worker.finish("Now")
    assert (await second.wait()).context_id == first.id
    with pytest.raises(pygent.InvalidRequest) as refused:
        await client.tasks.submit("echo", "x", context_id="no name")
    assert refused.value.field == "context_id"


async def test_a_task_is_looked_at_without_following_it(
    served: Served, client: pygent.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocols.sdk.requests.EVENTS", 2)
    task = await client.tasks.submit("echo", "hello")
    assert (await task.receipt()).state is pygent.TaskState.SUBMITTED
    assert [event.version async for event in task.events()] == [1]
    await served.worker(task.id).begin()
    versions = [event.version async for event in task.events()]
    assert versions == list(range(1, (await task.receipt()).version + 1))
    assert [event.version async for event in task.events(after=1, limit=1)] == [2]
    assert [event async for event in task.events(after=len(versions))] == []


async def test_a_wait_for_a_hub_that_is_away_ends_in_time() -> None:
    async with pygent.AsyncClient("http://127.0.0.1:1", "x") as nowhere:
        with anyio.fail_after(9), pytest.raises(pygent.TimedOut):
            await nowhere.tasks.wait(NOBODY, timeout=0.5)


async def test_a_spec_is_looked_at_before_it_is_published(client: pygent.AsyncClient) -> None:
    spec = pygent.AgentSpec(name="clerk", model="scripted")
    assert (await client.agents.validate(spec)).number == 1
    await client.agents.create(spec)
    assert (await client.agents.validate(spec, agent="clerk")).is_unchanged
    check = await client.agents.validate({"name": "b", "limits": {"steps": "many"}, "tools": 3})
    assert {problem.field for problem in check.problems} == {"limits.steps", "tools"}
    await client.agents.publish({"name": "clerk", "model": "scripted", "description": "new"})
    with pytest.raises(pygent.WrongVersion):
        await client.agents.publish(
            {"name": "clerk", "model": "scripted", "description": "late"}, expected=1
        )


async def test_the_factory_tells_how_it_is(client: pygent.AsyncClient) -> None:
    assert (await client.overview("24h")).window == "24h"
    assert "postgres" in {part.name for part in (await client.system()).parts}
    with pytest.raises(pygent.InvalidRequest):
        await client.try_model("nobody:x")


async def test_a_repeated_request_with_a_key_is_one_task(client: pygent.AsyncClient) -> None:
    first = await client.tasks.submit("echo", "hello", key="k")
    assert (await client.tasks.submit("echo", "hello", key="k")).id == first.id
    with pytest.raises(pygent.AlreadyExists):
        await client.tasks.submit("echo", "another", key="k")


async def test_a_task_without_an_answer_is_an_error_that_carries_it(
    served: Served, client: pygent.AsyncClient
) -> None:
    task = await client.tasks.submit("echo", "hello")
    worker = served.worker(task.id)
    await worker.begin()
    reason = "the limit of 20 steps is reached"
    failed = TaskFailed(code="budget_exceeded", reason=reason)
    await worker.append(failed, state=TaskState.FAILED)
    with pytest.raises(pygent.TaskFailed, match=reason) as caught:
        await task.wait()
    assert caught.value.task.code == pygent.BudgetExceeded.code
    assert not isinstance(caught.value, pygent.TaskCanceled)

    stopped = await client.tasks.submit("echo", "hello")
    await stopped.cancel()
    with pytest.raises(pygent.TaskCanceled) as canceled:
        await client.tasks.handle(stopped.id).wait()
    assert canceled.value.task.id == stopped.id
    with pytest.raises(pygent.InvalidTransition):
        await stopped.cancel()


async def test_waiting_ends_when_it_was_said_to_and_the_task_goes_on(
    served: Served, client: pygent.AsyncClient
) -> None:
    with pytest.raises(pygent.TimedOut, match=r"0\.05 s") as caught:
        await client.run("echo", "hello", timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    task = client.tasks.handle(caught.value.task_id)
    with pytest.raises(pygent.TimedOut):
        await task.wait(timeout=0)
    assert (await task.get()).state is pygent.TaskState.SUBMITTED
    worker = served.worker(task.id)
    await worker.begin()
    await worker.finish("late")
    assert (await task.wait(timeout=0)).text == "late"


async def test_what_there_is_not_or_may_not_be_is_said_as_one_of_the_errors(
    served: Served, client: pygent.AsyncClient
) -> None:
    with pytest.raises(pygent.NotFound):
        await client.tasks.get(NOBODY)
    with pytest.raises(pygent.NotFound):
        await client.run("nobody", "hello")
    with pytest.raises(pygent.InvalidRequest) as empty:
        await client.tasks.submit("", "hello")
    assert empty.value.field == "agent"
    with pytest.raises(pygent.InvalidRequest) as unknown:
        await client.agents.create({"name": "a", "modell": "x"})
    assert unknown.value.field == "modell"
    with pytest.raises(pygent.InvalidRequest) as untyped:
        await client.knowledge.upload("docs", b"text")
    assert untyped.value.field == "media_type"
    async with pygent.AsyncClient(served.url, "pgk_00000000_" + "x" * 43) as stranger:
        with pytest.raises(pygent.Unauthenticated):
            await stranger.me()
    async with pygent.AsyncClient("http://127.0.0.1:1", "x", patience=0.2) as nowhere:
        with pytest.raises(pygent.Unavailable, match=r"127\.0\.0\.1:1"):
            await nowhere.me()
    assert all(
        issubclass(kind, pygent.FactoryError) for kind in (pygent.TaskFailed, pygent.TimedOut)
    )


async def test_lists_go_on_to_their_end_and_stop_where_they_are_told(
    served: Served, client: pygent.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocols.sdk.requests.PAGE", 2)
    for number in range(5):
        await served.task(f"number {number}")
    await Projector(served.store).catch_up()
    titles = [row.title async for row in client.tasks.list(state=pygent.TaskState.SUBMITTED)]
    assert titles == [f"number {number}" for number in (4, 3, 2, 1, 0)]
    assert [row.title async for row in client.tasks.list(limit=3)] == titles[:3]
    assert [row async for row in client.tasks.list(limit=0)] == []
    assert [row async for row in client.tasks.list(state=[pygent.TaskState.FAILED])] == []


async def test_agents_are_made_changed_listed_and_retired(
    served: Served, client: pygent.AsyncClient
) -> None:
    spec = pygent.AgentSpec(name="clerk", model="scripted", limits=pygent.Limits(steps=3))
    assert (await client.agents.create(spec)).spec == spec
    changed = {"name": "clerk", "model": "scripted", "description": "new"}
    assert (await client.agents.publish(changed)).number == 2
    assert (await client.agents.get("clerk", number=1)).spec == spec
    assert [one.number for one in await client.agents.versions("clerk")] == [2, 1]
    await Projector(served.store).catch_up()
    assert [row.name async for row in client.agents.list()] == ["clerk", "echo"]
    assert (await client.agents.retire("clerk")).state is pygent.AgentState.RETIRED
    assert "scripted" in [model.name for model in await client.models()]
    assert (await client.me()).channels.tasks == "tasks:1"


async def test_documents_are_uploaded_listed_and_removed(
    client: pygent.AsyncClient, tmp_path: Path
) -> None:
    await client.knowledge.create("handbook", description="Ours")
    file = tmp_path / "leave.md"
    file.write_text("# Leave\n\nThirty days a year.")
    document = await client.knowledge.upload("handbook", file, wait=0)
    assert (document.source, document.media_type) == (str(file), "text/markdown")
    assert document.state is pygent.DocumentState.QUEUED
    more = await client.knowledge.upload(
        "handbook", b"Plain.", title="Plain", source="notes", media_type="text/plain", wait=0
    )
    assert [one.id async for one in client.knowledge.documents("handbook")] == [
        more.id,
        document.id,
    ]
    assert [one async for one in client.knowledge.chunks("handbook", document.id)] == []
    with pytest.raises(pygent.InvalidTransition):
        await client.knowledge.retry("handbook", document.id)
    await client.knowledge.remove("handbook", more.id)
    with pytest.raises(pygent.NotFound):
        await client.knowledge.document("handbook", more.id)
    assert (await client.search("leave", collections="handbook", by="words")).passages == []
    failed = client.knowledge.documents("handbook", state=pygent.DocumentState.FAILED)
    assert [one async for one in failed] == []
    assert (await client.knowledge.use("handbook")).documents == 1
    assert [one.name async for one in client.knowledge.list()] == ["handbook"]
    await client.knowledge.delete("handbook")
    with pytest.raises(pygent.NotFound):
        await client.knowledge.get("handbook")
