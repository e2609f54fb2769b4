"""From an append to every socket: how long it takes, and whether anything is lost on the way.

The hub is a program of its own, as it is in service; appenders and watchers share this process,
watchers with sockets of their own. Postgres writes to disk with fsync.
"""

import statistics
import time
import uuid
from dataclasses import dataclass
from itertools import pairwise

import anyio

from bench.processes import serving_hub
from bench.result import Result, at_most, noted
from bench.server import running
from bench.sockets import Watching, publications
from hub.identity.keys import create_key
from protocols.events import AttemptStarted, MessageDelta, StreamId, TaskSubmitted
from protocols.messages import user_message
from protocols.operations.keys import CreateKey
from protocols.principals import Actor, system
from store.addresses import Addresses
from store.connect import open_store
from store.embedded import embedded_valkey, socket_directory
from store.postgres.log.event_log import TASK, Append, EventLog

TEAM = system()
SAMPLES = 300
PACE_SECONDS = 0.02
TASKS = 100
DELTAS = 200
WATCHERS = 5
RUN_SECONDS = 120.0
CROWD = f"{TASKS} tasks x {DELTAS} deltas x {WATCHERS} watchers"


@dataclass(slots=True)
class Seen:
    """What one socket saw of its stream, and when."""

    offsets: list[int]
    times: list[float]

    def add(self, frame: str) -> None:
        """A frame of pushes."""
        now = time.perf_counter()
        for offset, _ in publications(frame):
            self.offsets.append(offset)
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


async def run() -> list[Result]:
    """On servers of its own."""
    async with (
        running() as postgres,
        embedded_valkey(
            postgres.directory / "valkey", sockets=socket_directory(postgres.directory)
        ) as valkey,
    ):
        outcome = await measure(Addresses(database=postgres.url, redis=valkey.url))
    return [
        at_most("append to socket, p50, idle", outcome.idle_p50_ms, limit=15, unit="ms"),
        noted("append to socket, p99, idle", outcome.idle_p99_ms, unit="ms"),
        at_most(f"{CROWD}: events lost", outcome.lost, limit=0, unit="events"),
        at_most(f"{CROWD}: events doubled", outcome.doubled, limit=0, unit="events"),
        at_most(f"{CROWD}: events out of order", outcome.out_of_order, limit=0, unit="events"),
        noted(f"{CROWD}: deliveries", outcome.deliveries_per_second, unit="/s"),
        noted("append to socket, p50, all at once", outcome.loaded_p50_ms, unit="ms"),
        noted("append to socket, p99, all at once", outcome.loaded_p99_ms, unit="ms"),
    ]


async def measure(addresses: Addresses) -> Outcome:
    """Both halves, on a migrated database."""
    async with open_store(addresses, pool_size=4) as store, serving_hub(addresses) as address:
        key = await create_key(store, TEAM, CreateKey(name="bench"))
        watching = Watching(address, key.token)
        idle = await _one_at_a_time(store.log, watching)
        crowd = _Crowd(store.log, watching)
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


async def _one_at_a_time(log: EventLog, watching: Watching) -> list[float]:
    stream = await _begin(log)
    latencies: list[float] = []
    async with watching.stream(stream) as watcher:
        for number in range(1, SAMPLES + 1):
            called = time.perf_counter()
            await _delta(log, stream, number)
            await watcher.recv()
            latencies.append(time.perf_counter() - called)
            await anyio.sleep(PACE_SECONDS)
    return latencies


class _Crowd:
    """All tasks at once: when each event was sent, and what each socket saw."""

    def __init__(self, log: EventLog, watching: Watching) -> None:
        self.sent: dict[StreamId, dict[int, float]] = {}
        self.watched: list[tuple[StreamId, Seen]] = []
        self._log = log
        self._watching = watching
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
        async with self._watching.stream(stream) as watcher:
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


def _percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000
