"""What may be asked about the whole team, from the projections: counters, never the log."""

from datetime import UTC, datetime, timedelta

from protocols.operations.overview import Overview, Window
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.operations.listings import position_of
from store.operations.task_list import open_tasks
from store.overview_counts import buckets, durations, model_costs, open_counts

OPEN_TASKS = 20
WINDOWS: dict[Window, tuple[int, int]] = {  # number of buckets, and seconds of each
    "15m": (15, 60),
    "1h": (60, 60),
    "24h": (96, 900),
    "7d": (168, 3600),
}


class StoredOverviews:
    """Keeps the promise `protocols.operations.overview.Overviews`."""

    def __init__(self, store: Store, principal: Principal) -> None:
        self._store = store
        self._principal = principal

    async def overview(self, window: Window = "1h") -> Overview:
        """See the promise."""
        allow(self._principal, Operation.OVERVIEW_READ)
        team = self._principal.team
        count, seconds = WINDOWS[window]
        async with self._store.app.team(team) as connection:
            position = await position_of(connection, "overview")
            now = datetime.now(UTC)
            history = await buckets(connection, team, until=now, count=count, seconds=seconds)
            since = history[0].start
            ended = await durations(
                connection, team, since=now - timedelta(seconds=count * seconds)
            )
            counts = await open_counts(connection, team)
            models = await model_costs(connection, team, since=since)
            tasks = await open_tasks(connection, team, limit=OPEN_TASKS)
        return Overview(
            window=window,
            bucket_seconds=seconds,
            submitted=counts.submitted,
            working=counts.working,
            waiting=counts.waiting,
            p50_seconds=ended.p50,
            p95_seconds=ended.p95,
            buckets=history,
            models=models,
            open=tasks,
            position=position,
        )
