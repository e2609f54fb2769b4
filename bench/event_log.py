"""The event log on disk with fsync: its speed beside pgbench, its cost, what a follower misses.

Everything runs on one server, interleaved in rounds of which the medians count, because machines
are never quiet. What the CPU of a process of ours holds stands in `event_log_writer`.
"""

import statistics
from dataclasses import dataclass

from anyio.to_thread import run_sync

from bench.event_log_following import followed_beside_writers
from bench.event_log_measuring import Measured, measure, measure_pgbench
from bench.event_log_replay import replay
from bench.event_log_writer import Plan
from bench.result import Result, at_least, at_most, noted
from bench.server import Server, running

APPENDERS = 64
PROCESSES = 16
MANY_APPENDERS = 1024

Round = dict[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How long it takes."""

    rounds: int
    seconds: float
    followed: int
    replays: int


FULL = Scale(rounds=3, seconds=4.0, followed=1_000_000, replays=30)
QUICK = Scale(rounds=1, seconds=2.0, followed=150_000, replays=5)


async def run(*, quick: bool = False) -> list[Result]:
    """All numbers the log promises."""
    scale = QUICK if quick else FULL
    async with running() as server:
        rounds = [await run_sync(_round, server, scale.seconds) for _ in range(scale.rounds)]
        return [
            *_against_pgbench(rounds, server.filesystem),
            *_costs(rounds),
            *await run_sync(followed_beside_writers, server, scale.followed),
            *await replay(server, times=scale.replays),
        ]


def _round(server: Server, seconds: float) -> Round:
    plans = {
        "writer": Plan(url=server.url, appenders=APPENDERS, seconds=seconds),
        "jobs": Plan(url=server.url, appenders=APPENDERS, seconds=seconds, jobs=True),
        "single": Plan(url=server.url, appenders=APPENDERS, seconds=seconds, single=True),
        "many": Plan(url=server.url, appenders=MANY_APPENDERS // PROCESSES, seconds=seconds),
    }
    measured = {"pgbench": measure_pgbench(server, seconds)}
    for name, plan in plans.items():
        is_many = name == "many"
        measured[name] = measure(
            server, plan, processes=PROCESSES if is_many else 1, stop_one=is_many
        )
    return measured


def _against_pgbench(rounds: list[Round], filesystem: str) -> list[Result]:
    def ratio(name: str, other: str) -> float:
        return statistics.median(one[name].per_second / one[other].per_second for one in rounds)

    def median(name: str) -> float:
        return statistics.median(one[name].per_second for one in rounds)

    return [
        noted(
            f"pgbench -c 64, prepared inserts, fsync on {filesystem}", median("pgbench"), unit="/s"
        ),
        noted("one writer, 64 appenders, one event each", median("writer"), unit="/s"),
        at_least("… against pgbench", ratio("writer", "pgbench"), limit=1.3, unit="times"),
        noted("… with a tenth of new tasks and jobs", median("jobs"), unit="/s"),
        noted("… that against pgbench", ratio("jobs", "pgbench"), unit="times"),
        noted("our own append called per event, pool of 8", median("single"), unit="/s"),
        at_least("one writer against it", ratio("writer", "single"), limit=5, unit="times"),
        noted("16 writers, 1,024 appenders, one of them stopped", median("many"), unit="/s"),
        at_least("… against pgbench", ratio("many", "pgbench"), limit=1.2, unit="times"),
    ]


def _costs(rounds: list[Round]) -> list[Result]:
    def median(name: str, attribute: str) -> float:
        return statistics.median(float(getattr(one[name], attribute)) for one in rounds)

    return [
        noted("client CPU of an acknowledged event", median("writer", "client"), unit="µs"),
        at_most(
            "client CPU of an acknowledged event, a tenth of them with jobs",
            median("jobs", "client"),
            limit=15,
            unit="µs",
        ),
        noted("server CPU of an event", median("writer", "server"), unit="µs"),
        noted(
            "server CPU of an event, a tenth of them with jobs", median("jobs", "server"), unit="µs"
        ),
        noted("batch, one writer", median("writer", "batch"), unit="appends"),
        noted("batch, 16 writers", median("many", "batch"), unit="appends"),
        noted("acknowledged, one writer, p50", median("writer", "p50_ms"), unit="ms"),
        noted("acknowledged, one writer, p99", median("writer", "p99_ms"), unit="ms"),
        noted("acknowledged, 16 writers, p50", median("many", "p50_ms"), unit="ms"),
    ]
