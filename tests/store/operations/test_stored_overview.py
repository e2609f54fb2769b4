from datetime import UTC, datetime

import pytest

from protocols.events import TaskFailed
from protocols.operations.overview import Window
from protocols.tasks import TaskState
from store.connect import Store
from store.projector import Projector
from tests.store.people import OTHER_TEAM, Worker, factory, somebody, submitted, with_agent


@pytest.mark.parametrize(("window", "count"), [("15m", 15), ("1h", 60), ("24h", 96), ("7d", 168)])
async def test_the_overview_counts_what_happened_in_the_window(
    store: Store, window: Window, count: int
) -> None:
    await with_agent(store)
    good, bad, waits = [await submitted(store) for _ in range(3)]
    worker = Worker(store, good)
    await worker.start()
    await worker.step(1, tokens=10, cost=7)
    await worker.step(2, tokens=5, cost=1)
    await worker.complete()
    worker = Worker(store, bad)
    await worker.start()
    await worker.write(TaskFailed(code="model_failed", reason="x"), state=TaskState.FAILED)
    await Projector(store).catch_up()

    overview = await factory(store).overview.overview(window)

    assert len(overview.buckets) == count
    assert overview.buckets[-1].start <= datetime.now(UTC)
    total = {
        name: sum(getattr(bucket, name) for bucket in overview.buckets)
        for name in ("submitted", "completed", "failed", "canceled", "cost", "input_tokens")
    }
    assert total == {
        "submitted": 3,
        "completed": 1,
        "failed": 1,
        "canceled": 0,
        "cost": 8,
        "input_tokens": 15,
    }
    assert (overview.submitted, overview.working, overview.waiting) == (1, 0, 0)
    assert [row.id for row in overview.open] == [waits]
    assert overview.p50_seconds is not None
    assert overview.p95_seconds is not None
    assert 0 < overview.p50_seconds <= overview.p95_seconds
    model = overview.models[0]
    assert (model.model, model.cost, model.tasks) == ("extractive", 8, 3)
    assert overview.position > 0


async def test_another_team_sees_its_own_emptiness(store: Store) -> None:
    await with_agent(store)
    await submitted(store)
    await Projector(store).catch_up()

    overview = await factory(store, somebody(team=OTHER_TEAM)).overview.overview()

    assert sum(bucket.events for bucket in overview.buckets) == 0
    assert (overview.submitted, overview.open, overview.models) == (0, [], [])
    assert overview.p50_seconds is None
