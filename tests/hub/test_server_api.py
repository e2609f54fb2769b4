"""The HTTP API: what servers tell the hub, with a key, and what they are told."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from hub import everywhere
from protocols.centrifugal.server import batches
from protocols.centrifugal.server.methods import METHODS
from store.addresses import Addresses
from tests.serving import Served, serving

NAMESPACES = json.dumps(
    [
        {"name": "news", "history_size": 50, "history_seconds": 60},
        {"name": "now"},
        {"name": "room", "presence": True, "see_presence": "nobody"},
        {"name": "short", "history_size": 3, "history_seconds": 60, "max_bytes": 20},
    ]
)


@asynccontextmanager
async def hub_on(addresses: Addresses) -> AsyncGenerator[Served]:
    async with serving(addresses, limits={"namespaces": NAMESPACES}) as served:
        yield served


@pytest.fixture
async def served(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Served]:
    async with hub_on(addresses) as served:
        await served.agent()
        yield served


class Api:
    """One server of an application."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def __call__(self, method: str, **request: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/api/{method}", json=request)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def result(self, method: str, **request: Any) -> dict[str, Any]:
        answer = await self(method, **request)
        assert "error" not in answer, answer
        return answer["result"]

    async def code(self, method: str, **request: Any) -> int:
        answer = await self(method, **request)
        assert set(answer) == {"error"}
        assert answer["error"]["message"]
        return answer["error"]["code"]


@pytest.fixture
async def api(served: Served) -> AsyncGenerator[Api]:
    async with api_of(served, await served.key()) as api:
        yield api


@asynccontextmanager
async def api_of(served: Served, key: str) -> AsyncGenerator[Api]:
    headers = {"X-API-Key": key}
    async with httpx.AsyncClient(
        base_url=served.url, headers=headers, trust_env=False, timeout=10
    ) as http:
        yield Api(http)


class Client:
    """A client of the hub, in some channels."""

    def __init__(self, socket: ClientConnection, client: str) -> None:
        self.socket = socket
        self.id = client

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            return json.loads(await self.socket.recv())

    async def closed(self) -> tuple[int, str]:
        with anyio.fail_after(5):
            await self.socket.wait_closed()
        return self.socket.close_code or 0, self.socket.close_reason or ""


@asynccontextmanager
async def client_of(served: Served, key: str, *channels: str) -> AsyncGenerator[Client]:
    url = served.url.replace("http:", "ws:") + "/connection/websocket"
    async with open_socket(url, proxy=None) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": key}}))
        client = Client(socket, json.loads(await socket.recv())["connect"]["client"])
        for number, channel in enumerate(channels, 2):
            await socket.send(json.dumps({"id": number, "subscribe": {"channel": channel}}))
            assert "subscribe" in await client.next()
        yield client


async def test_what_is_published_is_seen_on_every_hub_and_kept(
    served: Served, addresses: Addresses, api: Api
) -> None:
    key = await served.key()
    async with hub_on(addresses) as other, client_of(other, key, "news:a", "now:a") as client:
        first = await api.result("publish", channel="news:a", data={"goal": 1}, tags={"of": "us"})
        assert first["offset"] == 1
        assert first["epoch"]
        pub = (await client.next())["push"]["pub"]
        assert (pub["data"], pub["offset"], pub["tags"]) == ({"goal": 1}, 1, {"of": "us"})
        assert "info" not in pub

        assert await api.result("publish", channel="now:a", data=None) == {}
        assert (await client.next())["push"]["pub"]["data"] is None

        text = base64.b64encode(b'{"from":\n"base64"}').decode()
        await api.result("publish", channel="news:a", b64data=text)
        assert (await client.next())["push"]["pub"]["data"] == {"from": "base64"}

    page = await api.result("history", channel="news:a", limit=10)
    assert [one["data"] for one in page["publications"]] == [{"goal": 1}, {"from": "base64"}]
    assert (page["offset"], page["epoch"]) == (2, first["epoch"])
    since = {"offset": 1, "epoch": first["epoch"]}
    later = await api.result("history", channel="news:a", limit=-1, since=since)
    assert [one["offset"] for one in later["publications"]] == [2]
    newest = await api.result("history", channel="news:a", limit=1, reverse=True)
    assert [one["offset"] for one in newest["publications"]] == [2]
    assert await api.result("history_remove", channel="news:a") == {}
    gone = await api.result("history", channel="news:a", limit=9)
    assert gone == {"publications": [], "offset": 2, "epoch": first["epoch"]}


async def test_publishing_again_under_a_key_or_an_older_version_does_nothing(api: Api) -> None:
    once = {"channel": "news:a", "data": 1, "idempotency_key": "k"}
    first = await api.result("publish", **once)
    assert await api.result("publish", **once) == first
    await api.result("publish", channel="news:a", data=2, version=7)
    older = await api.result("publish", channel="news:a", data=3, version=6)
    assert older["offset"] == 2
    page = await api.result("history", channel="news:a", limit=9)
    assert [one["data"] for one in page["publications"]] == [1, 2]


async def test_what_skips_the_history_is_for_who_is_there(served: Served, api: Api) -> None:
    async with client_of(served, await served.key(), "news:a") as client:
        for number in (1, 2):
            await api.result("publish", channel="news:a", data=number)
        assert await api.result("publish", channel="news:a", data=3, skip_history=True) == {}
        await api.result("publish", channel="news:a", data=4)
        pubs = [(await client.next())["push"]["pub"] for _ in range(4)]
        assert [(pub["data"], pub.get("offset", 0)) for pub in pubs] == [
            (1, 1),
            (2, 2),
            (3, 0),
            (4, 3),
        ]


async def test_a_broadcast_is_answered_for_each_channel(served: Served, api: Api) -> None:
    async with client_of(served, await served.key(), "news:b", "now:b") as client:
        names = ["news:a", "news:b", "now:b", "nowhere:a", "tasks:1", "short:a"]
        result = await api.result("broadcast", channels=names, data={"text": "to all of you"})
        answers = result["responses"]
        assert answers[0]["result"]["offset"] == answers[1]["result"]["offset"] == 1
        assert answers[2] == {"result": {}}
        assert [answers[n]["error"]["code"] for n in (3, 4, 5)] == [102, 103, 106]
        pushed = [(await client.next())["push"]["channel"] for _ in range(2)]
        assert sorted(pushed) == ["news:b", "now:b"]
    assert await api.result("broadcast", channels=[], data=1) == {"responses": []}
    assert await api.code("broadcast", channels=["news:a"] * 1001, data=1) == 106


async def test_what_makes_no_sense_is_an_error_with_a_number(served: Served, api: Api) -> None:
    task = f"task:{await served.task()}"
    assert await api.code("publish", channel=task, data=1) == 103
    assert await api.code("publish", channel="tasks:1", data=1) == 103
    assert await api.code("history_remove", channel=task) == 103
    assert await api.code("publish", channel="nowhere:a", data=1) == 102
    assert await api.code("publish", channel="", data=1) == 107
    assert await api.code("publish", channel="news:a") == 107
    assert await api.code("publish", channel="news:a", b64data="!") == 107
    assert await api.code("publish", channel="news:a", b64data="eA==") == 107
    assert await api.code("publish", data=1) == 107
    assert await api.code("publish", channel=7, data=1) == 107
    assert await api.code("publish", channel="short:a", data="x" * 20) == 106
    assert await api.code("publish", channel="now:a", data=1, version=1) == 107
    assert await api.code("history", channel="now:a", limit=1) == 108
    wrong = {"offset": 1, "epoch": "other"}
    assert await api.code("history", channel="news:a", limit=1, since=wrong) == 112
    assert await api.code("disconnect") == 107
    assert await api.code("disconnect", user="u", disconnect={"code": 1000, "reason": ""}) == 107
    unknown = {"channel": "news:a", "data": 1, "of_a_newer_version": [1]}
    assert (await api.result("publish", **unknown))["offset"] == 1
    log = await api.result("history", channel=task, limit=9)
    assert [one["offset"] for one in log["publications"]] == [1]


async def test_only_keys_open_it_and_what_is_no_json_is_refused(served: Served) -> None:
    key, session = await served.key(), await served.session()
    cookie, own = {"Cookie": f"pygent_session={session}"}, {"Origin": served.url}
    async with httpx.AsyncClient(base_url=served.url, trust_env=False) as http:
        for headers in (
            {},
            {"X-API-Key": "wrong"},
            {"X-API-Key": f"pgk_00000000_{'x' * 43}"},
            {"Authorization": "apikey"},
            {"Authorization": "Basic eDp4"},
            {"Authorization": f"apikey {session}"},
            cookie | own,
        ):
            for method in ("info", "batch", "publish"):
                answer = await http.post(f"/api/{method}", json={}, headers=headers)
                assert answer.status_code == 401, (headers, method)
        assert (await http.post("/api/info", json={}, headers=cookie)).status_code == 403
        for headers in (
            {"X-API-Key": key},
            {"Authorization": f"apikey {key}"},
            {"Authorization": f"Bearer {key}"},
        ):
            answer = await http.post("/api/info", headers=headers)
            assert len(answer.json()["result"]["nodes"]) == 1
        known = {"X-API-Key": key}
        deep = b'{"channel":"news:a","data":%b'
        for body in (b"{", b"\xff", b"nothing", deep % (b"[" * 9999)):
            answer = await http.post("/api/publish", content=body, headers=known)
            assert answer.status_code == 400, body
        nested = deep % (b"[" * 9999 + b"]" * 9999) + b"}"
        answer = await http.post("/api/publish", content=nested, headers=known)
        assert answer.status_code == 400 or answer.json()["error"]["code"] == 107
        large = b'"' + b"x" * 1024 * 1024 + b'"'
        assert (await http.post("/api/publish", content=large, headers=known)).status_code == 413
        assert (await http.get("/api/publish", headers=known)).status_code in (404, 405)
        assert (await http.post("/api/unheard_of", json={}, headers=known)).status_code == 404
        assert (await http.get("/api/openapi.json", headers=known)).status_code in (200, 401)


async def test_channels_and_hubs_are_counted_over_all_hubs(
    served: Served, addresses: Addresses, api: Api
) -> None:
    key = await served.key()
    async with (
        hub_on(addresses) as other,
        client_of(served, key, "news:a", "now:x") as one,
        client_of(other, key, "news:a", "news:b") as two,
    ):
        found = await api.result("channels")
        assert found == {
            "channels": {
                "news:a": {"num_clients": 2},
                "news:b": {"num_clients": 1},
                "now:x": {"num_clients": 1},
            }
        }
        assert list((await api.result("channels", pattern="news:*"))["channels"]) == [
            "news:a",
            "news:b",
        ]
        assert await api.result("channels", pattern="n[eo]w*:?") == found
        assert await api.code("channels", pattern="*" * 256) == 107

        nodes = (await api.result("info"))["nodes"]
        assert {node["uid"] for node in nodes} == {
            hub.hub.opened.sampler.id for hub in (served, other)
        }
        assert [(node["num_clients"], node["num_subs"]) for node in nodes] == [(1, 2)] * 2
        assert [node["num_users"] for node in nodes] == [1, 1]

        rows = (await api.result("connections"))["connections"]
        assert set(rows) == {one.id, two.id}
        assert rows[two.id]["channels"] == ["news:a", "news:b"]
        assert rows[two.id]["transport"] == "websocket"
        assert rows[two.id]["protocol"] == "json"
        assert (await api.result("connections", user="nobody"))["connections"] == {}


async def test_who_is_in_a_channel_is_told_whatever_clients_may_see(
    served: Served, addresses: Addresses, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await served.key()
    async with (
        hub_on(addresses) as other,
        client_of(served, key, "room:a") as one,
        client_of(other, key, "room:a", "room:b") as two,
    ):
        found = (await api.result("presence", channel="room:a"))["presence"]
        assert set(found) == {one.id, two.id}
        assert found[one.id] == {"user": found[two.id]["user"], "client": one.id}
        stats = await api.result("presence_stats", channel="room:a")
        assert stats == {"num_clients": 2, "num_users": 1}
        assert await api.result("presence", channel="room:empty") == {"presence": {}}
        for channel, code in [("news:a", 108), ("tasks:1", 108), ("nowhere:a", 102)]:
            assert await api.code("presence", channel=channel) == code
            assert await api.code("presence_stats", channel=channel) == code
        monkeypatch.setattr(everywhere, "MAX_PRESENT", 0)
        assert await api.code("presence", channel="room:a") == 106


async def test_connections_are_closed_wherever_they_are(
    served: Served, addresses: Addresses, api: Api
) -> None:
    key = await served.key()
    async with (
        hub_on(addresses) as other,
        client_of(served, key) as here,
        client_of(other, key) as there,
        client_of(other, key) as spared,
        client_of(other, await served.key(name="other")) as somebody_else,
    ):
        rows = (await api.result("connections"))["connections"]
        user = rows[here.id]["user"]
        assert await api.result("disconnect", user=user, whitelist=[spared.id]) == {}
        assert await here.closed() == (3503, "force disconnect")
        assert await there.closed() == (3503, "force disconnect")
        assert set((await api.result("connections"))["connections"]) == {
            spared.id,
            somebody_else.id,
        }
        said = {"code": 4321, "reason": "go home"}
        request = {"user": user, "client": somebody_else.id, "disconnect": said}
        assert await api.result("disconnect", **request) == {}
        assert len((await api.result("connections"))["connections"]) == 2
        request["client"] = spared.id
        assert await api.result("disconnect", **request) == {}
        assert await spared.closed() == (4321, "go home")


async def test_a_batch_is_answered_in_its_order_and_each_for_itself(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[dict[str, Any]] = [
        {"publish": {"channel": "news:a", "data": number}} for number in range(20)
    ]
    commands += [
        {"publish": {"channel": "nowhere:a", "data": 1}},
        {"unheard_of": {}},
        {},
        {"batch": {"commands": []}},
        {"publish": {"channel": 1}},
        {"history": {"channel": "news:a"}},
    ]
    for parallel in (False, True):
        answer = await api("batch", commands=commands, parallel=parallel)
        replies = answer["replies"]
        offsets = [reply["publish"]["offset"] for reply in replies[:20]]
        if parallel:
            assert sorted(offsets) == list(range(21, 41))
        else:
            assert offsets == list(range(1, 21))
        codes = [reply["error"]["code"] for reply in replies[20:25]]
        assert codes == [102, 104, 104, 104, 107]
        assert replies[25]["history"]["offset"] >= 20

    assert await api.code("batch", commands=[{"info": {}}] * 1001) == 106
    assert await api.code("batch", commands={}) == 107
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0.0)
    late = await api("batch", commands=commands[:2])
    assert [reply["error"]["code"] for reply in late["replies"]] == [100, 100]


async def test_without_redis_it_says_so_in_time(addresses: Addresses) -> None:
    away = Addresses(
        database=addresses.database,
        redis="redis://127.0.0.1:1/0",
        redis_prefix=addresses.redis_prefix,
    )
    async with hub_on(away) as served, api_of(served, await served.key()) as api:
        with anyio.fail_after(20):
            for method, request in {
                "publish": {"channel": "news:a", "data": 1},
                "broadcast": {"channels": ["news:a"], "data": 1},
                "history": {"channel": "news:a"},
                "channels": {},
                "info": {},
                "presence": {"channel": "room:a"},
                "presence_stats": {"channel": "room:a"},
                "disconnect": {"user": "u"},
            }.items():
                answer = await api(method, **request)
                if method == "broadcast":
                    answer = answer["result"]["responses"][0]
                assert answer["error"]["code"] == 100, method


def test_no_method_is_called_as_the_rest_interface_is() -> None:
    assert not {"v1", "docs", "openapi.json", "health"} & set(METHODS)
