"""The event log: what everyone appends to and reads from.

    async with open_event_log(addresses.log, ...) as log:
        appended = await log.append(Append(stream=..., data=(TaskSubmitted(...),), expected=0, ...))
        events = await log.read(stream, after=appended.version)

An append that returns is on disk, and then told to whoever watches. This is the door: the batching
writer, the statements and the publication have files of their own. It knows streams of every team:
callers compare `Head.team`, or read through `store.app`.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from anyio import create_task_group, move_on_after

from protocols.events import Event, StreamId
from store.postgres.failures import translated
from store.postgres.log import reading
from store.postgres.log.append_connection import AppendConnection
from store.postgres.log.appends import AGENT as AGENT
from store.postgres.log.appends import TASK as TASK
from store.postgres.log.appends import Append as Append
from store.postgres.log.appends import Appended as Appended
from store.postgres.log.appends import Entry, appended
from store.postgres.log.appends import Job as Job
from store.postgres.log.counters import Counters
from store.postgres.log.epoch import EpochKeeper
from store.postgres.log.partitions import cut_partitions
from store.postgres.log.publishing import Publication
from store.postgres.log.publishing import Publisher as Publisher
from store.postgres.log.reading import Followed as Followed
from store.postgres.log.reading import Head as Head
from store.postgres.log.reading import Needs as Needs
from store.postgres.log.writer import Writer
from store.postgres.log.writer import WriterLimits as WriterLimits
from store.postgres.pool import LogPool

CLOSE_SECONDS = 5.0  # for what waits when the log is closed
PUBLISH_SECONDS = 1.0  # for what has not been told then


class EventLog:
    """One process's access to the log."""

    def __init__(
        self, writer: Writer, pool: LogPool, *, epoch: EpochKeeper, counters: Counters
    ) -> None:
        self._writer = writer
        self._pool = pool
        self._epoch = epoch
        self.counters = counters

    @property
    def epoch(self) -> str:
        """While it is the same, versions mean what they meant; a new one is soon noticed."""
        return self._epoch.epoch

    async def append(self, append: Append) -> Appended:
        """All of the append's events are in the log, on disk; or none of them.

        Raises:
            WrongVersion: A decision was made at another version; read again, decide again.
            InvalidTransition: The stream's state does not allow `to_state`.
            Fenced: A newer attempt holds the task, or it is over.
            Gap: An earlier append of the attempt was refused.
            NotFound: The stream is another team's.
            AlreadyExists: The key was used for another request.
            InvalidRequest: Ids or data that cannot be stored.
            LimitExceeded: It is too large, or too many wait and there was no room in time.
            Unavailable: The database was out of reach for too long. It may have been done: repeat
                it with the same `key`, or `attempt` and `seq`, to know.
        """
        entry = Entry(append)
        if self._writer.is_full:
            await self._writer.room()
        return appended(append, await self._writer.put(entry))

    def give_up(self) -> None:
        """For a process that must end while the database is away: appends fail now, all of them.

        Without it they wait for as long as the writer has patience.
        """
        self._writer.give_up()

    async def read(
        self, stream: StreamId, *, after: int = 0, limit: int = 500, deltas: bool = True
    ) -> list[Event]:
        """The next events after a version, at most `limit`; empty at the head, or for no stream.

        Versions are dense but for deltas of finished messages, which are dropped in time.
        """
        async with self._pool.answering() as connection:
            return await reading.read(connection, stream, after=after, limit=limit, deltas=deltas)

    async def read_bounded(
        self, stream: StreamId, *, after: int, limit: int, max_bytes: int
    ) -> list[Event]:
        """As `read`, but none more once their bodies are so many bytes; at least one.

        Less than so many bytes in all (of `Event.data`) means that none was left out.
        """
        async with self._pool.answering() as connection:
            return await reading.read_bounded(
                connection, stream, after=after, limit=limit, max_bytes=max_bytes
            )

    async def read_state(self, stream: StreamId) -> list[Event]:
        """What `fold` needs for the state at the head: all but the deltas of finished messages."""
        async with self._pool.connection() as connection:
            return await reading.read_state(connection, stream)

    async def ended_messages(self, where: Head, *, after: int) -> dict[str, int]:
        """Messages and thoughts that end after a version, with the last version at which they do.

        `where` is the stream's head.
        """
        async with self._pool.answering() as connection:
            return await reading.ended_messages(connection, where, after=after)

    async def read_part(
        self, where: Head, *, after: int, through: int, needs: Needs
    ) -> list[Event]:
        """What `fold` needs of a range of versions up to the head's; see `reading.read_part`."""
        async with self._pool.answering() as connection:
            return await reading.read_part(
                connection, where, after=after, through=through, needs=needs
            )

    async def head(self, stream: StreamId) -> Head | None:
        """Where the stream stands; None when there is none."""
        async with self._pool.answering() as connection:
            return await reading.head(connection, stream)

    async def heads(self, streams: Sequence[StreamId]) -> dict[StreamId, Head]:
        """Where these streams stand, without those that do not exist; thousands at once."""
        async with self._pool.answering() as connection:
            return await reading.heads(connection, streams)

    async def follow(self, *, after: int, shard: int = 0, limit: int = 5000) -> list[Followed]:
        """Kept events of the whole log after a position, in the order in which they were committed.

        A follower that remembers the position of the last one misses none.
        """
        async with self._pool.connection() as connection:
            return await reading.follow(connection, shard=shard, after=after, limit=limit)

    async def cut_partitions(self) -> int:
        """Leaves for the next positions, when they lack them; call it each minute."""
        async with self._pool.connection() as connection:
            return await cut_partitions(connection)


@asynccontextmanager
async def open_event_log(
    url: str,
    pool: LogPool,
    publisher: Publisher,
    *,
    epoch: EpochKeeper,
    limits: WriterLimits | None = None,
) -> AsyncGenerator[EventLog]:
    """The log, its writer at work until the end of the block, where what waits is finished first.

    Args:
        url: For the writer's own connection.
        pool: For reading; its new connections are shown to `epoch`.
        publisher: Told of each commit.
        epoch: Shared with the pool.
        limits: Of the writer's queue.

    Raises:
        Unavailable: The database is out of reach.
    """
    counters = Counters()
    publication = Publication(publisher, counters)
    connection = AppendConnection(url, counters=counters, opened=epoch.check)
    writer = Writer(
        connection,
        limits=limits or WriterLimits(),
        counters=counters,
        committed=publication.add,
    )
    with translated():
        await connection.open()

    failure: Exception | None = None
    async with create_task_group() as tasks:
        tasks.start_soon(writer.run)
        tasks.start_soon(publication.run, epoch)
        tasks.start_soon(epoch.look, pool)
        try:
            yield EventLog(writer, pool, epoch=epoch, counters=counters)
        except Exception as error:  # noqa: BLE001  carried out of the group as it is, not in a group
            failure = error
        with move_on_after(CLOSE_SECONDS):
            await writer.drain()
        with move_on_after(PUBLISH_SECONDS):
            await publication.flush(epoch)
        tasks.cancel_scope.cancel()
    if failure:
        raise failure
