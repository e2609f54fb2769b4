"""Names of the hub's metrics: what a scrape with nothing in it would say.

Numbers of the process itself (`process_…`) are the Prometheus client's own, and not listed.
"""

from types import SimpleNamespace
from typing import Any

from prometheus_client.core import Metric

from deploy.reference.tables import NONE, cell, table
from hub import metrics as metrics_of_hub
from hub.fanout import Counters as FanoutCounters
from hub.recovery import Recoveries
from protocols.centrifugal.routes import Counters as SocketCounters
from protocols.quotas import Quotas
from store.postgres.log.counters import Counters as LogCounters
from store.postgres.measures import Measures
from store.redis.broker import Counters as BrokerCounters


def metrics() -> str:
    """All of them, as Prometheus names them."""
    rows = [
        (f"`{_name(one)}`", one.type, cell(one.documentation).rstrip("."), _labels(one))
        for one in _families()
    ]
    return table(("metric", "type", "what it counts", "labels"), sorted(rows))


def _families() -> list[Metric]:
    opened: Any = _nothing_opened()
    measured = Measures(tasks={}, queue={}, workers=0, models=(), step_seconds={})
    return [
        *metrics_of_hub._here(opened),  # noqa: SLF001  a scrape needs a store; this needs none
        *metrics_of_hub._everywhere(measured, []),  # noqa: SLF001
    ]


def _nothing_opened() -> SimpleNamespace:
    """What the hub's own numbers are read from, all zero."""
    sockets = _Sockets(counters=SocketCounters(), commands_refused=0, publications_skipped=0)
    live = SimpleNamespace(
        fanout=SimpleNamespace(counters=FanoutCounters()),
        subscriptions=0,
        recoveries=Recoveries(),
        attendance=(),
    )
    kept = SimpleNamespace(
        log=SimpleNamespace(counters=LogCounters()),
        broker=SimpleNamespace(counters=BrokerCounters()),
    )
    return SimpleNamespace(live=live, sockets=sockets, store=kept, quotas=Quotas())


class _Sockets(SimpleNamespace):
    def __len__(self) -> int:
        return 0


def _name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> str:
    names: tuple[str, ...] = getattr(metric, "_labelnames", ())
    return ", ".join(f"`{name}`" for name in names) or NONE
