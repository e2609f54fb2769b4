"""What the log has done since it was opened, as plain numbers; who has a registry exports them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)  # appends
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Histogram:
    """How often a value fell under each bound; `counts` has one more, for what is above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0  # the sum of all values

    def add(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


@dataclass(slots=True)
class Counters:
    """Of one event log.

    Attributes:
        appends: Accepted, repeats not among them.
        events: Written by them.
        repeats: Appends that had been done already.
        refused: Appends the log said no to.
        failed: Appends that ended without an answer of the log: out of reach, or a broken value.
        rejected_full: Appends that found no room in time.
        reconnects: Times the writer's connection was made anew.
        last_commit_seconds: Of the last batch; who streams deltas slows down by it.
        published: Events handed to the broker.
        unpublished: Events that were not, because it was too slow; the hubs' check finds them.
        waiting: Appends in the queue now.
    """

    appends: int = 0
    events: int = 0
    repeats: int = 0
    refused: int = 0
    failed: int = 0
    rejected_full: int = 0
    reconnects: int = 0
    last_commit_seconds: float = 0.0
    published: int = 0
    unpublished: int = 0
    waiting: int = 0
    batch_sizes: Histogram = field(default_factory=lambda: Histogram(BATCH_SIZES))
    commit_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
