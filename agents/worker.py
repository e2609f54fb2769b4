"""A worker: claims jobs while there is room, attends to each, and keeps its lease by beating.

Jobs of the queue `tasks` are attempts, those of `ingest` documents. A job that cannot be dealt with
is put back while the store is away, and given up when it breaks each time. A lease that ran out
means that others have the jobs: everything running is dropped, and the worker begins anew. `stop`
ends claiming, gives what runs its grace time, then hands it back.
"""

import logging
from collections.abc import Mapping
from typing import assert_never

import anyio
from anyio.abc import TaskGroup, TaskStatus

from agents import rescuer
from agents.attempts.watch import Watch
from agents.lane import Ending, Lane, Settled, is_passing
from agents.settings import AgentSettings
from protocols.errors import FactoryError, InvalidRequest, NotFound
from store.connect import Store
from store.postgres.queue import Claimed, Queue

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0  # for what no notification told
PAUSE_SECONDS = 1.0  # after an error of the database
HAND_BACK_SECONDS = 4.0  # for the last appends of what was handed back
PUT_BACK_SECONDS = 3.0  # until a job that could not be begun is tried again
MOST_BREAKS = 5  # of workers on one job, deaths included; each waits twice as long


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
                    self._settled.append(
                        Settled(lane, job.id, self._lease, Ending.PUT_BACK, PUT_BACK_SECONDS)
                    )
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
        ending = Ending.PUT_BACK  # also of what is cancelled
        try:
            ending = await self._dealt_with(lane, job)
        finally:
            seconds = PUT_BACK_SECONDS * (2**job.deaths if ending is Ending.BROKEN else 1)
            self._settled.append(Settled(lane, job.id, lease, ending, seconds))
            self._has_settled.set()
            lane.running -= 1

    async def _dealt_with(self, lane: Lane, job: Claimed) -> Ending:
        told = {"job": job.id, "queue": lane.queue}
        try:
            await lane.attend(job)
        except Exception as error:
            # The job of one task must not end the worker that does the others'.
            code = error.code if isinstance(error, FactoryError) else type(error).__name__
            if is_passing(error):
                logger.warning("A job is put back", extra={**told, "code": code})
                return Ending.PUT_BACK
            logger.exception("A job broke", extra={**told, "code": code})
            return await self._broken(lane, job, told)
        return Ending.DONE

    async def _broken(self, lane: Lane, job: Claimed, told: Mapping[str, object]) -> Ending:
        breaks = job.deaths + 1
        if breaks < MOST_BREAKS:
            return Ending.BROKEN
        try:
            await lane.give_up(job)
        except Exception as error:
            if is_passing(error):  # who waits is told the next time
                logger.warning("A job cannot be given up yet", extra=told)
                return Ending.PUT_BACK
            if not isinstance(error, InvalidRequest):  # it names nobody who waits
                logger.exception("Giving a job up broke", extra=told)
        logger.error("A job is given up; it broke each time", extra={**told, "breaks": breaks})
        return Ending.GIVEN_UP

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
                if (other.lane, other.lease, other.ending, other.seconds)
                == (settled.lane, settled.lease, settled.ending, settled.seconds)
            ]
            await self._settle_alike(settled, [other.job for other in alike])
            self._settled = [other for other in self._settled if other not in alike]
            settled.lane.wake.set()  # there is room, and locks are free

    async def _settle_alike(self, one: Settled, jobs: list[int]) -> None:
        match one.ending:
            case Ending.DONE:
                # A task that was handed back has a job that waits for the lock of the old one.
                notify = one.lane.queue if self._stopping.is_set() else None
                await self._queue.finish(jobs, worker=one.lease, notify=notify)
            case Ending.GIVEN_UP:
                await self._queue.fail(jobs, worker=one.lease)
            case Ending.PUT_BACK | Ending.BROKEN:
                is_broken = one.ending is Ending.BROKEN
                await self._queue.give_back(
                    jobs, worker=one.lease, seconds=one.seconds, is_broken=is_broken
                )
            case _:
                assert_never(one.ending)

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
