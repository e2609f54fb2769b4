"""What breaks inside one job ends that job, with a reason that tells nobody's secrets."""

from dataclasses import dataclass

import anyio
import pytest
from psycopg.rows import class_row

from agents.attempts.attempt import BROKEN
from agents.attempts.attending import Attending
from agents.attempts.watch import Watch
from agents.context import Context
from agents.knowledge import MOST_DEATHS, POISONED, Ingesting
from agents.lane import Lane
from agents.recording.recorder import Recorder
from agents.strategies import STRATEGIES
from agents.strategy import Answer
from agents.worker import MOST_BREAKS, Worker
from protocols.errors import InvalidRequest
from protocols.knowledge import CreateCollection, DocumentState
from protocols.principals import FIRST_TEAM, system
from protocols.tasks import TaskState
from store.knowledge.embedders.hashing import Hashing
from store.operations.knowledge import StoredKnowledge
from store.postgres.measures import measure
from store.postgres.queue import Claimed
from tests.agents.conftest import Site


async def test_a_strategy_that_breaks_ends_its_task_and_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(context: Context) -> Answer:
        raise ZeroDivisionError("division by a secret")

    monkeypatch.setitem(STRATEGIES, "direct", broken)
    await site.agent(name="broken", strategy="direct", script=[{"text": "never"}])
    await site.agent(name="sound", strategy="react", script=[{"text": "said"}])
    async with site.worker():
        failed = await site.end(await site.submit(agent="broken"))
        sound = await site.end(await site.submit(agent="sound"))
    assert failed.state is TaskState.FAILED
    assert "the worker broke" in (failed.reason or "")
    assert "secret" not in (failed.reason or "")
    assert (sound.state, sound.answer) == (TaskState.COMPLETED, "said")


async def test_the_direct_strategy_asks_the_model_once(site: Site) -> None:
    script = [{"text": "At once."}, {"text": "never"}]
    await site.agent(strategy="direct", script=script)
    async with site.worker():
        ended = await site.end(await site.submit())
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, "At once.")
    assert [step.kind for step in ended.steps] == ["model"]


async def test_a_job_that_breaks_waits_again_and_the_worker_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.worker.PUT_BACK_SECONDS", 0.0)
    seen: list[str] = []

    async def attend(job: Claimed) -> None:
        seen.append(job.arguments["name"])
        if seen == ["odd"]:
            raise ZeroDivisionError
        if len(seen) == 3:
            worker.stop()

    lane = Lane("odd jobs", 1, attend)
    worker = Worker(site.store, site.settings, Watch(site.store), [lane])
    async with site.store.log_pool.connection() as connection:
        for name in ("odd", "even"):
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
                " VALUES ('odd jobs', 'do', %s, jsonb_build_object('name', %s::text))",
                (name, name),
            )
    await worker.run()
    assert sorted(seen) == ["even", "odd", "odd"]
    async with site.store.log_pool.connection() as connection:
        rows = await (await connection.execute("SELECT id FROM procrastinate_jobs")).fetchall()
    assert rows == []


@dataclass
class Row:
    status: str
    breaks: int


async def job(site: Site, queue: str, arguments: str, *, lock: str | None = None) -> int:
    async with site.store.log_pool.connection() as connection:
        cursor = await connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
            " VALUES (%s, 'attempt', %s, %s::jsonb) RETURNING id",
            (queue, lock, arguments),
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def until_failed(site: Site, number: int) -> Row:
    found = Row("", 0)
    with anyio.fail_after(60):
        while found.status != "failed":
            await anyio.sleep(0.02)
            async with site.store.log_pool.connection() as connection:
                cursor = connection.cursor(row_factory=class_row(Row))
                await cursor.execute(
                    "SELECT status::text, attempts AS breaks FROM procrastinate_jobs WHERE id = %s",
                    (number,),
                )
                found = await cursor.fetchone() or found
    return found


@pytest.mark.parametrize(
    ("queue", "arguments"),
    [("tasks", '{"task": 7}'), ("ingest", "{}"), ("models", '{"model": 3}'), ("tasks", "[1]")],
)
async def test_a_job_that_nobody_understands_is_given_up_and_counted(
    site: Site,
    queue: str,
    arguments: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("agents.worker.PUT_BACK_SECONDS", 0.0)
    number = await job(site, queue, arguments)
    async with site.worker():
        row = await until_failed(site, number)
    assert row.breaks == MOST_BREAKS - 1  # times it was put back
    (given_up,) = [one for one in caplog.records if "given up" in one.getMessage()]
    assert (vars(given_up)["job"], vars(given_up)["breaks"]) == (number, MOST_BREAKS)
    found = await measure(site.store.log_pool)
    assert found.queue[(queue, "failed")] == 1


async def test_a_task_whose_job_breaks_each_time_ends_with_the_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.worker.PUT_BACK_SECONDS", 0.0)

    async def broken(*_: object) -> bool:
        raise ZeroDivisionError("division by a secret")

    monkeypatch.setattr(Attending, "_step", broken)
    await site.agent()
    task = await site.submit()
    async with site.worker():
        ended = await site.end(task)
    assert ended.state is TaskState.REJECTED
    assert ended.reason == BROKEN


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a secret"), InvalidRequest("too odd")], ids=repr
)
async def test_text_that_cannot_be_written_ends_its_task_with_the_reason(
    site: Site, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Recorder) -> None:
        raise error

    monkeypatch.setattr(Recorder, "run", refused)
    await site.agent(script=[{"text": "never"}])
    async with site.worker():
        ended = await site.end(await site.submit())
    assert (ended.state, ended.attempt) == (TaskState.FAILED, 1)
    assert ended.reason == (BROKEN if isinstance(error, ZeroDivisionError) else "too odd")


async def test_a_document_that_ends_its_workers_is_left_with_the_reason(site: Site) -> None:
    knowledge = StoredKnowledge(site.store, system(), Hashing())
    await knowledge.create(CreateCollection(name="manual"))
    document = await knowledge.add(
        "manual", b"It is deadly.", title="", source="a.txt", media_type="text/plain"
    )
    arguments = {"document": document.id, "team": FIRST_TEAM}
    ingesting = Ingesting(site.store, Hashing())

    await ingesting.attend(Claimed(1, "ingest", arguments, MOST_DEATHS))
    left = await knowledge.document("manual", document.id)
    assert (left.state, left.reason) == (DocumentState.FAILED, POISONED)

    await knowledge.remove("manual", document.id)
    await ingesting.attend(Claimed(1, "ingest", arguments, MOST_DEATHS))  # nothing to say any more
    with pytest.raises(InvalidRequest, match="job of the queue ingest"):
        await ingesting.attend(Claimed(1, "ingest", {"document": 1}, 0))
