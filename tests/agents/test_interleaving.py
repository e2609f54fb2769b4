"""Between a look and an append: nothing is lost there, and no task is left to nobody."""

import uuid
from functools import partial
from typing import Any

import anyio
import pytest

from agents import rescuer
from protocols.errors import Unavailable
from protocols.events import AnyData, AttemptStarted, Event, StreamId, TaskHandedBack
from protocols.principals import FIRST_TEAM, Actor
from protocols.tasks import STATE_CODES, TaskState
from store.postgres.log.event_log import TASK, Append, EventLog
from store.postgres.queue import Claimed, Queue
from tests.agents.conftest import LONG, Site, is_writing


async def append(site: Site, task: StreamId, *data: AnyData, **rest: Any) -> None:
    actor = Actor("agent:actor")
    await site.store.log.append(
        Append(stream=task, team=FIRST_TEAM, kind=TASK, actor=actor, data=data, **rest)
    )


async def test_a_cancel_is_not_lost_to_a_read_that_failed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 200, "seconds": 60}])
    read, failed = EventLog.read, list[StreamId]()

    async def fail_for_the_watch(self: EventLog, stream: StreamId, **rest: Any) -> list[Event]:
        if not rest.get("deltas", True) and len(failed) < 2:
            failed.append(stream)
            await anyio.sleep(0.7)  # the attempt writes on meanwhile
            raise Unavailable("away")
        return await read(self, stream, **rest)

    async with site.worker():
        task = await site.submit()
        await site.until(task, is_writing)
        monkeypatch.setattr(EventLog, "read", fail_for_the_watch)
        await site.tasks.cancel(task)
        ended = await site.end(task, seconds=10)
    assert ended.state is TaskState.CANCELED
    assert len(failed) == 2


async def test_an_attempt_fenced_by_one_that_vanished_is_made_again(site: Site) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 1}])
    async with site.worker():
        task = await site.submit()
        await site.until(task, is_writing)
        woken = AttemptStarted(worker="a worker that had lost the job, and dies")
        await append(site, task, woken, attempt=2, key=uuid.uuid4())
        ended = await site.end(task)
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, LONG)
    assert [attempt.number for attempt in ended.attempts] == [1, 2, 3]


async def test_a_task_handed_back_while_it_was_looked_at_is_begun_as_such(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(script=[{"text": "done"}])
    task = await site.submit()
    await site.die_once(task)
    read_state, looks = EventLog.read_state, list[StreamId]()

    async def hand_back_after(self: EventLog, stream: StreamId) -> list[Event]:
        found = await read_state(self, stream)
        if not looks:
            state = STATE_CODES[TaskState.SUBMITTED]
            back = TaskHandedBack(worker="one that is not dead")
            await append(site, task, back, attempt=1, seq=1, to_state=state)
        looks.append(stream)
        return found

    monkeypatch.setattr(EventLog, "read_state", hand_back_after)
    async with site.worker():
        ended = await site.end(task)
    assert ended.state is TaskState.COMPLETED
    assert [attempt.outcome for attempt in ended.attempts] == ["handed_back", "completed"]


async def test_a_job_that_comes_with_the_stop_is_not_begun(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 30}])
    claim = Queue.claim
    async with site.worker() as worker:

        async def claim_after_stop(self: Queue, queue: str, **rest: Any) -> list[Claimed]:
            worker.stop()
            return await claim(self, queue, **rest)

        monkeypatch.setattr(Queue, "claim", claim_after_stop)
        task = await site.submit()
    assert (await site.task(task)).attempts == []
    async with site.store.log_pool.connection() as connection:
        cursor = await connection.execute("SELECT status::text FROM procrastinate_jobs")
        assert await cursor.fetchall() == [("todo",)]


async def test_an_attempt_that_begins_while_its_worker_leaves_is_handed_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(script=[{"text": LONG, "deltas": 100, "seconds": 30}])
    read_state, looked = EventLog.read_state, anyio.Event()

    async def look_slowly(self: EventLog, stream: StreamId) -> list[Event]:
        found = await read_state(self, stream)
        looked.set()
        await anyio.sleep(0.5)  # longer than the grace time
        return found

    monkeypatch.setattr(EventLog, "read_state", look_slowly)
    async with site.worker():
        task = await site.submit()
        await looked.wait()
    left = await site.task(task)
    assert left.state is TaskState.SUBMITTED
    assert [attempt.outcome for attempt in left.attempts] == ["handed_back"]


async def test_an_answer_too_large_for_the_log_fails_its_task(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.postgres.log.appends.MAX_APPEND_BYTES", 4000)
    await site.agent(script=[{"text": "x" * 3000}])
    async with site.worker():
        ended = await site.end(await site.submit())
    assert (ended.state, ended.code) == (TaskState.FAILED, "limit_exceeded")


async def test_an_outage_of_the_database_takes_no_tasks_from_workers_that_live(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent()
    await site.submit()
    queue, rescue = Queue(site.store.log_pool), Queue.rescue
    worker = await queue.register()
    assert len(await queue.claim("tasks", worker=worker, limit=1)) == 1
    outage = anyio.Event()

    async def rescue_after_it(self: Queue, *, lease_seconds: float) -> int:
        await outage.wait()
        return await rescue(self, lease_seconds=lease_seconds)

    async def holders() -> list[int | None]:
        async with site.store.log_pool.connection() as connection:
            cursor = await connection.execute("SELECT worker_id FROM procrastinate_jobs")
            return [row[0] for row in await cursor.fetchall()]

    monkeypatch.setattr("agents.rescuer.LOOK_SECONDS", 0.05)
    monkeypatch.setattr(Queue, "rescue", rescue_after_it)
    async with anyio.create_task_group() as group:
        group.start_soon(partial(rescuer.run, site.store, lease_seconds=1.2))
        await anyio.sleep(1.5)
        outage.set()
        await anyio.sleep(0.3)  # the rescuer looks, and no beat has come yet
        assert await holders() == [worker]
        with anyio.fail_after(10):  # it never comes: that one is dead
            while await holders() == [worker]:
                await anyio.sleep(0.05)
        group.cancel_scope.cancel()
