"""Health and metrics: open and silent in front, telling to whoever stands behind."""

from dataclasses import replace

import httpx
from prometheus_client.parser import text_string_to_metric_families

from store.addresses import Addresses
from tests.serving import Served, serving

PROXIED = (
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"X-Real-IP": "::1"},
    {"Via": "1.1 proxy"},
)


async def test_open_answers_tell_nothing_but_their_word(nobody: httpx.AsyncClient) -> None:
    for path, words in (("live", {"live"}), ("ready", {"ready", "degraded"})):
        answer = await nobody.get(f"/health/{path}")
        assert answer.status_code == 200
        assert set(answer.json()) == {"status"}
        assert answer.json()["status"] in words
        assert "server" not in answer.headers


async def test_deep_and_metrics_are_closed_through_a_proxy_without_a_key(
    served: Served, nobody: httpx.AsyncClient
) -> None:
    key = {"Authorization": f"Bearer {await served.key()}"}
    for path in ("/health/deep", "/health/metrics"):
        for proxied in PROXIED:
            assert (await nobody.get(path, headers=proxied)).status_code == 401, proxied
            with_key = await nobody.get(path, headers={**proxied, **key})
            assert with_key.status_code in {200, 503}, proxied


async def test_deep_and_metrics_are_closed_to_a_page_whose_name_was_made_to_lead_here(
    nobody: httpx.AsyncClient,
) -> None:
    for path in ("/health/deep", "/health/metrics"):
        for host in (
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.x",
            "a_b.example",
            "[",
        ):
            assert (await nobody.get(path, headers={"Host": host})).status_code == 401, host
        for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
            answer = await nobody.get(path, headers={"Host": host})
            assert answer.status_code in {200, 503}, host  # no worker is there


async def test_deep_names_each_part_with_its_latency(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/health/deep")
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert {"postgres", "redis", "log", "projections", "queue", "sockets"} <= set(parts)
    assert parts["postgres"]["is_well"]
    assert 0 < parts["postgres"]["seconds"] < 2
    assert not parts["workers"]["is_well"]  # none runs in this test
    assert answer.status_code == 503


async def test_metrics_count_what_happened(served: Served, nobody: httpx.AsyncClient) -> None:
    await served.task()
    families = text_string_to_metric_families((await nobody.get("/health/metrics")).text)
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }
    assert samples["pygent_appends_total",] >= 2
    assert samples["pygent_connections",] == 0
    assert samples["pygent_store_up",] == 1
    assert samples["pygent_append_batch_appends_count",] >= 1
    assert samples["pygent_append_batch_appends_bucket", "+Inf"] >= 1
    assert samples["pygent_queue_jobs", "tasks", "todo"] == 1
    assert ("pygent_projection_lag_seconds", "tasks") in samples
    assert ("process_resident_memory_bytes",) in samples


async def test_readiness_goes_off_before_anything_else_stops(
    served: Served, nobody: httpx.AsyncClient
) -> None:
    await served.hub.drain(within_seconds=0.0)
    answer = await nobody.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    assert (await nobody.get("/health/live")).status_code == 200


async def test_without_redis_the_hub_is_degraded_and_serves(addresses: Addresses) -> None:
    away = replace(addresses, redis="redis://127.0.0.1:1/0")
    async with (
        serving(away) as served,
        httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=10) as nobody,
    ):
        assert (await nobody.get("/health/ready")).json() == {"status": "degraded"}
        parts = (await nobody.get("/health/deep")).json()["parts"]
        assert [part["is_well"] for part in parts if part["name"] == "redis"] == [False]
        async with served.with_key(await served.key()) as program:
            assert (await program.get("/api/v1/me")).status_code == 200
