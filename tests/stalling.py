"""A way to Postgres that can be held up: connections stay open and nothing comes through.

As when the server hangs, its disk stalls, or a machine between is gone without a word. Only the
connections that are made by `url` are held.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CHUNK_BYTES = 65536


class Way:
    """Between a client and Postgres."""

    def __init__(self, url: str, *, to: Path) -> None:
        self.url = url
        self._to = to
        self._flows = anyio.Event()
        self._flows.set()
        self._open: set[StreamWriter] = set()

    def cut(self) -> None:
        """Every connection ends."""
        for writer in self._open:
            writer.transport.abort()

    @contextmanager
    def held(self) -> Generator[None]:
        """Nothing comes through, until the end of the block."""
        self._flows = anyio.Event()
        try:
            yield
        finally:
            self._flows.set()

    async def carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection."""
        with suppress(OSError, asyncio.CancelledError):  # the loop's own task: nobody waits for it
            await self._flows.wait()
            there_reader, there_writer = await asyncio.open_unix_connection(self._to)
            self._open |= {writer, there_writer}
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._pump, reader, there_writer, group.cancel_scope)
                    group.start_soon(self._pump, there_reader, writer, group.cancel_scope)
            finally:
                there_writer.close()
                writer.close()
                self._open -= {writer, there_writer}

    async def _pump(
        self, source: StreamReader, sink: StreamWriter, scope: anyio.CancelScope
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flows.wait()
                sink.write(chunk)
                await sink.drain()
        scope.cancel()


@asynccontextmanager
async def way_to(url: str, directory: Path) -> AsyncGenerator[Way]:
    """A way to the Postgres at this URL, by a socket in this directory."""
    known = conninfo_to_dict(url)
    name = f".s.PGSQL.{known.get('port') or 5432}"
    way = Way(make_conninfo(url, host=str(directory)), to=Path(str(known["host"])) / name)
    server = await asyncio.start_unix_server(way.carry, directory / name)
    try:
        yield way
    finally:
        server.close()
        way.cut()
