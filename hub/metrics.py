"""The hub's numbers for Prometheus, gathered when they are asked for.

What happens in this process is read from the counters of its parts; what the whole factory does
from a few cheap queries, at most every five seconds. No label names a person or a task.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from time import monotonic

import anyio
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from hub.opened import Opened
from protocols.errors import FactoryError
from protocols.quotas import Quota, Quotas
from protocols.tasks import STATES
from store.postgres.log import counters
from store.postgres.measures import Measures, measure
from store.projector import Lag, lag

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CACHED_SECONDS = 5.0
QUERY_SECONDS = 4.0
MICRO_DOLLARS = 1_000_000


class Metrics:
    """Makes the text of a scrape."""

    def __init__(self) -> None:
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._lock = anyio.Lock()
        self._asked_at = -CACHED_SECONDS
        self._measures: Measures | None = None
        self._lags: list[Lag] = []

    async def scrape(self, opened: Opened) -> bytes:
        """All numbers; those of the store are left out while it is out of reach."""
        await self._ask(opened)
        registry = CollectorRegistry()
        registry.register(_Ready([*_here(opened), *_everywhere(self._measures, self._lags)]))
        return generate_latest(self._process) + generate_latest(registry)

    async def _ask(self, opened: Opened) -> None:
        async with self._lock:
            if monotonic() - self._asked_at < CACHED_SECONDS:
                return
            try:
                with anyio.fail_after(QUERY_SECONDS):
                    self._measures = await measure(opened.store.log_pool)
                    self._lags = await lag(opened.store)
            except (FactoryError, TimeoutError):
                self._measures, self._lags = None, []
            self._asked_at = monotonic()


class _Ready(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _here(opened: Opened) -> Iterator[Metric]:
    fanout, sockets = opened.live.fanout.counters, opened.sockets
    log, broker = opened.store.log.counters, opened.store.broker.counters
    yield _gauge("connections", "Open sockets.", len(sockets))
    yield from _quotas(opened.quotas)
    yield _gauge("subscriptions", "Readers on all channels together.", opened.live.subscriptions)
    yield _gauge(
        "present", "Clients present in channels by way of this hub.", len(opened.live.attendance)
    )
    yield _gauge("append_queue", "Appends that wait for the log.", log.waiting)
    totals: dict[str, tuple[str, float]] = {
        "connections": ("Sockets since the start.", sockets.counters.connections_total),
        "slow_closes": ("Sockets closed because they did not drain.", sockets.counters.slow_closes),
        "flood_closes": (
            "Sockets closed because of a flood of commands.",
            sockets.counters.flood_closes,
        ),
        "commands_refused": ("Commands that came too fast.", sockets.commands_refused),
        "publications_skipped": (
            "Publications slow readers did not get, but newer ones, as their namespace says.",
            sockets.publications_skipped,
        ),
        "deliveries": ("Publications handed to readers.", fanout.deliveries),
        "frames": ("Frames heard from Redis on watched channels.", fanout.frames),
        "frame_gaps": ("Frames that left a gap, read from the log.", fanout.gaps),
        "channel_losses": ("Channels whose positions became void.", fanout.losses),
        "appends": ("Appends accepted by the log.", log.appends),
        "events": ("Events written to the log.", log.events),
        "append_repeats": ("Appends that had been done already.", log.repeats),
        "append_refusals": ("Appends the log said no to.", log.refused),
        "append_failures": ("Appends without an answer of the log.", log.failed),
        "append_rejections": ("Appends that found no room in time.", log.rejected_full),
        "frames_published": ("Frames published to Redis.", broker.frames_published),
        "frames_lost": ("Frames Redis did not take.", broker.frames_lost),
        "feed_publications": ("Rows published on feeds.", broker.feed_publications),
    }
    for name, (text, value) in totals.items():
        yield CounterMetricFamily(f"pygent_{name}", text, value=value)
    recoveries = CounterMetricFamily(
        "pygent_recoveries", "How readers came back.", labels=["source"]
    )
    for source, count in asdict(opened.live.recoveries).items():
        recoveries.add_metric([source], count)
    yield recoveries
    yield _histogram("append_batch_appends", "Appends in one commit.", log.batch_sizes)
    yield _histogram("append_commit_seconds", "Time of one commit.", log.commit_seconds)


def _quotas(quotas: Quotas) -> Iterator[Metric]:
    yield _gauge("streams", "Open streams of server-sent events.", len(quotas.streams))
    yield _gauge("uploads", "Documents on their way in.", len(quotas.uploads))
    refusals = CounterMetricFamily(
        "pygent_quota_refusals", "Refused because too many were open.", labels=["quota"]
    )
    for name in ("sockets", "streams", "uploads", "addresses"):
        quota: Quota = getattr(quotas, name)
        refusals.add_metric([name], quota.refused)
    yield refusals


def _everywhere(found: Measures | None, lags: list[Lag]) -> Iterator[Metric]:
    yield _gauge("store_up", "Whether the store answered.", int(found is not None))
    if found is None:
        return
    tasks = GaugeMetricFamily("pygent_tasks", "Tasks by state.", labels=["state"])
    for code, count in found.tasks.items():
        tasks.add_metric([STATES[code].value if code in STATES else str(code)], count)
    yield tasks
    queue = GaugeMetricFamily("pygent_queue_jobs", "Jobs.", labels=["queue", "status"])
    for (name, status), count in found.queue.items():
        queue.add_metric([name, status], count)
    yield queue
    yield _gauge("workers", "Workers that gave a sign of life within 30 s.", found.workers)
    yield from _models(found)
    steps = GaugeMetricFamily(
        "pygent_step_seconds", "Of the latest 200 ended tasks.", labels=["kind", "quantile"]
    )
    for kind, (middle, high) in found.step_seconds.items():
        steps.add_metric([kind, "0.5"], middle)
        steps.add_metric([kind, "0.95"], high)
    yield steps
    yield from _projections(lags)


def _models(found: Measures) -> Iterator[Metric]:
    tokens = GaugeMetricFamily(
        "pygent_model_tokens_last_hour",
        "Tokens used within the last hour.",
        labels=["model", "kind"],
    )
    cost = GaugeMetricFamily(
        "pygent_model_cost_dollars_last_hour", "Spent within the last hour.", labels=["model"]
    )
    for use in found.models:
        tokens.add_metric([use.model, "input"], use.input_tokens)
        tokens.add_metric([use.model, "output"], use.output_tokens)
        cost.add_metric([use.model], use.cost / MICRO_DOLLARS)
    yield tokens
    yield cost


def _projections(lags: list[Lag]) -> Iterator[Metric]:
    names = ("projection_lag_seconds", "projection_lag_events", "projection_parked_streams")
    texts = ("Age of the oldest event not folded.", "Events not folded.", "Streams left out.")
    families = [
        GaugeMetricFamily(f"pygent_{name}", text, labels=["projection"])
        for name, text in zip(names, texts, strict=True)
    ]
    for one in lags:
        for family, value in zip(families, (one.seconds, one.events, one.parked), strict=True):
            family.add_metric([one.name], value)
    yield from families


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pygent_{name}", text, value=value)


def _histogram(name: str, text: str, values: counters.Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*values.bounds, "+Inf"), values.counts, strict=True):
        below += count
        buckets.append((str(bound), below))
    return HistogramMetricFamily(f"pygent_{name}", text, buckets=buckets, sum_value=values.total)
