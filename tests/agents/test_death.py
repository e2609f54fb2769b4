"""Workers that are killed, stopped or poisoned: what was recorded stays, and others go on."""

import signal
from collections import Counter
from pathlib import Path

import anyio
import pytest

from protocols.tasks import StepState, TaskState
from tests.agents.conftest import LONG, Site, StartWorker, is_writing


async def test_a_worker_killed_in_mid_answer_loses_nothing_and_repeats_no_step(
    site: Site, start_worker: StartWorker, tmp_path: Path
) -> None:
    counter = tmp_path / "calls"
    await site.agent(
        tools=["count"],
        script=[
            {"tool": "count", "arguments": {"path": str(counter)}},
            {"tool": "count", "arguments": {"path": str(counter)}},
            {"text": LONG, "deltas": 200, "seconds": 3},
        ],
    )
    victim = start_worker()
    task = await site.submit()
    half = await site.until(task, is_writing)
    victim.kill()
    start_worker()
    ended = await site.end(task)

    assert half.said[-1].text != LONG
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, LONG)
    assert counter.read_text().splitlines() == ["called"] * 2
    assert [step.id for step in ended.steps] == ["1.1", "1.2", "1.3", "1.4", "2.5"]
    assert [said.text for said in ended.said] == [LONG]  # the half-written one is void
    first, second = ended.attempts
    assert (first.outcome, first.code, first.is_alone) == ("died", "worker_lost", False)
    assert (second.outcome, second.is_alone) == ("completed", True)


async def test_a_stopped_worker_that_wakes_up_writes_nothing_more(
    site: Site, start_worker: StartWorker
) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 2}])
    zombie = start_worker()
    task = await site.submit()
    await site.until(task, is_writing)
    zombie.signal(signal.SIGSTOP)
    async with site.worker():
        await site.until(task, lambda found: found.attempt == 2)
        zombie.signal(signal.SIGCONT)
        ended = await site.end(task)
    events = await site.events(task)
    second = next(
        event.version for event in events if event.type == "attempt.started" and event.attempt == 2
    )
    assert all(event.attempt != 1 for event in events if event.version > second)
    assert ended.answer == LONG


async def test_a_poisoned_task_is_a_dead_letter_after_five_deaths_alone(
    site: Site, start_worker: StartWorker
) -> None:
    await site.agent(tools=["crash"], script=[{"tool": "crash", "arguments": {"how": "SIGSEGV"}}])
    await site.agent(name="neighbour", script=[{"text": LONG, "deltas": 50, "seconds": 4}])
    start_worker()
    neighbour = await site.submit(agent="neighbour")
    await site.until(neighbour, is_writing)
    poison = await site.submit()
    with anyio.fail_after(10):
        while (await site.task(poison)).attempt == 0:
            await anyio.sleep(0.02)
    start_worker()  # the first one died with the poison in its hands
    dead = await site.end(poison, seconds=60)
    assert (dead.state, dead.code) == (TaskState.FAILED, "dead_letter")
    assert [attempt.is_alone for attempt in dead.attempts] == [False, *[True] * 5]
    assert all(attempt.outcome == "died" for attempt in dead.attempts)
    assert (dead.reason or "").count("SIGSEGV") == 5
    spared = await site.end(neighbour)
    assert spared.state is TaskState.COMPLETED
    kinds = Counter(event.type for event in await site.events(poison))
    assert (kinds["attempt.failed"], kinds["attempt.started"]) == (6, 6)


async def test_a_task_that_hangs_its_worker_ends_by_its_limit(
    site: Site, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(
        tools=["crash"],
        script=[{"tool": "crash", "arguments": {"how": "loop"}}],
        limits={"seconds": 0.5},
    )
    worker = start_worker()
    task = await site.submit()
    with anyio.fail_after(20):  # its loop hangs, so that it ends itself
        while worker.process.poll() is None:
            await anyio.sleep(0.05)
    monkeypatch.setattr("agents.attempts.solitary.SETTLE_SECONDS", 1.0)
    async with site.worker():
        dead = await site.end(task, seconds=60)
    assert dead.code == "dead_letter"
    assert (dead.reason or "").count("did not end within 1.5 seconds") == 5


async def test_a_cancel_stops_a_child_that_hangs(site: Site) -> None:
    await site.agent(tools=["crash"], script=[{"tool": "crash", "arguments": {"how": "loop"}}])
    task = await site.submit()
    await site.die_once(task)
    async with site.worker():
        await site.until(task, lambda found: any(step.name == "crash" for step in found.steps))
        await site.tasks.cancel(task)
        ended = await site.end(task)
    assert ended.state is TaskState.CANCELED


async def test_a_soft_stop_hands_back_what_runs_alone(site: Site) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 3}])
    task = await site.submit()
    await site.die_once(task)
    async with site.worker():
        await site.until(task, is_writing)
    assert (await site.task(task)).state is TaskState.SUBMITTED
    async with site.worker():
        ended = await site.end(task)
    assert ended.answer == LONG
    assert [attempt.outcome for attempt in ended.attempts] == ["died", "handed_back", "completed"]
    assert all(step.state is StepState.FINISHED for step in ended.steps)


async def test_a_cancel_that_nobody_answered_is_answered_by_the_next_worker(site: Site) -> None:
    await site.agent()
    task = await site.submit()
    await site.die_once(task)
    await site.tasks.cancel(task)
    async with site.worker():
        ended = await site.end(task)
    assert ended.state is TaskState.CANCELED
    assert [attempt.number for attempt in ended.attempts] == [1]
