"""Runs writers as processes of their own, and says what they did and what it cost.

The server's CPU is of all its processes, the clients' of all writers; both per acknowledged event.
"""

import os
import signal
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess

from bench.event_log_writer import Done, Plan, work
from bench.server import Server

ANSWER_SECONDS = 120.0
STOPPED_FROM = 0.25  # of the run
MICRO = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run.

    Attributes:
        client: Microseconds of CPU an event, of the writers' processes.
        server: The same of Postgres.
        batch: Appends in a call, on average.
    """

    per_second: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    client: float = 0.0
    server: float = 0.0
    batch: float = 1.0


def processes_of_ours() -> ForkServerContext:
    """A context whose processes start in milliseconds, with the product imported."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["bench.event_log_writer"])
    return context


def measure_pgbench(server: Server, seconds: float) -> Measured:
    """What a loop of single inserts comes to on this server."""
    server.checkpoint()
    return Measured(per_second=server.pgbench(seconds))


def measure(server: Server, plan: Plan, *, processes: int = 1, stop_one: bool = False) -> Measured:
    """So many writers at once, each with the plan's appenders.

    Args:
        server: Where they write.
        plan: Of each.
        processes: How many writers.
        stop_one: Whether one is stopped (SIGSTOP) for the rest of the run, after its first quarter.
    """
    context = processes_of_ours()
    gate, answers = context.Barrier(processes + 1), context.Queue()
    writers = [
        context.Process(target=work, args=(plan, gate, answers), daemon=True)
        for _ in range(processes)
    ]
    for writer in writers:
        writer.start()
    server.checkpoint()
    gate.wait(ANSWER_SECONDS)
    cpu = server.cpu()
    if stop_one:
        _stop_for_the_rest(writers[0], seconds=plan.seconds)
    done: list[Done] = [answers.get(timeout=ANSWER_SECONDS) for _ in writers]
    cpu = server.cpu() - cpu
    for writer in writers:
        writer.join()
    return _measured(done, seconds=plan.seconds, server_cpu=cpu)


def _stop_for_the_rest(writer: ForkServerProcess, *, seconds: float) -> None:
    time.sleep(seconds * STOPPED_FROM)
    assert writer.pid
    os.kill(writer.pid, signal.SIGSTOP)
    time.sleep(seconds * (1 - STOPPED_FROM) + 0.1)
    os.kill(writer.pid, signal.SIGCONT)


def _measured(done: Sequence[Done], *, seconds: float, server_cpu: float) -> Measured:
    events = sum(one.events for one in done)
    # A stopped writer's last wait is its pause.
    waits = [wait for one in done for wait in one.waits if wait < seconds / 2]
    percentiles = statistics.quantiles(waits, n=100)
    return Measured(
        per_second=events / seconds,
        p50_ms=percentiles[49] * 1000,
        p99_ms=percentiles[98] * 1000,
        client=sum(one.cpu for one in done) / events * MICRO,
        server=server_cpu / events * MICRO,
        batch=events / sum(one.batches for one in done),
    )
