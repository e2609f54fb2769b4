"""Tasks through a real worker, from submission to their end."""

import json
from collections.abc import Sequence

import anyio
import msgspec
import pytest

from protocols.events import Event
from protocols.messages import Citation
from protocols.tasks import StepState, TaskState
from store.postgres.queue import Queue
from tests.agents.conftest import LONG, Site, is_writing

SLOW = {"text": LONG, "deltas": 100, "seconds": 60}


def types(events: Sequence[Event]) -> list[str]:
    return [event.type for event in events]


async def jobs(site: Site) -> list[tuple[str, str]]:
    async with site.store.log_pool.connection() as connection:
        cursor = await connection.execute("SELECT queue_name, status::text FROM procrastinate_jobs")
        return await cursor.fetchall()


async def test_a_submitted_task_is_completed_with_each_event_in_its_place(site: Site) -> None:
    await site.agent()
    async with site.worker():
        task = await site.submit("hello there")
        ended = await site.end(task)
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, "hello there")
    events = await site.events(task)
    assert types(events) == [
        "task.submitted",
        "attempt.started",
        "step.started",
        "message.started",
        "message.delta",
        "message.finished",
        "step.finished",
        "task.completed",
    ]
    assert [event.version for event in events] == list(range(1, 9))
    assert {event.actor for event in events[1:]} == {"agent:actor"}
    assert ended.usage.output == 2
    assert await jobs(site) == []


async def test_tools_run_and_their_failures_are_read_by_the_model(site: Site) -> None:
    await site.agent(
        tools=["calculator"],
        script=[
            {"tool": "calculator", "arguments": {"expression": "6 * 7"}},
            {"tool": "calculator", "arguments": {"expression": "1 / 0"}},
            {"tool": "teapot"},
            {"text": "The result is 42."},
        ],
    )
    async with site.worker():
        ended = await site.end(await site.submit())
    assert ended.state is TaskState.COMPLETED
    tools = [step for step in ended.steps if step.kind == "tool"]
    assert [step.state for step in tools] == [
        StepState.FINISHED,
        StepState.FAILED,
        StepState.FAILED,
    ]
    assert msgspec.json.decode(tools[0].result, type=dict)["result"] == 42
    assert "divides by zero" in (tools[1].reason or "")
    assert "there is no tool 'teapot'" in (tools[2].reason or "")
    assert [step.id for step in ended.steps] == [f"1.{number}" for number in range(1, 8)]


async def test_a_tool_that_answers_oddly_ends_no_task(site: Site) -> None:
    odd = ["passages", "list", "object", "summary", "none"]
    script = [*({"tool": "odd", "arguments": {"how": how}} for how in odd), {"text": "Fine [1]."}]
    await site.agent(tools=["odd"], script=script)
    async with site.worker():
        ended = await site.end(await site.submit())
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, "Fine [1].")
    steps = [step for step in ended.steps if step.kind == "tool"]
    assert [step.state for step in steps] == [StepState.FINISHED, *[StepState.FAILED] * 4]
    assert all("odd broke" in (step.reason or "") for step in steps[1:])


@pytest.mark.parametrize(
    ("limits", "script", "reached"),
    [
        ({"steps": 2}, [{"tool": "clock"}] * 3, "limit of 2 steps"),
        ({"tokens": 3}, [{"text": "a b c d e", "seconds": 0}], None),
        ({"tokens": 3}, [{"tool": "clock"}, {"text": "too late"}], "limit of 3 tokens"),
        ({"seconds": 0.3}, [SLOW], "limit of 0.3 seconds"),
    ],
)
async def test_a_limit_ends_the_task_by_name(
    site: Site, limits: dict[str, float], script: list[object], reached: str | None
) -> None:
    await site.agent(limits=limits, script=script, tools=["clock"])
    async with site.worker():
        task = await site.submit("one two three four")
        ended = await site.end(task)
    if reached is None:
        assert ended.state is TaskState.COMPLETED  # a call that goes over is the last one
        return
    assert (ended.state, ended.code) == (TaskState.FAILED, "budget_exceeded")
    assert reached in (ended.reason or "")
    assert types(await site.events(task))[-2:] == ["budget.reached", "task.failed"]


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"script": [{"fail": "the script says no"}]}, "model_failed", "the script says no"),
        ({"model": "openai:gpt-5"}, "invalid_request", "OPENAI_API_KEY"),
    ],
)
async def test_a_model_that_fails_ends_the_task_with_its_reason(
    site: Site,
    fields: dict[str, object],
    code: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    await site.agent(**fields)
    async with site.worker():
        ended = await site.end(await site.submit())
    assert (ended.state, ended.code) == (TaskState.FAILED, code)
    assert reason in (ended.reason or "")


@pytest.mark.parametrize("redis", ["up", "down"])
async def test_a_cancel_reaches_a_running_attempt_within_a_second(site: Site, redis: str) -> None:
    if redis == "down":
        gone = site.settings.model_copy(update={"redis_url": "redis://127.0.0.1:9"})
        site = Site(site.store, gone)
    await site.agent(script=[SLOW])
    async with site.worker():
        task = await site.submit()
        await site.until(task, is_writing)
        await site.tasks.cancel(task)
        ended = await site.end(task)
        assert ended.state is TaskState.CANCELED
        events = await site.events(task)
        asked = next(event for event in events if event.type == "task.cancel_requested")
        assert (events[-1].time - asked.time).total_seconds() < 1.0
        with anyio.fail_after(5):
            while await jobs(site):
                await anyio.sleep(0.02)


async def test_a_task_canceled_before_it_began_is_never_begun(site: Site) -> None:
    await site.agent()
    task = await site.submit()
    await site.tasks.cancel(task)
    async with site.worker():
        with anyio.fail_after(10):
            while await jobs(site):
                await anyio.sleep(0.02)
    assert types(await site.events(task)) == ["task.submitted", "task.canceled"]


async def test_a_soft_stop_hands_back_and_another_worker_goes_on(site: Site) -> None:
    await site.agent(
        tools=["count"],
        script=[
            {"tool": "clock"},
            {"text": LONG, "deltas": 100, "seconds": 3},
        ],
    )
    async with site.worker():
        task = await site.submit()
        await site.until(task, is_writing)
    stopped = await site.task(task)
    assert stopped.state is TaskState.SUBMITTED
    assert stopped.said == []  # what was half written is void
    assert [attempt.outcome for attempt in stopped.attempts] == ["handed_back"]
    async with site.worker():
        ended = await site.end(task)
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, LONG)
    assert [attempt.is_alone for attempt in ended.attempts] == [False, False]
    assert [step.id for step in ended.steps] == ["1.1", "1.2", "2.3"]


async def test_jobs_delivered_many_times_make_one_attempt(site: Site) -> None:
    await site.agent(script=[{"text": "once", "seconds": 0.3}])
    task = await site.submit()
    arguments = json.dumps({"task": task, "team": 1})
    async with site.store.log_pool.connection() as connection:
        await connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
            " SELECT 'tasks', 'attempt', %s, %s::jsonb FROM generate_series(1, 10)",
            (f"task:{task}", arguments),
        )
        await connection.execute(  # and one without the lock
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " VALUES ('tasks', 'attempt', %s::jsonb)",
            (arguments,),
        )
    async with site.worker(), site.worker():
        await site.end(task)
        with anyio.fail_after(20):
            while await jobs(site):
                await anyio.sleep(0.02)
    ended = await site.task(task)
    assert ended.answer == "once"
    assert types(await site.events(task)).count("task.completed") == 1


async def test_a_worker_whose_lease_was_taken_stops_silently(site: Site) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 1.5}])
    async with site.worker():
        task = await site.submit()
        await site.until(task, is_writing)
        rescued = await Queue(site.store.log_pool).rescue(lease_seconds=-1)
        assert rescued == 1
        ended = await site.end(task)
    assert ended.answer == LONG
    assert [attempt.is_alone for attempt in ended.attempts] == [False, True]
    assert ended.attempts[0].code == "worker_lost"
    assert len([said for said in ended.said if said.kind == "message"]) == 1


async def test_answers_carry_the_citations_they_use(site: Site) -> None:
    await site.agent(
        tools=["passages"], script=[{"tool": "passages"}, {"text": "So it is [2]. Not [9]."}]
    )
    async with site.worker():
        ended = await site.end(await site.submit())
    (said,) = ended.said
    assert said.citations == (
        Citation(n=2, collection="c", document="d2", title="Second", chunk="p2", quote="two"),
    )
