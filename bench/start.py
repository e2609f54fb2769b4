"""How long `pygent up` takes to serve, and to be gone again.

The packages are there and the data directory is old: what a person waits for each day. The first
start, which makes the database, is said beside it. On a machine that does nothing else.
"""

import signal
import statistics

from bench.result import Result, at_most, noted
from tests.flows.product import running

STARTS = 5
MOST_START_SECONDS = 6.0
MOST_STOP_SECONDS = 10.0


def run(*, quick: bool = False) -> list[Result]:
    """Starts and stops it again and again on one data directory."""
    starts: list[float] = []
    stops: dict[str, list[float]] = {"Ctrl-C": [], "SIGTERM": []}
    with running() as product:
        first = product.ready_seconds
        product.stop()
        for number in range(2 if quick else STARTS):
            product.start()
            starts.append(product.ready_seconds)
            name, how = ("SIGTERM", signal.SIGTERM) if number % 2 else ("Ctrl-C", signal.SIGINT)
            stops[name].append(product.stop(how))
    middle = statistics.median(starts)
    return [
        at_most("a later start, to the ready line", middle, limit=MOST_START_SECONDS, unit="s"),
        noted("the slowest later start", max(starts), unit="s"),
        noted("the first start, on an empty data directory", first, unit="s"),
        *(
            at_most(f"from {name} to no process", max(took), limit=MOST_STOP_SECONDS, unit="s")
            for name, took in stops.items()
        ),
    ]
