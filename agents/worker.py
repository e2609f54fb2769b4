"""A worker: claims jobs while there is room, attends to each, and keeps its lease by beating.

Jobs of the queue `tasks` are attempts, those of `ingest` documents. A lease that ran out means that
others have the jobs: everything running is dropped, and the worker begins anew. `stop` ends
claiming, gives what runs its grace time, then hands it back.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup, TaskStatus

from agents import rescuer
from agents.attempts.watch import Watch
from agents.settings import AgentSettings
from protocols.errors import FactoryError, NotFound
from store.connect import Store
from store.postgres.queue import Claimed, Queue

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0  # for what no notification told
PAUSE_SECONDS = 1.0  # after an error of the database
HAND_BACK_SECONDS = 4.0  # for the last appends of what was handed back
PUT_BACK_SECONDS = 3.0  # until a job that could not be begun is tried again


@dataclass(slots=True, eq=False)
class Lane:
    """A queue, how much of it is done at once, and what is done with a job.

    Attributes:
        attend: Has dealt with the job. What it raises puts the job back.
    """

    queue: str
    capacity: int
    attend: Callable[[Claimed], Awaitable[None]]
    running: int = 0
    wake: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True, slots=True)
class Settled:
    """A job that has been dealt with under a lease; put back when it could not be."""

    lane: Lane
    job: int
    lease: int
    is_done: bool


class Worker:
    """One process's part of the work."""

    def __init__(
        self, store: Store, settings: AgentSettings, watch: Watch, lanes: list[Lane]
    ) -> None:
        self._store = store
        self._settings = settings
        self._watch = watch
        self._lanes = lanes
        self._queue = Queue(store.log_pool)
        self._lease = 0
        self._registering = anyio.Lock()
        self._stopping = anyio.Event()
        self._settled: list[
            Settled
        ] = []  # at most what is running, and what waits for the database
        self._has_settled = anyio.Event()

    def stop(self) -> None:
        """No more claims; what runs has its grace time, then it is handed back."""
        self._stopping.set()
        for lane in self._lanes:
            lane.wake.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work, until stopped and everything is settled."""
        await self._register()
        async with anyio.create_task_group() as background:
            for part in (self._watch.run, self._beat, self._listen, self._settle, self._rescue):
                background.start_soon(part)
            task_status.started()
            async with anyio.create_task_group() as jobs:
                for lane in self._lanes:
                    jobs.start_soon(self._claim, lane, jobs)
                await self._stopping.wait()
                await self._let_end()
                jobs.cancel_scope.deadline = anyio.current_time() + HAND_BACK_SECONDS
                background.start_soon(self._give_up)
            await self._settle_the_last()
            background.cancel_scope.cancel()
        await self._unregister()

    async def _claim(self, lane: Lane, jobs: TaskGroup) -> None:
        while not self._stopping.is_set():
            lane.wake = anyio.Event()
            room = lane.capacity - lane.running
            claimed = await self._claimed(lane, room) if room else []
            for job in claimed:
                if self._stopping.is_set():  # we were told while we asked for it
                    self._settled.append(Settled(lane, job.id, self._lease, is_done=False))
                    self._has_settled.set()
                    continue
                lane.running += 1
                jobs.start_soon(self._attend, lane, job, self._lease)
            if len(claimed) < room or not room:
                with anyio.move_on_after(POLL_SECONDS):
                    await lane.wake.wait()

    async def _claimed(self, lane: Lane, room: int) -> list[Claimed]:
        lease = self._lease
        try:
            return await self._queue.claim(lane.queue, worker=lease, limit=room)
        except NotFound:
            await self._begin_anew(lease)
        except FactoryError as error:
            logger.warning("Jobs cannot be claimed", extra={"code": error.code})
            await anyio.sleep(PAUSE_SECONDS)
        return []

    async def _attend(self, lane: Lane, job: Claimed, lease: int) -> None:
        is_done = False
        try:
            await lane.attend(job)
            is_done = True
        except FactoryError as error:
            logger.warning("A job is put back", extra={"job": job.id, "code": error.code})
        except Exception:
            # The job of one task must not end the worker that does the others'.
            logger.exception("A job broke", extra={"job": job.id, "queue": lane.queue})
        finally:
            self._settled.append(Settled(lane, job.id, lease, is_done))
            self._has_settled.set()
            lane.running -= 1

    async def _let_end(self) -> None:
        with anyio.move_on_after(self._settings.grace_seconds):
            while any(lane.running for lane in self._lanes):
                await self._has_settled.wait()
                await anyio.sleep(0.01)
        self._watch.leave()

    async def _give_up(self) -> None:
        """A last append is not to be cancelled, and would wait for a database that is away."""
        await anyio.sleep(HAND_BACK_SECONDS)
        self._store.log.give_up()

    async def _settle_the_last(self) -> None:
        with anyio.move_on_after(PAUSE_SECONDS):
            try:
                await self._settle_all()
            except FactoryError as error:  # they are rescued when the lease has run out
                logger.warning("The last jobs cannot be finished", extra={"code": error.code})

    async def _settle(self) -> None:
        while True:
            await self._has_settled.wait()
            self._has_settled = anyio.Event()
            try:
                await self._settle_all()
            except FactoryError as error:
                logger.warning("Jobs cannot be finished", extra={"code": error.code})
                await anyio.sleep(PAUSE_SECONDS)
                self._has_settled.set()

    async def _settle_all(self) -> None:
        """One statement for the done jobs of a lane; those that are left stay in the list."""
        for settled in list(self._settled):
            if settled not in self._settled:
                continue
            alike = [
                other
                for other in self._settled
                if (other.lane, other.lease, other.is_done)
                == (settled.lane, settled.lease, settled.is_done)
            ]
            jobs = [other.job for other in alike]
            if settled.is_done:
                # A task that was handed back has a job that waits for the lock of the old one.
                notify = settled.lane.queue if self._stopping.is_set() else None
                await self._queue.finish(jobs, worker=settled.lease, notify=notify)
            else:
                await self._queue.give_back(jobs, worker=settled.lease, seconds=PUT_BACK_SECONDS)
            self._settled = [other for other in self._settled if other not in alike]
            settled.lane.wake.set()  # there is room, and locks are free

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(self._settings.beat_seconds)
            lease = self._lease
            try:
                await self._queue.beat(lease)
            except NotFound:
                await self._begin_anew(lease)
            except FactoryError as error:
                logger.warning("The lease cannot be renewed", extra={"code": error.code})

    async def _begin_anew(self, lost: int) -> None:
        async with self._registering:
            if self._lease != lost:
                return  # somebody noticed before
            logger.warning("This worker has lost its lease; what it did, others do now")
            for attempt in self._watch.running:
                attempt.lose()
            await self._register()

    async def _register(self) -> None:
        while not self._stopping.is_set():
            try:
                self._lease = await self._queue.register()
            except FactoryError as error:
                logger.warning("The queue is out of reach", extra={"code": error.code})
                await anyio.sleep(PAUSE_SECONDS)
            else:
                return

    async def _unregister(self) -> None:
        with anyio.move_on_after(PAUSE_SECONDS) as scope:
            try:
                await self._queue.unregister(self._lease)
            except FactoryError as error:
                logger.warning("The lease could not be ended", extra={"code": error.code})
        if scope.cancelled_caught:
            logger.warning("The lease could not be ended in time; it runs out by itself")

    async def _listen(self) -> None:
        while True:
            try:
                queues = [lane.queue for lane in self._lanes]
                async with self._queue.listen(*queues) as notifications:
                    async for _ in notifications:
                        for lane in self._lanes:
                            lane.wake.set()
            except FactoryError as error:
                logger.warning("Notifications are away", extra={"code": error.code})
            await anyio.sleep(PAUSE_SECONDS)

    async def _rescue(self) -> None:
        await rescuer.run(self._store, lease_seconds=self._settings.lease_seconds)
