"""A way to Redis on which one direction can be held while the other one flows.

As on a network that is cut one way: nothing is lost that TCP has taken, it comes late or never.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum
from pathlib import Path

import anyio

CHUNK_BYTES = 65536


class Direction(Enum):
    """Seen from the client."""

    THERE = "there"
    BACK = "back"


class OneWay:
    """Between hubs and their Redis."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._flows = {direction: anyio.Event() for direction in Direction}
        for flows in self._flows.values():
            flows.set()
        self._open: set[StreamWriter] = set()

    @contextmanager
    def held(self, direction: Direction) -> Generator[None]:
        """Nothing comes through in this direction, until the end of the block."""
        self._flows[direction] = anyio.Event()
        try:
            yield
        finally:
            self._flows[direction].set()

    def cut(self) -> None:
        """Every connection ends."""
        for writer in self._open:
            writer.transport.abort()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection."""
        with suppress(OSError, asyncio.CancelledError):  # the loop's own task: nobody waits for it
            try:
                there_reader, there_writer = await asyncio.open_unix_connection(self._to)
            except OSError:
                writer.transport.abort()
                return
            self._open |= {writer, there_writer}
            try:
                async with anyio.create_task_group() as group:
                    scope = group.cancel_scope
                    group.start_soon(self._pump, reader, there_writer, Direction.THERE, scope)
                    group.start_soon(self._pump, there_reader, writer, Direction.BACK, scope)
            finally:
                there_writer.close()
                writer.close()
                self._open -= {writer, there_writer}

    async def _pump(
        self,
        source: StreamReader,
        sink: StreamWriter,
        direction: Direction,
        scope: anyio.CancelScope,
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flows[direction].wait()
                sink.write(chunk)
                await sink.drain()
        scope.cancel()


@asynccontextmanager
async def one_way_to(there: Path, *, by: Path) -> AsyncGenerator[OneWay]:
    """A way to the socket `there`, by another one."""
    way = OneWay(there)
    server = await asyncio.start_unix_server(way.carry, by)
    try:
        yield way
    finally:
        server.close()
        way.cut()
