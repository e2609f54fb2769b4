"""An application's server is asked who may connect, and told who has left and what clients send."""

import socket
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocols.centrifugal import codes
from protocols.centrifugal.wire.form import Form
from store.addresses import Addresses
from tests.conformance.guests import (
    Guest,
    connected,
    connection_of,
    hub_with_guests,
    signed,
    websocket,
)
from tests.conformance.test_sockets import FORMS
from tests.serving import Served, Server, until


class Told:
    """An application's server: what it was told, and what it says."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[dict[str, Any]] = []
        self.secrets: set[str | None] = set()
        self.answer: Any = {}
        self.status = 200
        self.failures = 0
        self.delay = 0.0

    async def serve(self, request: Request) -> Response:
        event = await request.json()
        self.secrets.add(request.headers.get("authorization"))
        await anyio.sleep(self.delay)
        if self.failures:
            self.failures -= 1
            return Response(status_code=503)
        self.events.append(event)
        return JSONResponse(self.answer, status_code=self.status)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]


@asynccontextmanager
async def told_server() -> AsyncGenerator[Told]:
    told = Told()
    app = Starlette(routes=[Route("/hook", told.serve, methods=["POST"])])
    server = Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        told.url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            await until(lambda: server.started)
            try:
                yield told
            finally:
                server.should_exit = True


@asynccontextmanager
async def hooked(addresses: Addresses) -> AsyncGenerator[tuple[Served, Told]]:
    async with (
        told_server() as told,
        hub_with_guests(addresses, hook_url=told.url, hook_secret="of the hook") as served,
    ):
        yield served, told


async def send(guest: Guest, *values: Any) -> None:
    """The Python client has no method for it, but encodes the command."""
    written = [guest.write(value) for value in values]
    if guest.is_binary:
        written = [b64encode(one).decode() for one in written]
    await guest.client._send_commands([{"send": {"data": one}} for one in written])


@FORMS
async def test_a_guest_is_asked_about_and_told_of_to_its_end(addresses: Addresses, form: Form):
    async with hooked(addresses) as (served, told):
        async with connected(served, signed(), is_binary=form.is_binary) as guest:
            (event,) = told.events
            about = {
                "client": guest.connected[0],
                "user": "42",
                "team": 1,
                "is_guest": True,
                "transport": "websocket",
            }
            assert event == {"event": "connect", **about}
            await send(guest, *range(30))
            await until(lambda: len(told.of("message")) == 30)
            assert [one["data"] for one in told.of("message")] == list(range(30))
            assert told.of("message")[0] == {"event": "message", **about, "data": 0}
        await until(lambda: bool(told.of("disconnect")))
        left = {"event": "disconnect", **about, "code": 3000, "reason": "connection closed"}
        assert told.of("disconnect") == [left]
        assert told.secrets == {"Bearer of the hook"}


async def test_why_the_hub_ended_a_connection_is_told(addresses: Addresses):
    async with hooked(addresses) as (served, told), connected(served, signed()) as guest:
        connection_of(served, guest).close(codes.FORCE_RECONNECT)
        await until(lambda: bool(told.of("disconnect")))
        assert told.of("disconnect")[0]["code"] == 3011
        await until(lambda: len(told.of("connect")) == 2)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"disconnect": {"code": 4001, "reason": "pay first"}}, 4001),
        ({"disconnect": {}}, 4403),
        ({"disconnect": {"code": 3000, "reason": "\u00e4" * 500}}, 4403),
    ],
)
async def test_whom_the_application_refuses_is_closed_with_its_code(
    addresses: Addresses, answer: Any, code: int
):
    async with hooked(addresses) as (served, told):
        told.answer = answer
        guest = Guest(websocket(served), is_binary=False, token=signed())
        await guest.client.connect()
        await until(lambda: bool(told.events))
        await anyio.sleep(0.2)
        assert guest.connected == []
        await guest.client.disconnect()
        await anyio.sleep(0.1)
        assert told.of("disconnect") == []


@pytest.mark.parametrize("trouble", ["slow", "failing", "nonsense", "large"])
async def test_while_it_cannot_be_asked_no_guest_is_let_in_and_members_are(
    addresses: Addresses, trouble: str
):
    async with hooked(addresses) as (served, told):
        told.delay = 3.0 if trouble == "slow" else 0.0
        told.status = 503 if trouble == "failing" else 200
        told.answer = {"large": "x" * 20_000, "nonsense": [1]}.get(trouble, {})
        guest = Guest(websocket(served), is_binary=False, token=signed())
        await guest.client.connect()
        try:
            await until(lambda: bool(guest.errors), seconds=10)
            assert guest.connected == []
            async with connected(served, await served.key()) as member:
                assert member.closed == []
            told.delay, told.status, told.answer = 0.0, 200, {}
            await until(lambda: len(guest.connected) == 1, seconds=15)
        finally:
            await guest.client.disconnect()


async def test_what_cannot_be_told_is_tried_again_once(addresses: Addresses):
    async with hooked(addresses) as (served, told), connected(served, await served.key()) as member:
        told.failures = 1
        await send(member, "again")
        await until(lambda: len(told.of("message")) == 1, seconds=10)
        told.failures = 2
        await send(member, "lost", "next")
        await until(lambda: len(told.of("message")) == 2, seconds=10)
        assert [one["data"] for one in told.of("message")] == ["again", "next"]
        assert told.of("message")[0]["user"].startswith("key:")
        assert told.of("connect") == []


async def test_without_a_hook_what_clients_send_closes(addresses: Addresses):
    async with hub_with_guests(addresses) as served, connected(served, signed()) as guest:
        await send(guest, 1)
        assert await guest.until_closed() == 3508
