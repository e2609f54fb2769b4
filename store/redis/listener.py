"""One pub/sub connection that never gives up: what is published reaches one reader, in order.

The reader iterates it and gets `(channel, frame)` pairs, and `Reconnected` each time everything it
asked for flows again: what was published in between is lost, and must be looked up where it is
true. Nothing is understood here but the names.
"""

import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool
from redis.exceptions import RedisError

from store.redis.keys import Keys

logger = logging.getLogger(__name__)

WAITING_FRAMES = 4096
CONFIRM_SECONDS = 1.0
QUIET_SECONDS = 5.0  # then the connection is asked whether it still lives
FIRST_BACK_OFF_SECONDS = 0.05
MAX_BACK_OFF_SECONDS = 1.0
NAMES_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Reconnected:
    """Everything subscribed flows, from now on; earlier publications may be missing."""


Heard = tuple[str, bytes] | Reconnected


class Listener:
    """Subscriptions that outlive the connection.

    A reader that does not keep up makes the connection wait (the queue holds WAITING_FRAMES);
    Redis cuts it at last, which is a `Reconnected` like any other.
    """

    def __init__(self, pool: BlockingConnectionPool, keys: Keys) -> None:
        self._pool = pool
        self._keys = keys
        self._send, self._receive = _queue()
        self._connection: AbstractConnection | None = None
        self._wanted: set[str] = set()
        self._confirmed: set[str] = set()
        self._waiting: dict[str, anyio.Event] = {}
        self._is_restoring = True
        self.reconnects = 0

    @property
    def is_connected(self) -> bool:
        """Whether all that was asked for flows, as far as we know."""
        return self._connection is not None and not self._is_restoring

    def __aiter__(self) -> AsyncIterator[Heard]:
        """Frames and markers, in order, without end."""
        return self._receive

    async def subscribe(self, channel: str) -> bool:
        """Ask for a channel's frames (or LOG's) from now on, whatever happens to Redis.

        Returns:
            Whether they flow already. If not, a `Reconnected` says when.
        """
        name = self._keys.pubsub(channel)
        self._wanted.add(name)
        if name in self._confirmed:
            return True
        if self._connection is None:
            return False
        if self._is_restoring:
            await self._tell("SUBSCRIBE", name)
            return False
        return await self._confirmed_in_time(name)

    async def _confirmed_in_time(self, name: str) -> bool:
        """Once Redis is silent nobody waits for it again, until it has confirmed everything."""
        event = self._waiting.setdefault(name, anyio.Event())
        await self._tell("SUBSCRIBE", name)
        with anyio.move_on_after(CONFIRM_SECONDS):
            await event.wait()
        if name in self._confirmed:
            return True
        self._is_restoring = name in self._wanted
        return False

    async def unsubscribe(self, channel: str) -> None:
        """No more frames of this channel, but for those on their way."""
        name = self._keys.pubsub(channel)
        self._wanted.discard(name)
        self._confirmed.discard(name)
        self._waiting.pop(name, None)
        if self._connection is not None:
            await self._tell("UNSUBSCRIBE", name)
            await self._note_if_restored()

    def close(self) -> None:
        """End the iteration."""
        self._send.close()
        self._receive.close()

    async def run(self) -> None:
        """Connect, read, connect again, until cancelled."""
        back_off = FIRST_BACK_OFF_SECONDS
        was_lost = False
        while True:
            connection: AbstractConnection = self._pool.make_connection()
            try:
                await connection.connect()
                await self._restore(connection)
                if was_lost:
                    logger.info("Redis pub/sub is back")
                was_lost, back_off = False, FIRST_BACK_OFF_SECONDS
                await self._read(connection)
            except (RedisError, OSError) as error:
                if not was_lost:
                    logger.warning("Redis pub/sub is away", extra={"reason": type(error).__name__})
                was_lost = True
            finally:
                self._lose()
                with anyio.CancelScope(shield=True):
                    await connection.disconnect(nowait=True)
            await anyio.sleep(back_off * random.uniform(0.5, 1.0))  # noqa: S311  jitter, no secret
            back_off = min(back_off * 2, MAX_BACK_OFF_SECONDS)

    async def _restore(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._is_restoring = True
        names = sorted(self._wanted)
        for start in range(0, len(names), NAMES_AT_ONCE):
            await connection.send_command("SUBSCRIBE", *names[start : start + NAMES_AT_ONCE])
        await self._note_if_restored()

    def _lose(self) -> None:
        self._connection = None
        self._is_restoring = True
        self._confirmed.clear()
        for event in self._waiting.values():
            event.set()
        self._waiting.clear()

    async def _read(self, connection: AbstractConnection) -> None:
        is_asked = False
        while True:
            answer = cast(  # the package leaves it untyped
                "object", await connection.read_response(timeout=QUIET_SECONDS)
            )
            if answer is not None:
                is_asked = False
                await self._take(answer)
            elif is_asked:
                raise TimeoutError(f"no answer within {QUIET_SECONDS:g} s")
            else:
                is_asked = True
                await connection.send_command("PING")

    async def _take(self, answer: object) -> None:
        match answer:
            case [b"message", bytes(name), bytes(frame)]:
                await self._pass_on((self._keys.channel(name.decode()), frame))
            case [b"subscribe", bytes(name), int()]:
                await self._confirm(name.decode())
            case _:
                pass  # a pong, or the answer to UNSUBSCRIBE

    async def _confirm(self, name: str) -> None:
        if name in self._wanted:
            self._confirmed.add(name)
        if event := self._waiting.pop(name, None):
            event.set()
        await self._note_if_restored()

    async def _note_if_restored(self) -> None:
        is_connected = self._connection is not None
        if is_connected and self._is_restoring and self._wanted <= self._confirmed:
            self._is_restoring = False
            self.reconnects += 1
            await self._pass_on(Reconnected())

    async def _pass_on(self, heard: Heard) -> None:
        try:
            self._send.send_nowait(heard)
        except anyio.WouldBlock:
            await self._send.send(heard)

    async def _tell(self, command: str, name: str) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send_command(command, name)
        except (RedisError, OSError):
            logger.debug("a pub/sub command was not sent", extra={"command": command})
        except AttributeError:  # the package's own, when its writer is let go while it writes
            if self._connection is connection:
                raise


def _queue() -> tuple[MemoryObjectSendStream[Heard], MemoryObjectReceiveStream[Heard]]:
    return anyio.create_memory_object_stream[Heard](WAITING_FRAMES)


@asynccontextmanager
async def open_listener(pool: BlockingConnectionPool, keys: Keys) -> AsyncGenerator[Listener]:
    """A listener at work; Redis may be away."""
    listener = Listener(pool, keys)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(listener.run)
            try:
                yield listener
            finally:
                group.cancel_scope.cancel()
    finally:
        listener.close()
