"""A socket in trouble over a real server: it is told why, and others on the same hub go on."""

import io
from dataclasses import replace

import anyio
import pytest
from starlette.datastructures import Headers

from protocols.centrifugal import connection as connections
from protocols.errors import FactoryError, Forbidden
from protocols.principals import Actor, Principal, TeamId, system
from tests.conformance.conftest import Served
from tests.conformance.test_sockets import CONNECT, client_of
from tests.serving import logging_to


async def test_what_nobody_foresaw_ends_one_socket_which_may_come_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by a secret")

    channel = served.write.new_stream()
    await served.write.append(channel)
    said = io.StringIO()
    async with client_of(served) as one, client_of(served) as other:
        for client in (one, other):
            await client.send(CONNECT)
            await client.next()
        with monkeypatch.context() as patch, logging_to(said):
            patch.setattr(served.live, "subscribe", broken)
            await one.send({"id": 2, "subscribe": {"channel": str(channel)}})
            assert await one.closed() == (3004, "internal server error")
        await other.send({"id": 2, "subscribe": {"channel": str(channel)}})
        assert (await other.next())["subscribe"]["offset"] == 1
    assert "a socket failed" in said.getvalue()


async def test_a_lost_channel_is_told_and_can_be_subscribed_again(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel)
    async with client_of(served) as client:
        await client.send(CONNECT, {"id": 2, "subscribe": {"channel": str(channel)}})
        await client.next()
        await client.next()
        for watched in served.live.fanout:
            served.live.fanout.lose(watched)
        told = (await client.next())["push"]
        assert told["channel"] == str(channel)
        assert told["unsubscribe"]["code"] == 2500
        await client.send({"id": 3, "subscribe": {"channel": str(channel)}})
        assert (await client.next())["subscribe"]["offset"] == 1
        await served.write.append(channel)
        assert await client.pushed(1) == [2]


async def test_a_refresh_while_nobody_can_tell_is_tried_again(served: Served):
    async with client_of(served) as client:
        await client.send({"id": 1, "connect": {"token": "expires-60"}})
        await client.next()
        served.tokens.is_away = True
        await client.send({"id": 2, "refresh": {"token": "expires-90"}})
        error = (await client.next())["error"]
        assert (error["code"], error["temporary"]) == (100, True)
        served.tokens.is_away = False
        await client.send({"id": 3, "refresh": {"token": "expires-90"}})
        assert (await client.next())["refresh"]["ttl"] >= 85


@pytest.mark.parametrize("token", ["wrong", "team-2"])
async def test_a_refresh_by_nobody_or_by_somebody_else_closes(served: Served, token: str):
    async with client_of(served) as client:
        await client.send({"id": 1, "connect": {"token": "expires-60"}})
        await client.next()
        await client.send({"id": 2, "refresh": {"token": token}})
        assert (await client.closed())[0] == 3500


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (Forbidden("the team is closed"), 3507),
        (replace(system(), actor=Actor("key:other")), 3011),
        (replace(system(), team=TeamId(2)), 3011),
    ],
    ids=["forbidden", "another actor", "another team"],
)
async def test_who_may_no_longer_or_is_another_by_now_is_cut(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    later: Principal | FactoryError,
    code: int,
):
    is_in = anyio.Event()

    async def authenticate(headers: Headers, token: str | None) -> Principal:
        if not is_in.is_set():
            return system()
        if isinstance(later, FactoryError):
            raise later
        return later

    monkeypatch.setattr(connections, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(served.sockets, "_authenticate", authenticate)
    async with client_of(served) as client:
        await client.send(CONNECT)
        assert "connect" in await client.next()
        is_in.set()
        assert (await client.closed())[0] == code


async def test_a_history_that_cannot_be_given_says_why(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel)
    absent = str(served.write.new_stream())
    async with client_of(served) as client:
        await client.send(CONNECT)
        await client.next()
        for wish, code in (
            ({"channel": absent, "limit": 1}, 102),
            ({"channel": str(channel), "limit": 1, "since": {"epoch": "_", "offset": 1}}, 112),
        ):
            await client.send({"id": 2, "history": wish})
            assert (await client.next())["error"]["code"] == code
