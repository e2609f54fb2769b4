"""The append's statement on one connection, prepared once and called without the driver's cursor.

A cursor converts, locks and waits for any statement, which takes three times the CPU of this call,
once for every batch. Here the packed values go to libpq as they are, and the loop tells when the
answer has come. What becomes of an error is the caller's affair.
"""

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from store.postgres.log import batch
from store.postgres.pool import Connection

_NAME = b"append_batch"
_BINARY = [Format.BINARY] * batch.ARGUMENTS


class AppendCall:
    """One call at a time. Between two, cursors may use the connection: leave it first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Transformer(connection)
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[PGresult] | None = None  # of the call that waits
        self._result: PGresult | None = None
        self._is_listening = False

    async def prepare(self) -> None:
        """Once, on a new connection."""
        await self._connection.execute(b"PREPARE " + _NAME + b" AS " + batch.APPEND)
        self.listen()

    def listen(self) -> None:
        """From now on what comes on the socket is this call's answer, and no cursor's."""
        self._is_listening = True
        self._loop.add_reader(self._socket, self._read)

    def leave(self) -> None:
        """Before a cursor is used, which listens by itself, and before the connection is closed.

        Never twice: libpq may have closed the socket, and its number may be another's by then.
        """
        if self._is_listening:
            self._is_listening = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    async def __call__(self, values: Sequence[bytes], *, seconds: float) -> batch.Row:
        """Sends one batch, and waits for its row.

        Raises:
            psycopg.Error: As the server or libpq says.
            TimeoutError: The row did not come in time; close the connection.
        """
        answer = self._answer = self._loop.create_future()
        # Not `fail_after`, which takes as much as sending.
        timer = self._loop.call_later(seconds, self._fail, TimeoutError())
        try:
            self._pgconn.send_query_prepared(
                _NAME, values, param_formats=_BINARY, result_format=Format.BINARY
            )
            self._write()
            result = await answer
        finally:
            timer.cancel()
            self._answer = None  # a cut between two calls is told by the next one
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        self._rows.set_pgresult(result)
        return self._rows.load_row(0, tuple)

    def _write(self) -> None:
        """Sends what the socket takes; the rest when it takes more."""
        try:
            is_sent = not self._pgconn.flush()
        except psycopg.Error as error:
            self._fail(error)
            return
        if self._pgconn.status == ConnStatus.BAD:
            # Found while writing: libpq has closed the socket and says so to readers only.
            self._fail(psycopg.OperationalError("the connection was cut"))
        elif not is_sent:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        """Something has come, or the connection was cut."""
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy() and (result := self._pgconn.get_result()):
                self._result = result
            is_whole = not self._pgconn.is_busy()
        except psycopg.Error as error:
            self._fail(error)
            return
        if not (is_whole and self._result):
            self.leave()  # uvloop listens once to a socket that was reset; there is more to read
            self.listen()
            self._write()
            return
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._result)
        self._result = None

    def _fail(self, error: Exception) -> None:
        self.leave()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
