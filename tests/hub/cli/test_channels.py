"""Publishing, channels and clients from the terminal, of a real hub."""

import json
from collections.abc import AsyncGenerator

import pytest
from typer.testing import Result

from store.addresses import Addresses
from tests.hub.cli.test_programs import problem_of, pygent
from tests.hub.test_server_api import client_of
from tests.serving import Served, serving

NAMESPACES = json.dumps(
    [
        {"name": "news", "history_size": 9, "history_seconds": 60, "presence": True},
        {"name": "now", "max_bytes": 30},
    ]
)


@pytest.fixture
async def served(
    anyio_backend: object, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Served]:
    async with serving(addresses, limits={"namespaces": NAMESPACES}) as served:
        monkeypatch.setenv("PYGENT_URL", served.url)
        monkeypatch.setenv("PYGENT_API_KEY", await served.key())
        yield served


def told(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


async def test_what_is_published_is_seen(served: Served) -> None:
    async with client_of(served, await served.key(), "news:a", "now:a") as client:
        said = told(await pygent("publish", "news:a", '{"goal": 1}', "--tag", "club=ours=1"))
        assert "news:a is at offset 1" in said
        pub = (await client.next())["push"]["pub"]
        assert (pub["data"], pub["tags"]) == ({"goal": 1}, {"club": "ours=1"})
        assert "no history" in told(await pygent("publish", "now:a", "no JSON", "--text"))
        assert (await client.next())["push"]["pub"]["data"] == "no JSON"

        once = ["publish", "news:a", "2", "--key", "k", "--json"]
        first = json.loads(told(await pygent(*once)))
        assert json.loads(told(await pygent(*once))) == first
        assert first["offset"] == 2


async def test_channels_and_clients_are_listed_and_clients_sent_away(served: Served) -> None:
    key = await served.key(name="page")
    async with client_of(served, key, "news:a", "news:b") as one, client_of(served, key, "news:a"):
        assert told(await pygent("channels", "news:*")) == "news:a\t2\nnews:b\t1\n"
        assert told(await pygent("channels", "now:*")) == ""
        assert json.loads(told(await pygent("channel", "--json")))["channels"]["news:b"] == {
            "num_clients": 1
        }
        rows = [line.split("\t") for line in told(await pygent("clients")).splitlines()]
        assert [row[0] for row in rows].index(one.id) == 0
        assert rows[0][3:] == ["websocket, json", served.hub.opened.sampler.id, "news:a, news:b"]
        user = rows[0][1]
        present = told(await pygent("presence", "news:b"))
        assert present == f"{one.id}\t{user}\t\n"
        assert told(await pygent("presence", "news:a", "--count")) == "Clients\t2\nUsers\t1\n"
        assert set(json.loads(told(await pygent("presence", "news:b", "--json")))["presence"]) == {
            one.id
        }
        assert told(await pygent("clients", "--user", "nobody")) == ""
        assert "2 clients" in told(await pygent("clients", "--user", user, "--disconnect"))
        assert (await one.closed())[0] == 3503


async def test_what_goes_wrong_says_what_to_do_and_has_an_exit_code(served: Served) -> None:
    plain = await pygent("publish", "news:a", "hello")
    assert (plain.exit_code, "--text publishes it as a text" in plain.stderr) == (2, True)
    for words, code, kind in [
        (["publish", "nowhere:a", "1"], 3, "not_found"),
        (["publish", "tasks:1", "1"], 4, "forbidden"),
        (["publish", "now:a", json.dumps("x" * 30)], 8, "limit_exceeded"),
        (["publish", "news:a", "1", "--tag", "club"], 2, "invalid_request"),
        (["presence", "now:a"], 2, "invalid_request"),
        (["clients", "--disconnect"], 2, "invalid_request"),
        (["channels", "*" * 300], 2, "invalid_request"),
    ]:
        result = await pygent(*words, "--json")
        assert (result.exit_code, problem_of(result).code) == (code, kind), words
    wrong = {"PYGENT_API_KEY": "pgk_wrong"}
    assert (await pygent("channels", env=wrong)).exit_code == 4
    away = {"PYGENT_URL": "http://127.0.0.1:1", "PYGENT_PATIENCE_SECONDS": "0"}
    assert (await pygent("channels", env=away)).exit_code == 7


@pytest.mark.parametrize("name", ["publish", "channels", "presence", "clients"])
async def test_help_ends_with_an_example(name: str) -> None:
    assert f"Example: pygent {name}" in told(await pygent(name, "--help"))
