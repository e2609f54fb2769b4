"""The official Python client comes with tokens of an application, in both forms."""

import json
import time
from functools import partial
from typing import Any

import httpx
import pytest

from protocols import channels
from protocols.centrifugal import codes
from protocols.centrifugal.connection import Connection
from protocols.centrifugal.wire.form import Form
from store.addresses import Addresses
from tests.conformance.guests import (
    connected,
    connection_of,
    giving,
    hub_with_guests,
    signed,
)
from tests.conformance.test_sockets import FORMS
from tests.protocols.centrifugal.signing import by_ed25519
from tests.serving import Served, until


def channel_of(served: Served, name: str) -> channels.Channel:
    return channels.parse(name, served.hub.opened.live.namespaces)


async def publish(served: Served, name: str, *values: Any) -> None:
    """As an operator's program does."""
    async with connected(served, await served.key()) as program:
        for value in values:
            await program.client.publish(name, value)


@FORMS
async def test_a_guest_talks_where_the_namespace_lets_it(addresses: Addresses, form: Form):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(info={"name": "Ann"}), is_binary=form.is_binary) as guest,
        connected(served, await served.key(), is_binary=form.is_binary) as member,
    ):
        here, there = await guest.in_channel("open:a"), await member.in_channel("open:a")
        await here.publish({"n": 1})
        await until(lambda: bool(there.publications))
        (heard,) = there.publications
        assert guest.read(heard.data) == {"n": 1}
        assert heard.info is not None
        assert (heard.info.user, heard.info.client) == ("42", guest.connected[0])
        assert guest.read(heard.info.conn_info) == {"name": "Ann"}

        task = f"task:{await served.task()}"
        for name in ("team:a", "closed:a", task, "tasks:1", "overview:1", "#43"):
            assert (await guest.in_channel(name)).ended == [103], name
        assert (await guest.in_channel("#42,43")).ended == []
        assert (await member.in_channel("team:a")).ended == []
        assert (await member.in_channel(task)).ended == []


@FORMS
async def test_a_token_opens_channels_and_says_who_is_there(addresses: Addresses, form: Form):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(), is_binary=form.is_binary) as guest,
    ):
        task = f"task:{await served.task()}"
        token = signed(channel="closed:*", channels=["team:a", task], info={"seat": 7})
        for name in ("closed:a", "closed:b", "team:a", task):
            one = await guest.in_channel(name, token=token)
            assert one.ended == []
        one = await guest.in_channel("closed:c", token=token)
        await one.publish({"n": 1})
        await until(lambda: bool(one.publications))
        info = one.publications[0].info
        assert info is not None
        assert guest.read(info.chan_info) == {"seat": 7}


async def test_a_task_of_another_team_is_opened_by_no_token(addresses: Addresses):
    async with hub_with_guests(addresses) as served:
        await served.key(team=channels.TeamId(2))
        task = f"task:{await served.task()}"
        claims = {"sub": "42", "exp": time.time() + 60}
        async with connected(served, by_ed25519(claims)) as guest:
            token = by_ed25519({**claims, "channel": task})
            one = await guest.in_channel(task, token=token)
            assert one.ended == [102]


@FORMS
async def test_an_expired_token_is_replaced_by_the_client(addresses: Addresses, form: Form):
    asked, give = giving(partial(signed, seconds=60))
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(seconds=-1), is_binary=form.is_binary, get_token=give) as guest,
    ):
        assert len(asked) == 1
        assert guest.closed == []
        old, fresh = signed(channel="closed:a", seconds=-1), signed(channel="closed:a", seconds=60)
        asked, give = giving(lambda: fresh)
        one = await guest.in_channel("closed:a", token=old, get_token=give)
        assert (one.ended, len(asked)) == ([], 1)


@pytest.mark.parametrize(
    "token",
    [
        signed(channel="open:a"),
        signed(nbf=time.time() + 600),
        signed("key:12345678"),
        signed() + "x",
        by_ed25519({"sub": "42", "aud": 5}),
        "a.b.c",
        "no token at all",
    ],
)
async def test_a_token_that_is_none_closes_for_good(addresses: Addresses, token: str):
    async with hub_with_guests(addresses) as served, connected(served, token) as guest:
        assert await guest.until_closed() == 3500


async def test_without_keys_nobody_comes_by_a_token(addresses: Addresses):
    async with (
        hub_with_guests(addresses, realtime_keys="") as served,
        connected(served, signed()) as guest,
    ):
        assert await guest.until_closed() == 3500


@FORMS
async def test_connections_and_subscriptions_are_refreshed_in_time(
    addresses: Addresses, form: Form
):
    short = partial(signed, seconds=2)
    asked, give = giving(short, short, signed)
    async with (
        hub_with_guests(addresses) as served,
        connected(served, short(), is_binary=form.is_binary, get_token=give) as guest,
    ):
        of_channel = partial(short, channel="closed:a")
        refreshed, give_more = giving(of_channel, partial(signed, channel="closed:*"))
        one = await guest.in_channel("closed:a", token=of_channel(), get_token=give_more)
        await until(lambda: len(asked) >= 3 and len(refreshed) >= 2, seconds=10)
        await until(lambda: expires_in(connection_of(served, guest)) is None)
        assert guest.connected == guest.connected[:1]
        assert (guest.closed, one.ended, len(one.subscribed)) == ([], [], 1)


async def test_the_token_of_somebody_else_does_not_refresh_a_connection(addresses: Addresses):
    _, give = giving(partial(signed, "43", seconds=60))
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(seconds=1.1), get_token=give) as guest,
    ):
        assert await guest.until_closed() == 3500


@FORMS
async def test_who_does_not_refresh_a_subscription_loses_it(addresses: Addresses, form: Form):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(), is_binary=form.is_binary) as guest,
    ):
        old = signed(channel="closed:a", seconds=60)
        _, give = giving(partial(signed, channel="closed:a"))
        one = await guest.in_channel("closed:a", token=old, get_token=give)
        connection = connection_of(served, guest)
        await connection.server_side.remove("closed:a", codes.EXPIRED_SUBSCRIPTION)
        await until(lambda: len(one.subscribed) == 2, seconds=10)
        assert (one.ended, guest.closed) == ([], [])


@FORMS
async def test_the_server_subscribes_whom_a_token_or_a_namespace_says(
    addresses: Addresses, form: Form
):
    async with hub_with_guests(addresses) as served:
        task = f"task:{await served.task()}"
        await served.key(team=channels.TeamId(2))
        claims = {
            "channels": ["closed:a", "nowhere:a", "tasks:2", task],
            "subs": {"open:a": {"data": {"hello": 1}, "info": {"seat": 7}}, "now:a": {}},
        }
        async with connected(served, signed(**claims), is_binary=form.is_binary) as guest:
            await until(lambda: len(guest.entered) == 5)
            found = {one.channel: one for one in guest.entered}
            assert set(found) == {"#42", "closed:a", task, "open:a", "now:a"}
            assert guest.read(found["open:a"].data) == {"hello": 1}
            assert [found[name].positioned for name in ("#42", task, "now:a")] == [
                True,
                True,
                False,
            ]

            await publish(served, "#42", {"n": 1})
            await guest.client.publish("open:a", guest.write({"n": 2}))
            await until(lambda: len(guest.heard) == 2)
            assert guest.heard == [("#42", {"n": 1}), ("open:a", {"n": 2})]
            info = guest.publications[1][1].info
            assert info is not None
            assert guest.read(info.chan_info) == {"seat": 7}


@FORMS
async def test_where_the_server_subscribes_nothing_is_missed_while_away(
    addresses: Addresses, form: Form
):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(subs={"closed:a": {}}), is_binary=form.is_binary) as guest,
    ):
        await until(lambda: len(guest.entered) == 2)
        await publish(served, "#42", 1, 2)
        await until(lambda: len(guest.heard) == 2)
        connection_of(served, guest).close(codes.FORCE_RECONNECT)
        await publish(served, "#42", 3, 4, 5)
        await until(lambda: len(guest.heard) == 5)
        assert guest.heard == [("#42", n) for n in range(1, 6)]
        again = [(one.channel, one.was_recovering, one.recovered) for one in guest.entered[2:]]
        assert sorted(again) == [("#42", True, True), ("closed:a", True, True)]


@FORMS
async def test_much_that_was_missed_follows_the_answer_to_connect(addresses: Addresses, form: Form):
    names = [f"open:{n}" for n in range(6)]
    large = {"text": "x" * 60_000}
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(channels=names), is_binary=form.is_binary) as guest,
    ):
        await until(lambda: len(guest.entered) == 7)
        connection = connection_of(served, guest)
        async with connected(served, signed("43", channels=names)) as other:
            await until(lambda: len(other.entered) == 7)
            connection.close(codes.FORCE_RECONNECT)
            for name in names:
                for n in range(2):
                    await other.client.publish(name, {**large, "n": n})
        await until(lambda: len(guest.heard) == 12, seconds=20)
        for name in names:
            told = [
                (pub.offset, guest.read(pub.data)["n"])
                for at, pub in guest.publications
                if at == name
            ]
            assert told == [(1, 0), (2, 1)], name
        assert all(one.recovered for one in guest.entered[7:])


@FORMS
async def test_the_server_adds_and_takes_away_while_one_is_connected(
    addresses: Addresses, form: Form
):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(), is_binary=form.is_binary) as guest,
    ):
        connection = connection_of(served, guest)
        closed = channel_of(served, "closed:a")
        await connection.server_side.add(closed)
        await connection.server_side.add(closed)
        await until(lambda: len(guest.entered) == 2)
        await guest.client.publish("closed:a", guest.write(1))
        await until(lambda: guest.heard == [("closed:a", 1)])
        await connection.server_side.remove("closed:a")
        await until(lambda: guest.left == ["closed:a"])
        assert guest.closed == []


async def test_a_connection_is_let_live_longer_or_ended_by_the_server(addresses: Addresses):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(seconds=60)) as guest,
    ):
        connection = connection_of(served, guest)
        connection.renew(None)
        assert expires_in(connection) is None
        connection.renew(time.time() - 100)
        await until(lambda: connection.why is codes.EXPIRED, seconds=10)
        await until(lambda: len(guest.connected) == 2, seconds=10)


def expires_in(connection: Connection) -> float | None:
    assert connection.visitor is not None
    return connection.visitor.principal.expires_at


async def test_a_guest_who_only_listens_is_put_into_channels_and_goes_on_there(
    addresses: Addresses,
):
    async def listen(subs: dict[str, Any], count: int) -> list[dict[str, Any]]:
        connect = {"token": signed(channels=["closed:a"]), "subs": subs}
        params = {"cf_connect": json.dumps(connect)}
        told: list[dict[str, Any]] = []
        async with (
            httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=10) as client,
            client.stream("GET", "/connection/uni_sse", params=params) as answer,
        ):
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    told.append(json.loads(line.removeprefix("data:")))
                if len(told) == count:
                    break
        return told

    async with hub_with_guests(addresses) as served:
        (first,) = await listen({}, 1)
        assert set(first["connect"]["subs"]) == {"#42", "closed:a"}
        position = first["connect"]["subs"]["#42"]
        await publish(served, "#42", "missed")
        since = {"recover": True, "epoch": position["epoch"], "offset": position.get("offset", 0)}
        refused = {"team:a": {}}
        again, denied = await listen({"#42": since, **refused}, 2)
        own = again["connect"]["subs"]["#42"]
        assert own["recovered"]
        assert [one["data"] for one in own["publications"]] == ["missed"]
        assert denied["channel"] == "team:a"
        assert denied["unsubscribe"]["code"] == 2000
