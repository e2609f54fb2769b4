"""Data of an earlier version under this one: nothing is lost; and data of a later one is refused.

`earlier/` holds databases as earlier versions left them, in mid-work, and what those versions said
of them then; `keeping.py` makes them.
"""

import gzip
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.flows.processes import until
from tests.flows.product import COMMAND, SHORT_LEASES, Product, prepared
from tests.flows.speakers import words
from tests.shipping.keeping import EARLIER, OPEN, answered

KEPT = sorted(path.name.removesuffix(".sql.gz") for path in EARLIER.glob("*.sql.gz"))
SECONDS = 60.0
EXIT_WRONG = 2


@dataclass(frozen=True, slots=True)
class Restored:
    """A database of an earlier version, and what that version said of it."""

    url: str
    said: dict[str, Any]


@pytest.fixture(params=KEPT)
async def restored(
    anyio_backend: object, postgres_url: str, template: str, request: pytest.FixtureRequest
) -> AsyncGenerator[Restored]:
    """On this run's server, whose roles the migrated template has made."""
    name = f"earlier_{uuid4().hex}"
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    statements = gzip.decompress((EARLIER / f"{request.param}.sql.gz").read_bytes())
    await _run(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    await _run(url, statements)
    yield Restored(url, json.loads((EARLIER / f"{request.param}.json").read_text()))
    gone = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    await _run(postgres_url, gone)


async def test_a_factory_on_earlier_data_loses_nothing_and_finishes_what_was_open(
    restored: Restored, redis_url: str, redis_prefix: str
) -> None:
    servers = {
        "PYGENT_DATABASE_URL": restored.url,
        "PYGENT_REDIS_URL": redis_url,
        "PYGENT_REDIS_PREFIX": redis_prefix,
        "PYGENT_SEED": "false",
        **SHORT_LEASES,
    }
    with prepared(command=with_settings(servers)) as product:
        product.start()
        with client_of(product) as client:
            until(lambda: not still_open(client), seconds=SECONDS)
            now = answered(client)
        keys = product.run("token", "ls", "--json").out
        product.stop()

    then = restored.said
    assert len(then["open"]) >= 3, "too little was kept"
    assert now["open"] == []
    ended = {task["id"]: task for task in now["tasks"]}
    for task in then["tasks"]:
        assert kept(task, ended[task["id"]], place=task["id"]) == []
    for name in ("agents", "versions", "collections", "documents"):
        assert kept(then[name], now[name], place=name) == []
    assert [p["text"] for p in now["search"]["passages"]] == [
        p["text"] for p in then["search"]["passages"]
    ]
    assert keys.count('"flow"') == 2, "the earlier key, and the one of this test"

    for task, before in then["events"].items():
        after = now["events"][task]
        assert kept(before, after[: len(before)], place=task) == []
        assert [event["version"] for event in after] == list(range(1, len(after) + 1))
    for task in then["open"]:
        assert ended[task]["state"] == "completed"
        assert words(60) in json.dumps(ended[task])


@pytest.mark.parametrize("command", ["up", "hub", "worker", "scheduler", "migrate"])
async def test_a_program_that_is_older_than_its_database_says_so_and_stops(
    command: str, database: str, redis_url: str, redis_prefix: str
) -> None:
    later = "INSERT INTO pygent.migration (name, sha256) VALUES ('9999_of_a_later_version', '')"
    await _run(database, later.encode())
    servers = {
        "PYGENT_DATABASE_URL": database,
        "PYGENT_REDIS_URL": redis_url,
        "PYGENT_REDIS_PREFIX": redis_prefix,
    }

    with prepared(command=with_settings(servers)) as product:
        said = product.run(command)

    assert said.code == EXIT_WRONG, said.err
    assert "newer than this version: it has 9999_of_a_later_version" in said.err
    assert "run a newer version" in said.err
    assert "Traceback" not in said.err
    assert "ready" not in said.out


def with_settings(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The `pygent` command with more in its environment than a product gives it."""
    return ("/usr/bin/env", *(f"{name}={value}" for name, value in settings.items()), str(COMMAND))


def client_of(product: Product) -> httpx.Client:
    return httpx.Client(
        base_url=f"{product.url}/api/v1",
        headers={"Authorization": f"Bearer {product.key}"},
        timeout=SECONDS,
        trust_env=False,
    )


def still_open(client: httpx.Client) -> list[str]:
    tasks = client.get("/tasks").raise_for_status().json()["items"]
    return [task["id"] for task in tasks if task["state"] in OPEN]


def kept(then: Any, now: Any, *, place: str) -> list[str]:
    """What is not as it was; later versions may say more, and a restored log has another epoch."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            line
            for key, value in then.items()
            if key != "epoch"
            for line in kept(value, now.get(key, "<missing>"), place=f"{place}.{key}")
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for i, (a, b) in pairs for line in kept(a, b, place=f"{place}[{i}]")]
    return [] if then == now else [f"{place}: was {then!r}, is {now!r}"]


async def _run(url: str, statement: sql.Composed | bytes) -> None:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with connection:
        await connection.execute(statement)
