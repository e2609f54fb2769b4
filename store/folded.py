"""Tasks as they were last read: folded on from where they stood, and not from the beginning.

Answering a task means folding its stream. One that has written 100,000 deltas and not finished
takes most of a second of this process, each time; so what was folded is kept for a while, and the
next reader pays for what has happened since. A stream is read in parts, so that others get their
turn in between. Nothing here asks who may read: callers have compared the head's team.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from protocols.task_fold import advance
from protocols.tasks import Task, TaskId
from store.postgres.log.event_log import EventLog, Head

KEPT_BYTES = 32 * 1024 * 1024  # of the events that were folded, which is more than their tasks
KEPT_TASKS = 1000
PART_VERSIONS = 1000  # read and folded without a pause: about ten milliseconds
WIDEST = 4  # times as many where most are deltas that nobody needs


@dataclass(slots=True, eq=False)
class _Folded:
    """A task between two reads; who advances it holds the lock.

    Attributes:
        head: The highest that was asked for; nobody is shown the task below it.
        reached: The version up to which events were folded in.
        size: Bytes of the events folded in.
    """

    task: Task
    head: Head
    reached: int = 0
    size: int = 0
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class FoldedTasks:
    """The tasks of one process that were read last, the least recently read forgotten first."""

    def __init__(self, log: EventLog, *, max_bytes: int = KEPT_BYTES) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, str], _Folded] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of the events that the kept tasks were folded from."""
        return sum(folded.size for folded in self._kept.values())

    async def at(self, head: Head) -> Task:
        """The task at its head, or above if somebody has read on meanwhile; the caller's own.

        Raises:
            msgspec.DecodeError: An event cannot be folded, or another of
                `protocols.event_encoding.UNREADABLE`.
            Unavailable: The log is out of reach.
        """
        key = (self._log.epoch, head.stream)  # of another epoch, versions mean other events
        folded = self._kept.get(key)
        if folded is None:
            folded = self._kept[key] = _Folded(Task(id=TaskId(head.stream)), head)
        elif head.version > folded.head.version:
            folded.head = head
        self._kept.move_to_end(key)
        async with folded.lock:
            try:
                while folded.reached < folded.head.version:
                    await self._advance(folded, folded.head)
            except Exception:  # half an event may have been folded in
                if self._kept.get(key) is folded:
                    del self._kept[key]
                raise
            return _copy(folded.task)

    async def _advance(self, folded: _Folded, head: Head) -> None:
        """Fold on to the head, with deltas only where no later event says the whole text.

        Cancelled in between, it stands below its head with texts that lack those deltas; whoever
        comes next folds on, until the events that say the whole are folded in, too.
        """
        task = folded.task
        ended = await self._log.ended_messages(head, after=folded.reached)

        def needs(began: Mapping[str, int]) -> frozenset[str]:
            writing = {said.id: folded.reached for said in task.said if not said.is_finished}
            since = {**writing, **began}
            return frozenset(one for one, at in since.items() if ended.get(one, 0) <= at)

        width = PART_VERSIONS
        while folded.reached < head.version:
            after, through = folded.reached, min(folded.reached + width, head.version)
            part = await self._log.read_part(head, after=after, through=through, needs=needs)
            for event in part:
                advance(task, event)
            folded.size += sum(len(event.data) for event in part)
            folded.reached = through
            is_sparse = len(part) * WIDEST < through - after
            width = PART_VERSIONS * (WIDEST if is_sparse else 1)
        self._forget_others()

    def _forget_others(self) -> None:
        size = self.size
        while size > self._max_bytes or len(self._kept) > KEPT_TASKS:
            _, forgotten = self._kept.popitem(last=False)
            size -= forgotten.size


def _copy(task: Task) -> Task:
    """One that does not change when the next reader folds on; texts are shared."""
    copied = copy.copy(task)
    copied.said = [copy.copy(said) for said in task.said]
    copied.steps = [copy.copy(step) for step in task.steps]
    copied.attempts = [copy.copy(attempt) for attempt in task.attempts]
    return copied
