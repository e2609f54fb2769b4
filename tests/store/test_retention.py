from datetime import timedelta

from protocols.events import MessageDelta, MessageFinished, MessageStarted, StepStarted, StreamId
from protocols.steps import StepKind
from protocols.task_fold import fold
from protocols.tasks import TaskId
from store.connect import Store
from store.postgres.retention import compact_deltas, delete_finished_jobs, forget_keys
from tests.store.people import Worker, submitted, with_agent

NOW = timedelta(0)
LATER = timedelta(hours=1)


async def _write(worker: Worker, message: str, *, is_finished: bool) -> None:
    await worker.write(StepStarted(step=message, kind=StepKind.MODEL, name="m"))
    await worker.write(MessageStarted(message=message, step=message))
    for word in ("one ", "two ", "three"):
        await worker.write(MessageDelta(message=message, text=word))
    if is_finished:
        await worker.write(MessageFinished(message=message, text="one two three"))


async def _compact(store: Store, *, rows: int, older_than: timedelta = NOW) -> int:
    removed, is_last = 0, False
    while not is_last:
        async with store.log_pool.connection() as connection:
            step = await compact_deltas(connection, older_than=older_than, rows=rows)
        removed, is_last = removed + step.removed, step.is_last
    return removed


async def test_deltas_of_finished_messages_go_and_the_fold_stays(store: Store) -> None:
    await with_agent(store)
    task = StreamId(await submitted(store))
    worker = Worker(store, task)
    await worker.start()
    await _write(worker, "1.1", is_finished=True)
    await _write(worker, "1.2", is_finished=False)
    before = fold(TaskId(task), await store.log.read_state(task))

    assert await _compact(store, rows=2, older_than=LATER) == 0
    assert await _compact(store, rows=2) == 3

    events = await store.log.read(task)
    assert [event.version for event in events if event.type == "message.delta"] == [11, 12, 13]
    head = await store.log.head(task)
    assert head is not None
    assert (head.version, head.compacted_through) == (13, 7)
    assert fold(TaskId(task), events) == before
    assert before.said[1].text == "one two three"
    assert await _compact(store, rows=2) == 0


async def test_writing_goes_on_after_compaction(store: Store) -> None:
    await with_agent(store)
    task = StreamId(await submitted(store))
    worker = Worker(store, task)
    await worker.start()
    await _write(worker, "1.1", is_finished=True)
    await _compact(store, rows=100)
    await _write(worker, "1.2", is_finished=True)
    appended = await worker.complete()

    assert appended.version == 15
    assert await _compact(store, rows=100) == 3
    assert fold(TaskId(task), await store.log.read(task)).version == 15


async def test_old_keys_are_forgotten_in_steps(store: Store) -> None:
    await with_agent(store)
    for _ in range(5):
        await submitted(store)

    async with store.log_pool.connection() as connection:
        assert (await forget_keys(connection, older_than=LATER)).removed == 0
        step = await forget_keys(connection, older_than=NOW, rows=4)
        assert (step.removed, step.is_last) == (4, False)
        step = await forget_keys(connection, older_than=NOW, rows=4)
        assert (step.removed, step.is_last) == (2, True)


async def test_only_jobs_that_ended_long_ago_are_deleted(store: Store) -> None:
    await with_agent(store)
    for _ in range(3):
        await submitted(store)
    async with store.log_pool.connection() as connection:
        await connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' "
            "WHERE id < (SELECT max(id) FROM procrastinate_jobs)"
        )
        await connection.execute(
            "UPDATE procrastinate_jobs SET status = 'succeeded' "
            "WHERE id = (SELECT min(id) FROM procrastinate_jobs)"
        )
        assert (await delete_finished_jobs(connection, older_than=LATER)).removed == 0
        assert (await delete_finished_jobs(connection, older_than=NOW)).removed == 1
        cursor = await connection.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        assert await cursor.fetchall() == [("doing",), ("todo",)]
