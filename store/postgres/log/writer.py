"""The batching writer: what waited while the last commit ran is the next batch.

No lingering, one connection, one batch on its way at a time, so that the appends of one stream stay
in order. Every append in a batch gets its own answer. A batch whose answer was lost is sent again:
each append has a number or a key by which the log knows it. A batch that the database refuses as a
whole is sent one by one, so that a broken append fails alone.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import psycopg
from anyio import move_on_after, sleep

from protocols.errors import FactoryError, LimitExceeded, Unavailable
from store.postgres.failures import is_passing, translation
from store.postgres.log.append_connection import AppendConnection
from store.postgres.log.appends import DUPLICATE, OK, Answer, Entry
from store.postgres.log.counters import Counters
from store.postgres.log.publishing import Commit, Written

_status = attrgetter("status")
logger = logging.getLogger(__name__)

# More in a batch gain nothing, and an answer that outgrew the socket's buffers would be waited for
# by the server before its commit, with the lock in its hands.
MAX_BATCH_APPENDS = 1000
MAX_BATCH_BYTES = 1024 * 1024
# The database judges the appends of one stream, or with one key, in a round each over the whole
# batch: a thousand of them took longer than any limit, and nobody else could append meanwhile.
MAX_ROUNDS = 16
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """How much may wait, and how long.

    Attributes:
        waiting_appends: In the queue; more wait for room, outside of it.
        waiting_bytes: Of their heads and bodies.
        room_seconds: How long an append waits for room before it is refused.
        patience_seconds: How long an append waits for a database that is out of reach.
    """

    waiting_appends: int = 10_000
    waiting_bytes: int = 64 * 1024 * 1024
    room_seconds: float = 5.0
    patience_seconds: float = 20.0


class Writer:
    """The queue of appends, and the one connection they go out on."""

    def __init__(
        self,
        connection: AppendConnection,
        *,
        limits: WriterLimits,
        counters: Counters,
        committed: Callable[[Commit], None],
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._counters = counters
        self._committed = committed
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Entry] = deque()
        self._bytes = 0  # in the queue
        self._sent: list[Entry] = []  # the batch that has no answer yet
        self._for_room: deque[asyncio.Future[None]] = deque()
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._is_closed = False
        self._has_given_up = False

    @property
    def is_full(self) -> bool:
        """Whether an append has to wait for room first."""
        return (
            len(self._queue) >= self._limits.waiting_appends
            or self._bytes >= self._limits.waiting_bytes
        )

    def put(self, entry: Entry) -> asyncio.Future[Answer]:
        """The log's answer, to be awaited at once. Only when there is room.

        An append whose caller is cancelled before it was sent is never sent. The future fails with
        `Unavailable` when the database was out of reach for too long, and it may have been done; or
        with `InvalidRequest` when the database cannot store it.

        Raises:
            Unavailable: The log is closed.
        """
        if self._is_closed:
            raise Unavailable("the log is closed")
        # A future and not an anyio event: a tenth of its cost, at a thousand appends a batch.
        entry.answer = self._loop.create_future()
        if not self._queue:  # else it is set
            self._wake.set()
        self._queue.append(entry)
        self._bytes += entry.size
        return entry.answer

    async def run(self) -> None:
        """Commits what waits, until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._sent = self._take()
                await self._commit(self._sent)
                self._sent = []
                if not self._queue:
                    self._wake.clear()
                    if self._is_closed:
                        self._drained.set()
        finally:
            self._is_closed = True
            self._fail(self._sent, Unavailable("the log was closed; it may have been done"))
            self._fail(self._queue, Unavailable("the log is closed"))
            self._queue.clear()
            self._bytes = 0
            self._make_room(len(self._for_room))
            await self._connection.close()

    async def drain(self) -> None:
        """Refuses what comes from now on, and waits until all that waited has its answer."""
        self._is_closed = True
        if self._queue or self._sent:
            await self._drained.wait()

    def give_up(self) -> None:
        """Wait for the database no longer: what has no answer fails now, and what comes yet too."""
        self._is_closed = self._has_given_up = True
        self._fail(self._sent, Unavailable("the log was given up; it may have been done"))
        self._fail(self._queue, Unavailable("the log was given up"))
        self._queue.clear()
        self._bytes = 0
        self._make_room(len(self._for_room))

    @property
    def waiting(self) -> int:
        """Appends in the queue."""
        return len(self._queue)

    async def room(self) -> None:
        """Waits until there is room.

        Raises:
            LimitExceeded: There was none in time.
        """
        with move_on_after(self._limits.room_seconds):
            while self.is_full and not self._is_closed:
                room: asyncio.Future[None] = self._loop.create_future()
                self._for_room.append(room)
                await room
            return
        self._counters.rejected_full += 1
        raise LimitExceeded(
            f"the log is behind: {len(self._queue)} appends of {self._bytes} bytes wait; the limits"
            f" are {self._limits.waiting_appends} and {self._limits.waiting_bytes} bytes"
        )

    def _take(self) -> list[Entry]:
        """The next batch, without those whose callers have left."""
        if len(self._queue) <= MAX_BATCH_APPENDS and self._bytes <= MAX_BATCH_BYTES:
            taken = [*self._queue]
            self._queue.clear()
            self._bytes = 0
        else:
            taken = self._take_some()
        wanted = [entry for entry in taken if not entry.answer.done()]
        batch = wanted[: _quick(wanted)]
        for entry in reversed(wanted[len(batch) :]):
            self._queue.appendleft(entry)
            self._bytes += entry.size
        self._make_room(len(taken) - len(wanted) + len(batch))
        return batch

    def _take_some(self) -> list[Entry]:
        taken: list[Entry] = []
        size = 0
        while self._queue and len(taken) < MAX_BATCH_APPENDS:
            size += self._queue[0].size
            if taken and size > MAX_BATCH_BYTES:
                break
            taken.append(self._queue.popleft())
            self._bytes -= taken[-1].size
        return taken

    def _make_room(self, count: int) -> None:
        while count > 0 and self._for_room:
            room = self._for_room.popleft()
            if not room.done():
                room.set_result(None)
                count -= 1

    async def _commit(self, entries: list[Entry], *, is_repeat: bool = False) -> None:
        """Sends the batch until it has an answer, or nobody waits for it any longer."""
        pause = FIRST_PAUSE_SECONDS
        has_cut = False
        while entries:
            try:
                answers = await self._connection.send(entries)
            except (psycopg.Error, TimeoutError, OSError) as error:
                if isinstance(error, psycopg.errors.CheckViolation) and not has_cut:
                    await self._connection.cut_partitions()
                    has_cut = True
                    continue
                if isinstance(error, psycopg.Error) and not is_passing(error):
                    await self._one_by_one(entries, error)
                    return
                is_repeat = True
                entries = self._still_waiting(entries, error)
                if isinstance(error, psycopg.errors.QueryCanceled) and len(entries) > 1:
                    # Rolled back. It may have been too much for the time it is given.
                    half = len(entries) // 2
                    await self._commit(entries[:half], is_repeat=is_repeat)
                    await self._commit(entries[half:], is_repeat=is_repeat)
                    return
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    await self._connection.end_stuck()
                await self._connection.drop_broken()
                await sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self._settle(entries, answers, is_repeat=is_repeat)
                return

    async def _one_by_one(self, entries: list[Entry], error: psycopg.Error) -> None:
        if len(entries) > 1:
            for entry in entries:
                await self._commit([entry])
            return
        # Not the error itself: what it quotes is content.
        logger.error("the database refuses an append", extra={"sqlstate": error.sqlstate})
        self._counters.failed += 1
        self._fail(entries, translation(error))

    def _settle(self, entries: list[Entry], answers: list[Answer], *, is_repeat: bool) -> None:
        written = list(zip(entries, answers, strict=True))
        for entry, answer in written:
            if not entry.answer.done():  # its caller may have been cancelled meanwhile
                entry.answer.set_result(answer)

        if any(map(_status, answers)):
            written = [one for one in written if _is_written(*one, is_repeat=is_repeat)]
            self._count_refused(answers, written)
        if written:
            commit = Commit(written)
            self._counters.appends += len(written)
            self._counters.events += commit.events
            self._committed(commit)
        self._counters.waiting = len(self._queue)

    def _count_refused(self, answers: list[Answer], written: list[Written]) -> None:
        repeats = sum([answer.status == DUPLICATE for answer in answers])
        self._counters.repeats += repeats
        self._counters.refused += len(answers) - len(written) - repeats

    def _still_waiting(self, entries: list[Entry], error: Exception) -> list[Entry]:
        """Those of the batch whose patience lasts; of the queue too, the others are failed."""
        if self._has_given_up:
            return []
        now = self._loop.time()
        for entry in (*entries, *self._queue):
            entry.deadline = entry.deadline or now + self._limits.patience_seconds
        overdue = [entry for entry in entries if entry.deadline <= now]
        while self._queue and self._queue[0].deadline <= now:
            entry = self._queue.popleft()
            self._bytes -= entry.size
            overdue.append(entry)
        if overdue:
            reason = type(error).__name__
            logger.error("appends fail: the database is out of reach", extra={"reason": reason})
            self._counters.failed += len(overdue)
            self._fail(overdue, Unavailable("the database is out of reach; it may have been done"))
            self._make_room(len(overdue))
        return [entry for entry in entries if entry.deadline > now]

    def _fail(self, entries: Iterable[Entry], error: FactoryError) -> None:
        for entry in entries:
            if not entry.answer.done():
                entry.answer.set_exception(type(error)(error.message))  # each caller its own


def _is_written(entry: Entry, answer: Answer, *, is_repeat: bool) -> bool:
    """Whether it was done now, or when it was sent first, and has not been told to anybody yet."""
    is_here = answer.stream in (None, entry.append.stream)
    return answer.status == OK or (is_repeat and answer.status == DUPLICATE and is_here)


def _quick(entries: Sequence[Entry]) -> int:
    """How many of them the database can judge in MAX_ROUNDS."""
    # So few repeat a stream or a key that none is there too often: a fifth of counting each.
    count = len(entries)
    keys = [entry.row[6] for entry in entries if entry.row[6] is not None]
    if (
        count - len({entry.row[0] for entry in entries}) < MAX_ROUNDS
        and len(keys) - len(set(keys)) < MAX_ROUNDS
    ):
        return count
    rounds: dict[bytes | None, int] = {}
    for number, entry in enumerate(entries):
        for name in (entry.row[0], entry.row[6]):  # stream, key
            rounds[name] = count = rounds.get(name, 0) + 1
            if count > MAX_ROUNDS and name is not None:
                return number
    return len(entries)
