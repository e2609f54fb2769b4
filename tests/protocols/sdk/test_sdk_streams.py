"""Following by the SDK: through restarts of the hub, and told what no longer holds."""

import anyio
import psycopg
import pytest

import pygent
from protocols.events import (
    AnyData,
    AttemptFailed,
    AttemptStarted,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskCompleted,
)
from protocols.steps import StepKind
from protocols.tasks import TaskState
from store.addresses import Addresses
from store.postgres.log import epoch
from tests.serving import Served, serving, until


async def next_piece(stream: pygent.AsyncTextStream) -> pygent.Piece:
    with anyio.fail_after(5):
        return await anext(stream)


def said(message: str, text: str) -> tuple[AnyData, ...]:
    """A step that says this."""
    return (
        StepStarted(step=message, kind=StepKind.MODEL, name="scripted"),
        MessageStarted(message=message, step=message),
        MessageFinished(message=message, text=text),
        StepFinished(step=message),
    )


async def second_attempt(served: Served, task: str, text: str) -> None:
    """Another worker takes the task over and answers."""
    worker = served.worker(task, attempt=2)
    await worker.append(AttemptFailed(code="died", reason="gone"), AttemptStarted(worker="w2"))
    ended = TaskCompleted(message="2.1", text=text)
    await worker.append(*said("2.1", text), ended, state=TaskState.COMPLETED)


async def test_text_comes_as_it_is_written_and_ends_in_the_answer(
    served: Served, client: pygent.AsyncClient
) -> None:
    async with client.stream("echo", "hello", key="k") as stream:
        with pytest.raises(RuntimeError, match="first piece"):
            _ = stream.task
        task = await client.tasks.submit("echo", "hello", key="k")
        worker = served.worker(task.id)
        await worker.begin()
        await worker.say("Hel")
        assert await next_piece(stream) == pygent.Text(message="1.1", text="Hel")
        assert stream.task.id == task.id
        await worker.say("lo")
        assert await next_piece(stream) == pygent.Text(message="1.1", text="lo")
        assert stream.text == "Hello"
        await worker.finish("Hello, you")
        assert await next_piece(stream) == pygent.Text(message="1.1", text=", you")
        with anyio.fail_after(5):
            assert (await stream.answer()).text == "Hello, you"
        assert [piece async for piece in stream] == []


async def test_what_a_dead_attempt_wrote_is_taken_back(
    served: Served, client: pygent.AsyncClient
) -> None:
    task = await served.task()
    worker = served.worker(task)
    await worker.begin()
    await worker.say("Half an ans")
    half = pygent.Text(message="1.1", text="Half an ans")
    void = pygent.Voided(message="1.1", text="Half an ans")
    whole = pygent.Text(message="2.1", text="A whole one")

    stream = client.tasks.text(task)
    assert await next_piece(stream) == half
    await second_attempt(served, task, "A whole one")
    assert await next_piece(stream) == void
    assert stream.text == ""
    assert await next_piece(stream) == whole
    with anyio.fail_after(5):
        assert (await stream.answer()).text == "A whole one"
    assert [piece async for piece in client.tasks.text(task)] == [half, void, whole]


async def test_what_was_said_before_a_tool_stays_and_what_a_failed_step_said_goes(
    served: Served, client: pygent.AsyncClient
) -> None:
    task = await served.task()
    worker = served.worker(task)
    await worker.begin()
    await worker.append(
        MessageDelta(message="1.1", text="Let me look."),
        MessageFinished(message="1.1", text="Let me look."),
        StepFinished(step="1.1"),
        StepStarted(step="1.2", kind=StepKind.MODEL, name="scripted"),
        MessageStarted(message="1.2", step="1.2"),
        MessageDelta(message="1.2", text="Hm"),
        StepFailed(step="1.2", code="model_failed", reason="overloaded"),
        *said("1.3", "Found."),
        TaskCompleted(message="1.3", text="Found."),
        state=TaskState.COMPLETED,
    )
    stream = client.tasks.text(task)
    assert [piece async for piece in stream] == [
        pygent.Text(message="1.1", text="Let me look."),
        pygent.Text(message="1.2", text="Hm"),
        pygent.Voided(message="1.2", text="Hm"),
        pygent.Text(message="1.3", text="Found."),
    ]
    assert stream.text == "Let me look.\n\nFound."
    assert (await stream.answer()).text == "Found."


async def test_a_restored_log_takes_all_back_and_is_told_anew(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "LOOK_SECONDS", 0.1)
    async with serving(addresses) as served:
        await served.agent()
        task = await served.task()
        worker = served.worker(task)
        await worker.begin()
        await worker.say("Hello")
        async with pygent.AsyncClient(served.url, await served.key()) as client:
            stream = client.tasks.text(task)
            assert await next_piece(stream) == pygent.Text(message="1.1", text="Hello")
            async with await psycopg.AsyncConnection.connect(
                addresses.database, autocommit=True
            ) as connection:
                await connection.execute("SELECT pygent.rotate_epoch()")
            assert await next_piece(stream) == pygent.Voided(message="1.1", text="Hello")
            assert await next_piece(stream) == pygent.Text(message="1.1", text="Hello")
            await worker.finish("Hello")
            assert (await stream.answer()).text == "Hello"


async def test_events_are_followed_through_a_restart_and_from_where_one_left(
    addresses: Addresses,
) -> None:
    got: list[int] = []

    async def follow(client: pygent.AsyncClient, task: str) -> None:
        async with client.tasks.stream(task, after=1) as events:
            async for event in events:
                got.append(event.version)  # noqa: PERF401  looked at while it grows

    async with anyio.create_task_group() as group:
        async with serving(addresses) as first:
            await first.agent()
            task = await first.task()
            client = pygent.AsyncClient(first.url, await first.key())
            await first.worker(task).begin()
            group.start_soon(follow, client, task)
            await until(lambda: got == [2, 3, 4])
        async with serving(addresses, port=int(first.url.rpartition(":")[2])) as second:
            await second.worker(task, appended=2).finish("done")
            await until(lambda: got == [2, 3, 4, 5, 6, 7], seconds=10)
            assert (await client.tasks.wait(task)).text == "done"
            events = [event async for event in client.tasks.stream(task)]
            assert pygent.fold(task, events).answer == "done"
            assert isinstance(pygent.decode(events[0]), pygent.events.TaskSubmitted)
            await client.aclose()


async def test_an_answer_is_waited_for_though_the_hub_is_away_at_first(
    addresses: Addresses,
) -> None:
    answers: list[pygent.Answer] = []

    async def wait(client: pygent.AsyncClient, task: str) -> None:
        answers.append(await client.tasks.wait(task, timeout=20))

    async with serving(addresses) as first:
        await first.agent()
        task, key = await first.task(), await first.key()
    async with pygent.AsyncClient(first.url, key) as client, anyio.create_task_group() as group:
        group.start_soon(wait, client, task)
        async with serving(addresses, port=int(first.url.rpartition(":")[2])) as second:
            worker = second.worker(task)
            await worker.begin()
            await worker.finish("late")
            await until(lambda: bool(answers), seconds=15)
    assert answers[0].text == "late"


async def test_patience_with_a_hub_that_stays_away_has_an_end(addresses: Addresses) -> None:
    async with serving(addresses) as served:
        await served.agent()
        task, key = await served.task(), await served.key()
        client = pygent.AsyncClient(served.url, key, patience=0.3)
        events = client.tasks.stream(task)
        assert (await anext(events)).version == 1
    with anyio.fail_after(5), pytest.raises(pygent.Unavailable, match="after version 1"):
        await anext(events)
    await client.aclose()
