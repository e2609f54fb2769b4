"""The writer's one connection to Postgres: batches go out on it, answers come back.

Made anew with the next batch after it broke. It decides nothing about appends: what fails is raised
as the driver's error, and the writer knows what to do.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

import psycopg
from anyio import CancelScope, fail_after
from psycopg import AsyncConnection

from store.postgres.log import batch
from store.postgres.log.append_call import AppendCall
from store.postgres.log.appends import Answer, Entry
from store.postgres.log.counters import Counters
from store.postgres.log.partitions import cut_partitions
from store.postgres.pool import LOG_ROLE, Connection, conninfo

logger = logging.getLogger(__name__)

SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "4s",
    "idle_in_transaction_session_timeout": "5s",
}
# Ends a call that arrived without its end (a process stopped in the middle of sending), which holds
# the lock and which no other limit ends. Servers before 17 do not know it.
TRANSACTION_TIMEOUT = b"SET transaction_timeout = '5s'"
TRANSACTION_TIMEOUT_SINCE = 170_000
ANSWER_SECONDS = 8.0  # for one batch; then the server itself is out of reach

# A writer that holds the lock longer than any limit allows is stopped, or does not read its answer:
# in the second case, and before Postgres 17 in both, only this ends it.
END_STUCK = b"""
SELECT count(pg_terminate_backend(a.pid))
FROM pg_locks l
JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = 'stream_head'::regclass
  AND a.application_name = 'pygent-writer' AND a.pid <> pg_backend_pid()
  AND a.xact_start < now() - interval '3 seconds'
"""


class AppendConnection:
    """Opens itself when it is first needed, and again when it was cut."""

    def __init__(
        self, url: str, *, counters: Counters, opened: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self._info = conninfo(url, application="pygent-writer", role=LOG_ROLE, settings=SETTINGS)
        self._counters = counters
        self._opened = opened
        self._connection: Connection | None = None
        self._call: AppendCall | None = None

    async def open(self) -> AppendCall:
        """Connects; a wrong address is known before the first batch."""
        connection = await AsyncConnection.connect(self._info, autocommit=True)
        try:
            if connection.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
                await connection.execute(TRANSACTION_TIMEOUT)
            await self._opened(connection)
            call = AppendCall(connection)
            await call.prepare()
        except BaseException:
            await connection.close()
            raise
        self._connection, self._call = connection, call
        return call

    async def send(self, entries: Sequence[Entry]) -> list[Answer]:
        """One batch, committed; an answer for each of its appends.

        Raises:
            psycopg.Error: None of it was done, or, where the connection broke, perhaps all.
            TimeoutError: There was no answer; perhaps all of it was done.
        """
        arguments = batch.arguments(entries, shard=0)
        try:
            call = self._call or await self._opened_in_time()
            started = perf_counter()
            row = await call(arguments, seconds=ANSWER_SECONDS)
        except TimeoutError:
            await self.close()
            raise
        seconds = perf_counter() - started
        self._counters.last_commit_seconds = seconds
        self._counters.commit_seconds.add(seconds)
        self._counters.batch_sizes.add(len(entries))
        return batch.answers(row)

    async def _opened_in_time(self) -> AppendCall:
        with fail_after(ANSWER_SECONDS):
            return await self.open()

    async def cut_partitions(self) -> None:
        """When nobody has cut leaves for a while, and positions have none to go to."""
        if connection := self._connection:
            async with self._or_closed():
                cut = await cut_partitions(connection)
                logger.warning("the log had no leaf for its positions", extra={"cut": cut})

    async def end_stuck(self) -> None:
        """Ends writers that hold the log's lock for seconds; for when the lock was not given."""
        if connection := self._connection:
            async with self._or_closed():
                await connection.execute("SET ROLE NONE")  # roles may not end their login's
                row = await (await connection.execute(END_STUCK)).fetchone()
                await connection.execute("RESET ROLE")
                if row and row[0]:
                    logger.warning("writers were stuck and were ended", extra={"ended": row[0]})

    @asynccontextmanager
    async def _or_closed(self) -> AsyncGenerator[None]:
        """For cursors. Closes the connection when one fails: in which role it is, nobody knows."""
        if self._call:
            self._call.leave()
        try:
            with fail_after(ANSWER_SECONDS):
                yield
        except (psycopg.Error, TimeoutError):
            await self.close()
        if self._call:
            self._call.listen()

    async def drop_broken(self) -> None:
        """Forgets a connection that is none any more."""
        if self._connection and self._connection.closed:
            await self.close()

    async def close(self) -> None:
        """Closes it; the next batch opens it again."""
        connection, self._connection = self._connection, None
        call, self._call = self._call, None
        if connection and call:
            call.leave()
            self._counters.reconnects += 1
            with CancelScope(shield=True):
                await connection.close()
