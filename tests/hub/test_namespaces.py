"""Namespaces made while hubs run: taken up everywhere within seconds, without a restart."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import httpx
import pytest

from hub import known_namespaces
from protocols.errors import Conflict, Forbidden, InvalidRequest, LimitExceeded, NotFound
from protocols.namespaces import ApplicationNamespace, Namespaces
from protocols.operations.namespaces import NamespaceRules
from protocols.principals import Actor, Principal, Role, TeamId, system
from store.addresses import Addresses
from store.operations.namespaces import StoredNamespaces
from store.postgres import namespaces as table
from tests.hub.test_server_api import api_of, client_of
from tests.serving import Served, serving

FIXED = json.dumps([{"name": "fixed", "max_bytes": 100}])
HISTORY = {"history_size": 10, "history_seconds": 60}


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with serving(addresses, limits={"namespaces": FIXED}) as served:
        yield served


def operations(served: Served, principal: Principal | None = None) -> StoredNamespaces:
    known = served.hub.opened.namespaces
    return StoredNamespaces(
        served.store, principal or system(), fixed=known.fixed, changed=known.changed
    )


def known(served: Served) -> Namespaces:
    return served.hub.opened.live.namespaces


async def until_known(served: Served, name: str, *, gone: bool = False) -> None:
    with anyio.fail_after(5):
        while (known(served).of(f"{name}:a" if name else "a") is None) is not gone:
            await anyio.sleep(0.01)


async def test_an_owner_makes_changes_and_deletes_them_over_rest(
    served: Served, addresses: Addresses
) -> None:
    session = await served.session()
    own = {"Origin": served.url}
    async with serving(addresses) as other, served.browser(session=session) as owner:
        made = await owner.put("/api/v1/namespaces/news", json=HISTORY, headers=own)
        assert made.status_code == 200, made.text
        assert made.json()["rules"] | HISTORY == made.json()["rules"]
        assert (made.json()["changed_by"], made.json()["is_fixed"]) == ("user:owner", False)
        unnamed = await owner.put("/api/v1/namespaces/-", json={}, headers=own)
        assert unnamed.json()["name"] == ""
        for hub in (served, other):
            await until_known(hub, "news")
            await until_known(hub, "")

        async with api_of(other, await served.key()) as api:
            assert (await api.result("publish", channel="news:a", data=1))["offset"] == 1
            listed = (await api.http.get("/api/v1/namespaces", headers=bearer(api.http))).json()
            assert [one["name"] for one in listed["items"]] == ["", "news"]  # it has no fixed one

            deleted = await owner.delete("/api/v1/namespaces/news", headers=own)
            assert deleted.status_code == 200
            await until_known(other, "news", gone=True)
            assert await api.code("publish", channel="news:a", data=1) == 102
        again = await owner.delete("/api/v1/namespaces/news", headers=own)
        assert again.status_code == 404


def bearer(http: httpx.AsyncClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {http.headers['x-api-key']}"}


async def test_what_is_not_sound_or_not_theirs_is_refused_in_words(served: Served) -> None:
    session, own = await served.session(), {"Origin": served.url}

    def put(http: httpx.AsyncClient, name: str, rules: object) -> Any:
        return http.put(f"/api/v1/namespaces/{name}", json=rules, headers=own)

    async with served.browser(session=session) as owner, await served.program() as program:
        for name, rules, said in [
            ("news", {"histroy_size": 1}, "histroy_size"),
            ("news", {"history_size": 1}, "both"),
            ("news", {"publish": "everybody"}, "everybody"),
            ("news", {"name": "other"}, "name"),
            ("tasks", {}, "factory's own"),
            ("a b", {}, "letters"),
        ]:
            answer = await put(owner, name, rules)
            assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert (await put(owner, "news", [])).status_code == 422
        fixed = await put(owner, "fixed", {})
        assert (fixed.status_code, "PYGENT_NAMESPACES" in fixed.text) == (409, True)
        refused = await program.put("/api/v1/namespaces/news", json={})
        assert (refused.status_code, "owner is needed" in refused.text) == (403, True)
    elsewhere = Principal(actor=Actor("user:b"), team=TeamId(2), role=Role.OWNER, name="b")
    with pytest.raises(Forbidden, match="first team"):
        await operations(served, elsewhere).put("news", NamespaceRules({}))
    with pytest.raises(Conflict):
        await operations(served).delete("fixed")
    with pytest.raises(NotFound):
        await operations(served).delete("nowhere")
    with pytest.raises(InvalidRequest):
        await operations(served).put("x" * 65, NamespaceRules({}))


async def test_who_is_in_a_channel_has_it_by_the_new_rules(served: Served) -> None:
    await operations(served).put("news", NamespaceRules({}))
    await until_known(served, "news")
    key = await served.key()
    async with client_of(served, key, "news:a", "fixed:a") as client, api_of(served, key) as api:
        await operations(served).put("news", NamespaceRules(HISTORY))
        ended = (await client.next())["push"]
        assert (ended["channel"], ended["unsubscribe"]["code"]) == ("news:a", 2500)
        await client.socket.send('{"id":9,"subscribe":{"channel":"news:a"}}')
        assert (await client.next())["subscribe"]["positioned"]
        assert (await api.result("publish", channel="news:a", data=1))["offset"] == 1
        assert (await client.next())["push"]["pub"]["offset"] == 1

        await operations(served).delete("news")
        assert (await client.next())["push"]["unsubscribe"]["code"] == 2500
        await client.socket.send('{"id":10,"subscribe":{"channel":"news:a"}}')
        assert (await client.next())["error"]["code"] == 102
        await api.result("publish", channel="fixed:a", data=2)  # untouched all the while
        assert (await client.next())["push"]["channel"] == "fixed:a"


async def test_hubs_that_are_not_told_see_for_themselves(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_namespaces, "LOOK_SECONDS", 0.1)
    beside = StoredNamespaces(
        served.store, system(), fixed=Namespaces(), changed=lambda: None
    )  # as the command does it
    await beside.put("news", NamespaceRules({}))
    await until_known(served, "news")
    await beside.put("fixed", NamespaceRules({"max_bytes": 7}))
    await beside.put("news", NamespaceRules({"max_bytes": 8}))
    with anyio.fail_after(5):
        while (found := known(served).of("news:a")) is None or found[0].max_bytes != 8:
            await anyio.sleep(0.01)
    fixed = known(served).of("fixed:a")
    assert fixed is not None
    assert fixed[0].max_bytes == 100  # the settings go first
    await beside.delete("news")
    await until_known(served, "news", gone=True)


async def test_what_a_newer_version_made_is_left_out_and_the_rest_is_known(
    served: Served,
) -> None:
    rows = table.NamespaceTable(served.store.log_pool)
    await rows.put("newer", '{"of_a_newer_version": 1}', actor=Actor("system"))
    await operations(served).put("news", NamespaceRules({}))
    await until_known(served, "news")
    assert known(served).of("newer:a") is None


async def test_there_are_only_so_many(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_NAMESPACES", 2)
    for name in ("a", "b", "a"):
        await operations(served).put(name, NamespaceRules({}))
    with pytest.raises(LimitExceeded, match="2"):
        await operations(served).put("c", NamespaceRules({}))


def test_rules_are_described_by_their_one_declaration() -> None:
    described = NamespaceRules.model_json_schema()["properties"]
    assert set(described) == {*ApplicationNamespace.__struct_fields__} - {"name"}
    assert "$ref" not in json.dumps(described)
    assert described["publish"]["enum"]
