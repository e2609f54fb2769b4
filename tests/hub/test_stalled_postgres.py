"""A Postgres that hangs, which is worse than one that is gone: what is asked ends, and says why."""

import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import httpx
import pytest

from hub.identity import authentication as identity
from hub.identity.authentication import OUTAGE_SECONDS, Authentication
from protocols.errors import Unavailable
from protocols.operations.system import PartState
from store.addresses import Addresses
from store.postgres import pool
from store.postgres.identity import IdentityTable
from tests.serving import Served, serving
from tests.stalling import Way, way_to


@dataclass
class Stalling:
    served: Served
    way: Way


@pytest.fixture
async def stalling(
    anyio_backend: object, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stalling]:
    monkeypatch.setattr(identity, "REMEMBERED_SECONDS", 0.0)  # to be asked for again at once
    monkeypatch.setattr(identity, "NEW_SECONDS", 0.5)
    with tempfile.TemporaryDirectory(prefix="pgw-") as directory:  # short, as sockets' paths are
        async with (
            way_to(addresses.database, Path(directory)) as way,
            serving(replace(addresses, database=way.url)) as served,
        ):
            await served.agent()
            yield Stalling(served, way)


async def test_the_page_of_the_system_says_within_seconds_that_postgres_hangs(
    stalling: Stalling,
) -> None:
    async with await stalling.served.client() as client:
        assert (await client.systems.system()).position is not None
        with stalling.way.held():
            with anyio.fail_after(6):
                found = await client.systems.system()
        parts = {part.name: part.state for part in found.parts}
        assert parts["postgres"] is PartState.DOWN
        assert parts["hub"] is parts["redis"] is parts["sockets"] is PartState.WELL
        for name in ("log", "projections", "queue", "workers", "scheduler"):
            assert parts[name] is PartState.UNKNOWN, name
        with anyio.fail_after(15):
            while (await client.systems.system()).position is None:
                await anyio.sleep(0.1)


async def test_health_answers_many_at_once_while_postgres_hangs(stalling: Stalling) -> None:
    url = stalling.served.url
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as nobody:
        with stalling.way.held(), anyio.fail_after(6):
            deep = await nobody.get("/health/deep")
            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(_is_unavailable, nobody)
    told = {part["name"]: part for part in deep.json()["parts"]}
    assert deep.status_code == 503
    assert "does not answer" in told["postgres"]["detail"]["reason"]
    assert told["redis"]["is_well"]


async def _is_unavailable(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/health/ready")).json() == {"status": "unavailable"}


async def test_who_was_known_lately_stays_known_while_nobody_can_be_asked(
    stalling: Stalling,
) -> None:
    store, now = stalling.served.store, [1000.0]
    authentication = Authentication(IdentityTable(store.log_pool, store.app), clock=lambda: now[0])
    known, unknown = await stalling.served.key(), await stalling.served.key(name="other")

    async def name(key: str) -> str:
        return (await authentication.authenticate({}, key, "10.0.0.1")).name

    assert await name(known) == "test"
    with stalling.way.held(), anyio.fail_after(20):
        now[0] += 10
        assert await name(known) == "test"
        with pytest.raises(Unavailable, match="did not say in time"):
            await name(unknown)
        now[0] += OUTAGE_SECONDS
        with pytest.raises(Unavailable):
            await name(known)
        now[0] -= OUTAGE_SECONDS
        assert await name(known) == "test"
        authentication.forget_all()  # a key was revoked here
        with pytest.raises(Unavailable):
            await name(known)


async def test_who_waits_for_an_answer_is_told_when_postgres_hangs(
    stalling: Stalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "ANSWER_SECONDS", 0.5)
    task = await stalling.served.task()
    async with await stalling.served.program() as program:
        with stalling.way.held(), anyio.fail_after(20):
            assert (await program.get("/api/v1/me")).status_code == 503  # nobody knows it yet
        with anyio.fail_after(15):
            while (await program.get("/api/v1/me")).status_code != 200:
                await anyio.sleep(0.1)
        paths = ("tasks", "agents", f"tasks/{task}", f"tasks/{task}/events", "keys", "overview")
        with stalling.way.held(), anyio.fail_after(25):
            for path in paths:
                answer = await program.get(f"/api/v1/{path}", timeout=20)
                assert answer.status_code in {403, 503}, path
                assert answer.status_code == 403 or answer.json()["code"] == "unavailable", path
