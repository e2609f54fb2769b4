"""Looks whether somebody wants a running task canceled, or another attempt holds it by now.

One statement for the heads of all running tasks, more often than once a second, finds it without
Redis; a frame on a task's channel finds it sooner. A head that is further than the attempt's own
last append has events of others, which are then read.
"""

import logging
from collections.abc import Callable
from typing import Protocol

import anyio

from agents.recording.recorder import Claim
from protocols.channels import task_channel
from protocols.errors import FactoryError
from protocols.events import StreamId, TaskCancelRequested
from protocols.tasks import FINAL, STATES
from store.connect import Store
from store.redis.listener import Listener, Reconnected

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.7
PAGE_EVENTS = 500

_CANCEL = f'"{TaskCancelRequested.TYPE}"'.encode()  # a text that holds it only makes us look


class Watched(Protocol):
    """An attempt at work, here or in a child; what it is told to do it does soon, not at once."""

    on_foreign: Callable[[], None]
    has_foreign: bool
    looked: int  # the version up to which somebody has looked for a cancel

    @property
    def claim(self) -> Claim:
        """Which attempt, at which task."""
        ...

    @property
    def version(self) -> int:
        """Of the last event it knows of."""
        ...

    def cancel(self) -> None:
        """Somebody wants the task canceled."""
        ...

    def hand_back(self) -> None:
        """This worker leaves."""
        ...

    def lose(self) -> None:
        """The task is no longer this attempt's."""
        ...


class Watch:
    """The running attempts of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[StreamId, Watched] = {}
        self._wake = anyio.Event()
        self._is_leaving = False

    def add(self, attempt: Watched) -> None:
        """The attempt begins."""
        task = attempt.claim.task
        self._running[task] = attempt
        attempt.on_foreign = self._wake.set
        if attempt.has_foreign:
            self._wake.set()
        if self._is_leaving:
            attempt.hand_back()

    def remove(self, attempt: Watched) -> None:
        """The attempt has ended."""
        if self._running.get(attempt.claim.task) is attempt:
            del self._running[attempt.claim.task]

    @property
    def running(self) -> list[Watched]:
        """All attempts of this process."""
        return list(self._running.values())

    def leave(self) -> None:
        """This worker leaves: all attempts are handed back, and those that are just beginning."""
        self._is_leaving = True
        for attempt in self.running:
            attempt.hand_back()

    async def run(self) -> None:
        """Look, until cancelled."""
        async with anyio.create_task_group() as group, self._store.broker.listen() as listener:
            group.start_soon(self._hear, listener)
            group.start_soon(self._subscribe, listener)
            while True:
                with anyio.move_on_after(LOOK_SECONDS):
                    await self._wake.wait()
                self._wake = anyio.Event()
                for attempt in self._running.values():
                    attempt.on_foreign = self._wake.set
                try:
                    await self._look()
                except FactoryError as error:
                    logger.debug("Heads cannot be read", extra={"code": error.code})
                    await anyio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        if not self._running:
            return
        heads = await self._store.log.heads(list(self._running))
        for task, attempt in list(self._running.items()):
            head = heads.get(task)
            if head is None:
                continue
            if head.attempt > attempt.claim.attempt or STATES[head.state] in FINAL:
                attempt.lose()
            elif attempt.has_foreign or head.version > attempt.version:
                attempt.has_foreign = False
                try:
                    await self._read(attempt)
                except FactoryError:
                    attempt.has_foreign = True  # its version may have passed them meanwhile
                    raise

    async def _read(self, attempt: Watched) -> None:
        task = attempt.claim.task
        is_last = False
        while not is_last:
            events = await self._store.log.read(
                task, after=attempt.looked, limit=PAGE_EVENTS, deltas=False
            )
            if any(event.type == TaskCancelRequested.TYPE for event in events):
                attempt.cancel()
            if events:
                attempt.looked = events[-1].version
            is_last = len(events) < PAGE_EVENTS

    async def _hear(self, listener: Listener) -> None:
        async for heard in listener:
            if isinstance(heard, Reconnected):
                continue  # what was missed meanwhile, the next look finds
            channel, frame = heard
            if _CANCEL in frame:
                attempt = self._running.get(StreamId(channel.partition(":")[2]))
                if attempt is not None:
                    attempt.has_foreign = True
                    self._wake.set()

    async def _subscribe(self, listener: Listener) -> None:
        """Channels of tasks that take longer than a look; for short ones it is not worth it."""
        subscribed: set[StreamId] = set()
        while True:
            await anyio.sleep(LOOK_SECONDS / 2)
            for task in subscribed - self._running.keys():
                subscribed.discard(task)
                await listener.unsubscribe(task_channel(task))
            for task in self._running.keys() - subscribed:
                subscribed.add(task)
                await listener.subscribe(task_channel(task))
