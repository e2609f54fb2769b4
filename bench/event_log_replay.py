"""Reading a long stream from its beginning: what it costs, client and server together."""

import time
import uuid

from bench.event_log_writer import bench_log, long_stream
from bench.result import Result, at_most, noted
from bench.server import Server

EVENTS = 10_000
PAGE = 1000


async def replay(server: Server, *, times: int) -> list[Result]:
    """CPU of an event of a stream of 10,000, read in pages of 1,000."""
    async with bench_log(server.url) as log:
        stream = await long_stream(log, str(uuid.uuid4()), events=EVENTS)
        await log.read(stream)
        client, served, started = time.process_time(), server.cpu(), time.perf_counter()
        for _ in range(times):
            after, read = 0, 0
            while page := await log.read(stream, after=after, limit=PAGE):
                after, read = page[-1].version, read + len(page)
            assert read == EVENTS
        client, served = time.process_time() - client, server.cpu() - served
        milliseconds = (time.perf_counter() - started) / times * 1e3
    events = EVENTS * times / 1e6
    total = (client + served) / events
    return [
        at_most("replay of a 10,000-event stream, CPU of an event", total, limit=10, unit="µs"),
        noted("… of it the client", client / events, unit="µs"),
        noted("… the whole stream in", milliseconds, unit="ms"),
    ]
