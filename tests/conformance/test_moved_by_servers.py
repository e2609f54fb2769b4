"""Servers put clients into channels and take them out, on whatever hub the clients are."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from hub import errands
from protocols.centrifugal.wire.form import Form
from store.addresses import Addresses
from tests.conformance.guests import KEYS, NAMESPACES, connected, connection_of, signed
from tests.conformance.test_sockets import FORMS
from tests.hub.test_server_api import Api, api_of
from tests.serving import Served, serving, until


@dataclass
class Two:
    """The API of one hub, and another hub that clients are on."""

    api: Api
    other: Served


@pytest.fixture
async def two(anyio_backend: object, addresses: Addresses) -> AsyncGenerator[Two]:
    limits = {"namespaces": NAMESPACES, "realtime_keys": KEYS}
    async with (
        serving(addresses, limits=limits) as hub,
        serving(addresses, limits=limits) as other,
        api_of(hub, await hub.key()) as api,
    ):
        yield Two(api, other)


def moved(channels: list[str]) -> list[str]:
    return [channel for channel in channels if channel != "#42"]  # its own, from the beginning


@FORMS
async def test_a_user_is_put_into_a_channel_and_taken_out_of_it(two: Two, form: Form):
    async with (
        connected(two.other, signed(), is_binary=form.is_binary) as guest,
        connected(two.other, signed("43"), is_binary=form.is_binary) as somebody_else,
    ):
        known: dict[str, Any] = {"user": "42", "channel": "closed:a"}
        assert await two.api.result("subscribe", **known, data={"seat": 7}) == {}
        await until(lambda: "closed:a" in [one.channel for one in guest.entered])
        told = guest.entered[-1]
        assert guest.read(told.data) == {"seat": 7}
        assert (told.positioned, told.recoverable) == (True, True)
        await two.api.result("publish", channel="closed:a", data={"n": 1})
        await until(lambda: guest.heard == [("closed:a", {"n": 1})])

        assert await two.api.result("subscribe", **known) == {}  # it stays as it is
        assert await two.api.result("unsubscribe", **known) == {}
        await until(lambda: guest.left == ["closed:a"])
        await two.api.result("publish", channel="closed:a", data={"n": 2})
        assert await two.api.result("unsubscribe", **known) == {}
        await anyio.sleep(0.1)
        assert guest.heard == [("closed:a", {"n": 1})]
        assert moved([one.channel for one in guest.entered]) == ["closed:a"]
        assert [one for one in somebody_else.entered if one.channel == "closed:a"] == []
        assert guest.closed == somebody_else.closed == []


@FORMS
async def test_it_continues_a_position_and_is_told_what_others_see(two: Two, form: Form):
    first = await two.api.result("publish", channel="closed:a", data=1)
    for number in (2, 3):
        await two.api.result("publish", channel="closed:a", data=number)
    async with connected(two.other, signed(), is_binary=form.is_binary) as guest:
        since = {"offset": 1, "epoch": first["epoch"]}
        await two.api.result("subscribe", user="42", channel="closed:a", recover_since=since)
        await until(lambda: len(guest.heard) == 2)
        await two.api.result("publish", channel="closed:a", data=4)
        await until(lambda: len(guest.heard) == 3)
        assert guest.heard == [("closed:a", number) for number in (2, 3, 4)]


async def test_only_the_client_that_is_named_is_moved(two: Two):
    async with connected(two.other, signed()) as one, connected(two.other, signed()) as same:
        known = {"user": "42", "client": same.connected[0], "channel": "closed:a"}
        await two.api.result("subscribe", **known)
        await until(lambda: "closed:a" in [entered.channel for entered in same.entered])
        assert moved([entered.channel for entered in one.entered]) == []
        wrong = {**known, "user": "43", "channel": "closed:b"}
        await two.api.result("subscribe", **wrong)
        rows = (await two.api.result("connections", user="42"))["connections"]
        assert rows[same.connected[0]]["channels"] == ["#42", "closed:a"]


async def test_words_for_one_client_are_carried_out_in_order(two: Two):
    async with connected(two.other, signed()) as guest:
        known = {"user": "42", "channel": "closed:a"}
        batch = [{method: known} for method in ("subscribe", "unsubscribe") * 20]
        await two.api("batch", commands=[*batch, {"subscribe": known}])
        await until(lambda: len(guest.left) == 20)
        connection = connection_of(two.other, guest)
        await until(lambda: connection.channels == ["#42", "closed:a"])


async def test_what_was_for_a_time_ends_with_it(two: Two):
    async with connected(two.other, signed()) as guest:
        known = {"user": "42", "channel": "closed:a"}
        await two.api.result("subscribe", **known, expire_at=time.time() + 1)
        await until(lambda: 3006 in guest.errors or len(guest.connected) > 1, seconds=10)


async def test_guests_are_let_stay_longer_or_no_longer(two: Two):
    async with connected(two.other, signed(seconds=600)) as guest:
        connection = connection_of(two.other, guest)
        ends = int(time.time()) + 7200
        assert await two.api.result("refresh", user="42", expire_at=ends) == {}
        assert connection.visitor is not None
        assert connection.visitor.principal.expires_at == ends
        assert await two.api.result("refresh", user="42") == {}
        assert connection.visitor.principal.expires_at is None
        assert await two.api.result("refresh", user="42", expired=True) == {}
        await until(lambda: connection.why is not None)
        assert connection.why is not None
        assert connection.why.code == 3005


async def test_what_makes_no_sense_is_said(two: Two, monkeypatch: pytest.MonkeyPatch):
    assert await two.api.code("subscribe", channel="closed:a") == 107
    assert await two.api.code("unsubscribe", channel="closed:a") == 107
    assert await two.api.code("refresh") == 107
    assert await two.api.code("subscribe", user="42", channel="nowhere:a") == 102
    assert await two.api.code("subscribe", user="42", channel="") == 107
    assert await two.api.code("subscribe", user="42", channel="closed:a", b64data="!") == 107
    nothing = {"user": "nobody", "channel": "closed:a"}
    assert await two.api.result("subscribe", **nothing) == {}
    monkeypatch.setattr(errands, "MAX_WAITING", 0)
    async with connected(two.other, signed()) as guest:
        assert await two.api.code("subscribe", user="42", channel="closed:a") == 106
        assert moved([one.channel for one in guest.entered]) == []


async def test_a_channel_of_another_team_is_nobodys(two: Two):
    async with connected(two.other, signed()) as guest:
        await two.api.result("subscribe", user="42", channel="tasks:2")
        await two.api.result("subscribe", user="42", channel="closed:a")
        await until(lambda: "closed:a" in [one.channel for one in guest.entered])
        assert moved([one.channel for one in guest.entered]) == ["closed:a"]
        assert guest.closed == []
