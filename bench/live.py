"""From an append to every socket: how long it takes, and whether anything is lost on the way.

The hub is a program of its own, as it is in service; appenders and watchers share this process,
watchers with sockets of their own. Postgres writes to disk with fsync.
"""

import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.abc
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from protocols.events import AttemptStarted, MessageDelta, StreamId, TaskSubmitted
from protocols.messages import user_message
from protocols.principals import Actor, system
from protocols.websocket.routes import PATH
from store.connect import Addresses, open_store
from store.embedded import embedded_postgres, embedded_valkey, socket_directory
from store.postgres.event_log import TASK, Append, EventLog
from store.postgres.migrate import migrate

TEAM = system()
SAMPLES = 300
PACE_SECONDS = 0.02
TASKS = 100
DELTAS = 200
WATCHERS = 5
START_SECONDS = 30.0
RUN_SECONDS = 120.0
LIMIT_P50_MS = 15.0


class _Pub(msgspec.Struct):
    offset: int


class _Push(msgspec.Struct):
    channel: str
    pub: _Pub | None = None


class _Message(msgspec.Struct):
    id: int = 0
    push: _Push | None = None


_decode = msgspec.json.Decoder(_Message).decode


@dataclass(slots=True)
class Seen:
    """What one socket saw of its stream, and when."""

    offsets: list[int]
    times: list[float]

    def add(self, frame: str) -> None:
        """A frame of pushes."""
        now = time.perf_counter()
        for line in frame.split("\n"):
            push = _decode(line).push
            if push and push.pub:
                self.offsets.append(push.pub.offset)
                self.times.append(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was measured.

    Attributes:
        idle_p50_ms: From the call of an append to its event in a socket, one event at a time.
        loaded_p50_ms: The same while all tasks append as fast as they are acknowledged.
    """

    idle_p50_ms: float
    idle_p99_ms: float
    loaded_p50_ms: float
    loaded_p99_ms: float
    deliveries_per_second: float
    lost: int
    doubled: int
    out_of_order: int


async def measure(addresses: Addresses) -> Outcome:
    """Both halves, on a migrated database."""
    async with _hub(addresses) as url, open_store(addresses, pool_size=4) as store:
        idle = await _one_at_a_time(store.log, url)
        crowd = _Crowd(store.log, url)
        started = time.perf_counter()
        await crowd.run()
        seconds = time.perf_counter() - started
    loaded = crowd.latencies()
    all_offsets = [seen.offsets for _, seen in crowd.watched]
    wanted = set(range(3, DELTAS + 3))
    return Outcome(
        idle_p50_ms=_percentile(idle, 50),
        idle_p99_ms=_percentile(idle, 99),
        loaded_p50_ms=_percentile(loaded, 50),
        loaded_p99_ms=_percentile(loaded, 99),
        deliveries_per_second=len(loaded) / seconds,
        lost=sum(len(wanted - set(seen)) for seen in all_offsets),
        doubled=sum(len(seen) - len(set(seen)) for seen in all_offsets),
        out_of_order=sum(
            later <= earlier for seen in all_offsets for earlier, later in pairwise(seen)
        ),
    )


async def _one_at_a_time(log: EventLog, url: str) -> list[float]:
    stream = await _begin(log)
    latencies: list[float] = []
    async with _watching(url, stream) as watcher:
        for number in range(1, SAMPLES + 1):
            called = time.perf_counter()
            await _delta(log, stream, number)
            await watcher.recv()
            latencies.append(time.perf_counter() - called)
            await anyio.sleep(PACE_SECONDS)
    return latencies


class _Crowd:
    """All tasks at once: when each event was sent, and what each socket saw."""

    def __init__(self, log: EventLog, url: str) -> None:
        self.sent: dict[StreamId, dict[int, float]] = {}
        self.watched: list[tuple[StreamId, Seen]] = []
        self._log = log
        self._url = url
        self._ready = 0
        self._all_ready = anyio.Event()

    async def run(self) -> None:
        self.sent = {await _begin(self._log): {} for _ in range(TASKS)}
        with anyio.fail_after(RUN_SECONDS):
            async with anyio.create_task_group() as group:
                for stream in self.sent:
                    group.start_soon(self._append, stream)
                    for _ in range(WATCHERS):
                        group.start_soon(self._watch, stream)

    def latencies(self) -> list[float]:
        return [
            time_seen - self.sent[stream][offset]
            for stream, seen in self.watched
            for offset, time_seen in zip(seen.offsets, seen.times, strict=True)
            if offset in self.sent[stream]
        ]

    async def _append(self, stream: StreamId) -> None:
        await self._all_ready.wait()
        for number in range(1, DELTAS + 1):
            self.sent[stream][number + 2] = time.perf_counter()
            await _delta(self._log, stream, number)

    async def _watch(self, stream: StreamId) -> None:
        seen = Seen([], [])
        self.watched.append((stream, seen))
        async with _watching(self._url, stream) as watcher:
            self._ready += 1
            if self._ready == TASKS * WATCHERS:
                self._all_ready.set()
            while not seen.offsets or seen.offsets[-1] < DELTAS + 2:
                seen.add(str(await watcher.recv()))


async def _begin(log: EventLog) -> StreamId:
    stream = StreamId(str(uuid.uuid4()))
    words = user_message("measure")
    submitted = TaskSubmitted(
        agent=str(uuid.uuid4()),
        agent_name="bench",
        agent_version=1,
        model="scripted",
        title="measure",
        input=(words,),
    )
    await log.append(
        Append(
            stream=stream,
            team=TEAM.team,
            kind=TASK,
            actor=TEAM.actor,
            data=(submitted,),
            expected=0,
            to_state=1,
        )
    )
    await log.append(
        Append(
            stream=stream,
            team=TEAM.team,
            kind=TASK,
            actor=Actor("agent:bench"),
            data=(AttemptStarted(worker="bench"),),
            attempt=1,
            key=uuid.uuid4(),
            to_state=2,
        )
    )
    return stream


async def _delta(log: EventLog, stream: StreamId, number: int) -> None:
    await log.append(
        Append(
            stream=stream,
            team=TEAM.team,
            kind=TASK,
            actor=Actor("agent:bench"),
            data=(MessageDelta(message="1.1", text=f"word {number} "),),
            attempt=1,
            seq=number,
        )
    )


@asynccontextmanager
async def _watching(url: str, stream: StreamId) -> AsyncGenerator[ClientConnection]:
    """A socket that is subscribed at version 2."""
    subscribe = f'{{"id":2,"subscribe":{{"channel":"task:{stream}","recover":true,"offset":2}}}}'
    async with connect(url, compression=None, open_timeout=START_SECONDS) as watcher:
        await watcher.send(f'{{"id":1,"connect":{{"token":"team-1"}}}}\n{subscribe}')
        answers = ""
        while '"id":2' not in answers:
            answers += str(await watcher.recv())
        yield watcher


@asynccontextmanager
async def _hub(addresses: Addresses) -> AsyncGenerator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    command = [sys.executable, "-m", "tests.conformance.serve"]
    arguments = [addresses.database, addresses.redis, addresses.redis_prefix, str(port)]
    async with await anyio.open_process([*command, *arguments], stdout=None, stderr=None) as hub:
        try:
            with anyio.fail_after(START_SECONDS):
                while not await _answers(port):  # noqa: ASYNC110  another process
                    await anyio.sleep(0.05)
            yield f"ws://127.0.0.1:{port}{PATH}"
        finally:
            hub.kill()


async def _answers(port: int) -> bool:
    try:
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    except OSError:
        return False
    return True


def _percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


async def main() -> None:
    """Measure on servers of our own, and print."""
    with tempfile.TemporaryDirectory(prefix="pygent-bench-") as name:
        sockets = socket_directory(Path(name))
        async with (
            embedded_postgres(Path(name) / "postgres", sockets=sockets) as postgres,
            embedded_valkey(Path(name) / "valkey", sockets=sockets) as valkey,
        ):
            await migrate(postgres.url)
            print(await measure(Addresses(database=postgres.url, redis=valkey.url)))


if __name__ == "__main__":
    anyio.run(main, backend_options={"use_uvloop": True})
