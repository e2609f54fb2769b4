"""The endpoint over a real server: what clients rely on beyond the session's own rules."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from protocols.centrifugal import connection as connections
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from tests.conformance.conftest import Served
from tests.hub.conftest import dense
from tests.protocols.centrifugal.official import official, read_officially

CONNECT = {"id": 1, "connect": {"token": "team-1", "name": "test"}}


FORMS = pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])


class Client:
    """Commands and messages as plain dictionaries, in either form."""

    def __init__(self, socket: ClientConnection, form: Form) -> None:
        self.socket = socket
        self._is_binary = form.is_binary
        self._messages: list[dict[str, Any]] = []

    async def send(self, *commands: object) -> None:
        in_json = "\n".join(json.dumps(command) for command in commands)
        await self.socket.send(official(*commands) if self._is_binary else in_json)

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(10):
            while not self._messages:
                self._messages = self._read(await self.socket.recv())
        return self._messages.pop(0)

    def _read(self, frame: str | bytes) -> list[dict[str, Any]]:
        if isinstance(frame, bytes):
            assert self._is_binary
            return read_officially(frame)
        assert not self._is_binary
        return [json.loads(line) for line in frame.split("\n")]

    async def pushed(self, count: int) -> list[int]:
        return [(await self.next())["push"]["pub"]["offset"] for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        with anyio.fail_after(15):
            async for _ in self._until_closed():
                pass
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""

    async def _until_closed(self) -> AsyncGenerator[None]:
        try:
            while True:
                await self.socket.recv()
                yield
        except ConnectionClosed:
            return


@asynccontextmanager
async def client_of(
    served: Served, *, form: Form = JSON, query: str = "", **options: Any
) -> AsyncGenerator[Client]:
    if form.is_binary and not query:
        options["subprotocols"] = ["centrifuge-protobuf"]
    url = served.url + query
    async with connect(url, compression=None, max_size=None, **options) as socket:
        yield Client(socket, form)


@FORMS
async def test_a_frame_with_connect_and_subscribes_is_answered_in_order(served: Served, form: Form):
    channels = [served.write.new_stream() for _ in range(3)]
    for channel in channels:
        await served.write.append(channel, 2)

    async with client_of(served, form=form) as client:
        subscribes = [
            {"id": n, "subscribe": {"channel": str(channel), "recover": True, "offset": 1}}
            for n, channel in enumerate(channels, 2)
        ]
        await client.send(CONNECT, *subscribes)

        connected = (await client.next())["connect"]
        assert connected["client"]
        assert (connected["version"], connected["ping"], connected["pong"]) == ("pygent", 25, True)
        for number in range(2, 5):
            reply = await client.next()
            assert reply["id"] == number
            assert reply["subscribe"]["recovered"]
            assert reply["subscribe"]["was_recovering"]
            assert reply["subscribe"]["offset"] == 1
            assert [one["offset"] for one in reply["subscribe"]["publications"]] == [2]
        await served.write.append(channels[1])
        push = (await client.next())["push"]
        assert push["channel"] == str(channels[1])
        assert push["pub"]["offset"] == push["pub"]["data"]["version"] == 3


@FORMS
async def test_the_subscribe_reply_leaves_before_any_push_and_none_follows_the_unsubscribe(
    served: Served, form: Form
):
    channel = served.write.new_stream()
    await served.write.append_many(channel, 2000)

    async def append() -> None:
        while True:
            await served.write.append(channel)

    async with client_of(served, form=form) as client, anyio.create_task_group() as group:
        group.start_soon(append)
        await client.send(CONNECT)
        await client.next()
        since = {"recover": True, "offset": 0}
        await client.send({"id": 2, "subscribe": {"channel": str(channel), **since}})
        reply = await client.next()
        page = [one["offset"] for one in reply["subscribe"]["publications"]]
        pushed = await client.pushed(2500 - len(page))
        assert page + pushed == dense(1, 2500)

        await client.send({"id": 3, "unsubscribe": {"channel": str(channel)}}, {"id": 4, "rpc": {}})
        while "id" not in (message := await client.next()):
            pass
        assert message == {"id": 3, "unsubscribe": {}}
        assert (await client.next())["id"] == 4
        group.cancel_scope.cancel()


@FORMS
async def test_foreign_and_absent_channels_answer_the_same(served: Served, form: Form):
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with client_of(served, form=form) as client:
        await client.send({"id": 1, "connect": {"token": "team-2"}})
        await client.next()
        for name in (str(channel), str(served.write.new_stream()), "tasks:1", "what:ever"):
            await client.send({"id": 2, "subscribe": {"channel": name}})
            error = (await client.next())["error"]
            assert error["code"] == 102
            assert name not in error["message"] or "there is no" in error["message"]


@FORMS
async def test_all_or_nothing_recovery_is_refused_with_112(served: Served, form: Form):
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with client_of(served, form=form) as client:
        await client.send(CONNECT)
        await client.next()
        wish = {"channel": str(channel), "recover": True, "epoch": "_", "offset": 0, "flag": 2}
        await client.send({"id": 2, "subscribe": wish})
        assert (await client.next())["error"]["code"] == 112
        await client.send({"id": 3, "subscribe": {**wish, "flag": 1}})
        result = (await client.next())["subscribe"]
        assert "recovered" not in result
        assert result["offset"] == 1


@FORMS
async def test_history_is_read_from_the_log(served: Served, form: Form):
    channel = served.write.new_stream()
    await served.write.append(channel, 5)

    async with client_of(served, form=form) as client:
        await client.send(CONNECT)
        await client.next()
        wish = {"channel": str(channel), "limit": 2, "reverse": True}
        await client.send({"id": 2, "history": wish})
        result = (await client.next())["history"]
    assert [one["offset"] for one in result["publications"]] == [5, 4]
    assert result["offset"] == 5


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"id": 1, "connect": {"token": "wrong"}}, 3500),
        ({"id": 1, "subscribe": {"channel": "tasks:1"}}, 3501),
    ],
)
@FORMS
async def test_a_bad_beginning_closes(served: Served, command: object, code: int, form: Form):
    async with client_of(served, form=form) as client:
        await client.send(command)
        assert (await client.closed())[0] == code


async def test_a_revoked_token_closes_for_good_and_trouble_does_not(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "RECHECK_SECONDS", 0.1)
    async with client_of(served) as client:
        await client.send(CONNECT)
        await client.next()
        served.tokens.is_away = True
        await anyio.sleep(0.3)
        served.tokens.is_away = False
        await client.send({"id": 2, "rpc": {}})
        assert (await client.next())["error"]["code"] == 108
        served.tokens.revoked.add("team-1")
        assert (await client.closed())[0] == 3500


@FORMS
async def test_a_token_that_ends_is_refreshed(served: Served, form: Form):
    async with client_of(served, form=form) as client:
        await client.send({"id": 1, "connect": {"token": "expires-60"}})
        result = (await client.next())["connect"]
        assert result["expires"]
        assert 55 <= result["ttl"] <= 60
        await client.send({"id": 2, "refresh": {"token": "expires-90"}})
        assert (await client.next())["refresh"]["ttl"] >= 85
        await client.send({"id": 3, "refresh": {"token": "expires-0"}})
        assert (await client.next())["error"]["code"] == 109
    async with client_of(served, form=form) as client:
        await client.send({"id": 1, "connect": {"token": "expires-0"}})
        assert (await client.next())["error"]["code"] == 109


async def test_a_stopping_server_says_so_to_each(served: Served):
    async with client_of(served) as one, client_of(served) as other:
        for client in (one, other):
            await client.send(CONNECT)
            await client.next()
        assert len(served.sockets) == 2
        served.server.should_exit = True
        assert await one.closed() == (3001, "shutdown")
        assert await other.closed() == (3001, "shutdown")


@FORMS
async def test_a_reader_that_stops_reading_is_cut_as_slow_and_holds_nobody_up(
    served: Served, monkeypatch: pytest.MonkeyPatch, form: Form
):
    monkeypatch.setattr("protocols.centrifugal.outbox.WRITE_SECONDS", 1.0)
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with (
        client_of(served, form=form) as quick,
        client_of(served, form=form, max_queue=1) as stuck,
    ):
        for client in (quick, stuck):
            subscribe = {"id": 2, "subscribe": {"channel": str(channel)}}
            await client.send(CONNECT, subscribe)
            await client.next()
            await client.next()
        for _ in range(40):
            await served.write.append(channel, 20, size=16_000)
        assert await quick.pushed(800) == dense(2, 801)
        with anyio.fail_after(10):
            while not served.sockets.counters.slow_closes:
                await anyio.sleep(0.02)
        assert served.live.recoveries.fell_behind >= 1
        assert (await stuck.closed())[0] == 3008


async def test_a_reader_that_never_reads_again_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("protocols.centrifugal.outbox.WRITE_SECONDS", 0.5)
    monkeypatch.setattr("hub.server.CLOSE_SECONDS", 0.5)
    channel = served.write.new_stream()
    await served.write.append(channel)

    async with client_of(served, max_queue=1, close_timeout=0.1) as stuck:
        await stuck.send(CONNECT, {"id": 2, "subscribe": {"channel": str(channel)}})
        await stuck.next()
        await stuck.next()
        for _ in range(60):
            await served.write.append(channel, 20, size=16_000)
        with anyio.fail_after(10):
            while served.server.server_state.connections:
                await anyio.sleep(0.02)

    assert served.live.subscriptions == 0
    assert len(served.sockets) == 0
