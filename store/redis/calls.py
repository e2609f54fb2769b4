"""Commands to Redis that are asked for at the same time share one round trip.

What application channels, presence and hubs among themselves do is small and comes in crowds: each
command alone costs Python several times what it costs Redis. So one task owns one connection,
sends what has gathered, in order, and hands the answers out. Who asks for many things at once
(a broadcast, a renewal) asks once. No command is ever repeated: what happened to one whose answer
did not come is not known.
"""

import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic
from typing import cast

import anyio
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from protocols.errors import Unavailable
from store.redis.commands import Command, ScriptCall, packed_command, parts, read_script

logger = logging.getLogger(__name__)

WAIT_SECONDS = 3.0  # from asking to the answer; for each part of many commands
ROUND_TRIP_SECONDS = 2.0
ROUND_TRIP_COMMANDS = 256
ROUND_TRIP_BYTES = 1024 * 1024  # and one command more
MAX_WAITING = 16_384  # commands
MAX_WAITING_BYTES = 32 * 1024 * 1024
WARNING_SECONDS = 10.0  # between two of the same kind
IDLE_SECONDS = 0.05  # after which the connection is looked at before it is used
AWAY = "Redis is out of reach"
REFUSED = "Redis refused what it was asked"

# In a command: the run id of the server it is sent to, which is not known when it is asked for. A
# server that was restarted has another one, and so has one that took over: either may have lost the
# last moment. As long as a run id, and nobody else's words.
SERVER = token_hex(20)
NO_SERVER = b"0" * len(SERVER)  # where servers do not tell
_SERVER = SERVER.encode()
_RUN_ID = re.compile(rb"^run_id:([0-9a-f]{40})\r?$", re.MULTILINE)


@dataclass(slots=True, eq=False)
class _Request:
    """Packed commands somebody waits for, and what came of each."""

    packed: Sequence[bytes]
    answers: list[object]
    digests: list[str]
    open: int
    done: anyio.Event = field(default_factory=anyio.Event)
    is_given_up: bool = False

    def answer(self, index: int, answer: object) -> None:
        self.answers[index] = answer
        self.open -= 1
        if not self.open:
            self.done.set()


class Calls:
    """One connection's commands.

    At most MAX_WAITING commands and MAX_WAITING_BYTES wait; what comes on top is refused at once.
    """

    def __init__(self, pool: BlockingConnectionPool) -> None:
        self._pool = pool
        self._waiting: deque[tuple[_Request, int]] = deque()
        self._waiting_bytes = 0
        self._work = anyio.Event()
        self._sources: dict[str, str] = {}
        self._connection: AbstractConnection | None = None
        self._server = NO_SERVER
        self._used_at = 0.0
        self._is_away = False
        self._warns_at = 0.0

    def script(self, name: str, *, after: str = "") -> ScriptCall:
        """What makes a call of this Lua script, which may use the functions of another file."""
        script = read_script(name, after=after)
        self._sources[script.digest] = script.source
        return script.call

    async def one(self, command: Command) -> object:
        """The answer to this command.

        Raises:
            InvalidRequest: A word of it is no text.
            Unavailable: There is no answer; it may have been done.
        """
        answer = (await self.many((command,)))[0]
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    async def many(self, commands: Sequence[Command]) -> list[object]:
        """The answer to each, an `Unavailable` where there is none; sent in order, not as one step.

        The first PART_COMMANDS are queued before anything is waited for: what is asked for later,
        by anybody, is sent later. Who stops waiting takes back what has not been sent. When a part
        got no answer at all, the rest is not tried.

        Raises:
            InvalidRequest: A word of a command is no text; nothing was done.
            Unavailable: Too much is waiting already; of the first part nothing was done.
        """
        packed = [packed_command(command) for command in commands]
        digests = [str(one[1]) if one[0] == "EVALSHA" else "" for one in commands]
        answers: list[object] = []
        for start, end in parts(packed):
            request = self._queue(packed[start:end], digests[start:end])
            if request is None:
                raise Unavailable("too much is waiting for Redis")
            try:
                with anyio.move_on_after(WAIT_SECONDS):
                    await request.done.wait()
            finally:
                request.is_given_up = True
            answers += request.answers
            if all(_is_away(answer) for answer in request.answers):
                break
        return answers + [Unavailable(AWAY) for _ in range(len(commands) - len(answers))]

    def post(self, command: Command) -> bool:
        """Queue a command, no script, whose answer nobody waits for; False: too much is waiting.

        Raises:
            InvalidRequest: A word of it is no text.
        """
        return self._queue([packed_command(command)], [""]) is not None

    def _queue(self, packed: Sequence[bytes], digests: list[str]) -> _Request | None:
        size = sum(map(len, packed))
        is_full = len(self._waiting) + len(packed) > MAX_WAITING
        if is_full or self._waiting_bytes + size > MAX_WAITING_BYTES:
            return None
        answers: list[object] = [Unavailable(AWAY) for _ in packed]
        request = _Request(packed, answers, digests, len(packed))
        self._waiting.extend((request, index) for index in range(len(packed)))
        self._waiting_bytes += size
        self._work.set()
        return request

    async def run(self) -> None:
        """Send what gathers, until cancelled."""
        try:
            while True:
                if not self._waiting:
                    self._work = anyio.Event()
                    await self._work.wait()
                if batch := self._take():
                    await self._send(batch)
        finally:
            for request, _ in self._waiting:
                request.done.set()
            self._waiting.clear()
            with anyio.CancelScope(shield=True):
                await self._disconnect()

    def _take(self) -> list[tuple[_Request, int]]:
        batch: list[tuple[_Request, int]] = []
        size = 0
        while self._waiting and len(batch) < ROUND_TRIP_COMMANDS and size < ROUND_TRIP_BYTES:
            request, index = self._waiting.popleft()
            self._waiting_bytes -= len(request.packed[index])
            if not request.is_given_up:
                batch.append((request, index))
                size += len(request.packed[index])
        return batch

    async def _send(self, batch: list[tuple[_Request, int]]) -> None:
        answers: Sequence[object] = [Unavailable(AWAY) for _ in batch]
        try:
            with anyio.fail_after(ROUND_TRIP_SECONDS):
                answers = await self._round_trip(batch)
            self._note_away(None)
        except (RedisError, OSError) as error:
            self._note_away(error)
            await self._disconnect()
            answers = [_unavailable(AWAY, error) for _ in batch]
        except Exception:  # whatever it was, the next ones must be sent
            logger.exception("commands to Redis failed")
            await self._disconnect()
        finally:
            for (request, index), answer in zip(batch, answers, strict=True):
                request.answer(index, answer)

    async def _round_trip(self, batch: list[tuple[_Request, int]]) -> list[object]:
        connection = await self._connected()
        packed = [request.packed[index] for request, index in batch]
        answers = await _exchange(connection, packed, server=self._server)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            loads = self._loads({request.digests[index] for request, index in batch} - {""})
            packed = loads + [packed[n] for n in unknown]
            again = await _exchange(connection, packed, server=self._server)
            for n, answer in zip(unknown, again[len(loads) :], strict=True):
                answers[n] = answer
        self._used_at = monotonic()
        if any(isinstance(answer, ReadOnlyError) for answer in answers):
            await self._disconnect()  # another server has taken over: look who answers there now
        return [self._checked(answer) for answer in answers]

    def _checked(self, answer: object) -> object:
        if not isinstance(answer, ResponseError):
            return answer
        if monotonic() >= self._warns_at:
            self._warns_at = monotonic() + WARNING_SECONDS
            logger.warning("Redis refuses commands", extra={"reason": type(answer).__name__})
        return _unavailable(REFUSED, answer)

    async def _connected(self) -> AbstractConnection:
        """A connection that was good a moment ago: one that Redis closed meanwhile is replaced."""
        connection = self._connection
        if connection is not None and monotonic() - self._used_at > IDLE_SECONDS:
            try:
                if await connection.can_read_destructive():
                    await self._disconnect()
            except (RedisError, OSError):
                await self._disconnect()
        if self._connection is None:
            self._connection = self._pool.make_connection()
            await self._connection.connect()
            # Round trips have a limit; one for each answer would cost more than the answer.
            self._connection.socket_timeout = None
            await self._greet(self._connection)
        return self._connection

    async def _greet(self, connection: AbstractConnection) -> None:
        asked = packed_command(("INFO", "server"))
        answers = await _exchange(connection, [asked, *self._loads(self._sources)])
        found = _RUN_ID.search(answers[0]) if isinstance(answers[0], bytes) else None
        self._server = found[1] if found else NO_SERVER

    def _loads(self, digests: Iterable[str]) -> list[bytes]:
        """Known beforehand, they run in the order they are asked for, not after what is known."""
        return [packed_command(("SCRIPT", "LOAD", self._sources[digest])) for digest in digests]

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    def _note_away(self, error: Exception | None) -> None:
        if error is not None and not self._is_away:
            logger.warning("Redis does not answer", extra={"reason": type(error).__name__})
        elif error is None and self._is_away:
            logger.info("Redis answers again")
        self._is_away = error is not None


async def _exchange(
    connection: AbstractConnection, packed: Sequence[bytes], *, server: bytes = NO_SERVER
) -> list[object]:
    await connection.send_packed_command(b"".join(packed).replace(_SERVER, server))
    answers: list[object] = []
    for _ in packed:
        try:
            answers.append(cast("object", await connection.read_response()))  # untyped
        except ResponseError as error:
            answers.append(error)
    return answers


def _is_away(answer: object) -> bool:
    return isinstance(answer, Unavailable) and answer.message == AWAY


def _unavailable(message: str, cause: Exception) -> Unavailable:
    unavailable = Unavailable(message)
    unavailable.__cause__ = cause
    return unavailable


@asynccontextmanager
async def open_calls(
    pool: BlockingConnectionPool, *, connections: int
) -> AsyncGenerator[list[Calls]]:
    """So many connections of this pool's kind, each at work for itself; Redis may be away."""
    all_of_them = [Calls(pool) for _ in range(connections)]
    async with anyio.create_task_group() as group:
        for calls in all_of_them:
            group.start_soon(calls.run)
        try:
            yield all_of_them
        finally:
            group.cancel_scope.cancel()
