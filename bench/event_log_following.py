"""A follower of the whole log beside four writers, one killed again and again, one stopped.

It must see each event once, in the order of positions, and each stream's versions without a hole.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import anyio
from psycopg import Connection

from bench.event_log_measuring import ANSWER_SECONDS, processes_of_ours
from bench.event_log_writer import Plan, bench_log, work_alone
from bench.result import Result, at_most, noted
from bench.server import Server
from protocols.events import StreamId

WRITERS = 4
APPENDERS = 200
FOREVER = 3600.0
POLL_SECONDS = 0.002
PAUSE_SECONDS = 0.25
WORK_SECONDS = 1.0
KILL_EVERY = 3  # pauses


@dataclass(slots=True)
class Seen:
    """What the follower saw; `holes` are versions out of turn, `disorder` positions that are."""

    events: int = 0
    holes: int = 0
    disorder: int = 0
    cpu: float = 0.0


def followed_beside_writers(server: Server, events: int) -> list[Result]:
    """What a follower misses of so many events."""
    context = processes_of_ours()
    stop, answers = context.Event(), context.Queue()
    begin, before = _log(server)
    follower = context.Process(target=_follow, args=(server.url, begin, stop, answers), daemon=True)
    follower.start()
    started = time.perf_counter()
    stops, kills = _write(context, server, until=begin + events)
    stop.set()
    seen: Seen = answers.get(timeout=ANSWER_SECONDS)
    seconds = time.perf_counter() - started
    follower.join()
    _, after = _log(server)
    written = after - before
    beside = f"beside {WRITERS} writers, {kills} kills and {stops} stops"
    return [
        noted(f"followed {beside}", written, unit="events"),
        noted("… in", written / seconds, unit="/s"),
        at_most("… missed or doubled", abs(written - seen.events), limit=0, unit="events"),
        at_most("… out of order", seen.holes + seen.disorder, limit=0, unit="events"),
        noted("… CPU of the follower", seen.cpu / max(1, seen.events) * 1e6, unit="µs"),
    ]


def _log(server: Server) -> tuple[int, int]:
    """The last position, and the number of kept events."""
    with Connection[tuple[int, int]].connect(server.url) as connection:
        row = connection.execute(
            "SELECT coalesce(max(position), 0), count(*) FROM pygent.event_kept"
        ).fetchone()
    return row or (0, 0)


def _write(context: ForkServerContext, server: Server, *, until: int) -> tuple[int, int]:
    """Writers, disturbed, until that position; how often one was stopped, and killed."""
    chance, stops, kills = random.Random(1), 0, 0  # noqa: S311  not for secrets
    writers = [_writer(context, server) for _ in range(WRITERS)]
    with Connection[tuple[int]].connect(server.url, autocommit=True) as connection:
        while _position(connection) < until:
            time.sleep(chance.random() * WORK_SECONDS)
            _signal(writers[0], signal.SIGSTOP)
            time.sleep(PAUSE_SECONDS)
            _signal(writers[0], signal.SIGCONT)
            stops += 1
            if stops % KILL_EVERY == 0:
                _kill(writers[1])
                writers[1] = _writer(context, server)
                kills += 1
        for writer in writers:
            _kill(writer)
        while _sessions(connection) > 1:  # the follower's; a killed one's last batch is still done
            time.sleep(POLL_SECONDS)
    return stops, kills


def _sessions(connection: "Connection[tuple[int]]") -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pygent-writer'"
    ).fetchone()
    return row[0] if row else 0


def _position(connection: "Connection[tuple[int]]") -> int:
    row = connection.execute("SELECT last_value FROM pygent.event_position").fetchone()
    return row[0] if row else 0


def _writer(context: ForkServerContext, server: Server) -> ForkServerProcess:
    plan = Plan(url=server.url, appenders=APPENDERS, seconds=FOREVER)
    writer = context.Process(target=work_alone, args=(plan,), daemon=True)
    writer.start()
    return writer


def _signal(writer: ForkServerProcess, number: signal.Signals) -> None:
    assert writer.pid  # zero would be everybody
    os.kill(writer.pid, number)


def _kill(writer: ForkServerProcess) -> None:
    writer.kill()
    writer.join()


def _follow(url: str, after: int, stop: Event, answers: "Queue[Seen]") -> None:
    answers.put(anyio.run(_followed, url, after, stop, backend_options={"use_uvloop": True}))


async def _followed(url: str, after: int, stop: Event) -> Seen:
    seen, versions = Seen(), dict[StreamId, int]()
    async with bench_log(url) as log:
        cpu = time.process_time()
        while True:
            was_stopped = stop.is_set()
            page = await log.follow(after=after)
            for event in page:
                seen.disorder += event.position <= after
                after = event.position
                seen.holes += event.version != versions.get(event.stream, 0) + 1
                versions[event.stream] = event.version
            seen.events += len(page)
            if not page:
                if was_stopped:
                    break
                await anyio.sleep(POLL_SECONDS)
        seen.cpu = time.process_time() - cpu
    return seen
