"""Which form a socket speaks, how that is agreed on, and what the other one is answered."""

from collections.abc import Sequence
from typing import Any

import pytest
from websockets.typing import Subprotocol

from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from tests.conformance.conftest import Served
from tests.conformance.test_sockets import CONNECT, FORMS, client_of
from tests.hub.conftest import dense

OF_JSON, OF_PROTOBUF = Subprotocol("centrifuge-json"), Subprotocol("centrifuge-protobuf")


@pytest.mark.parametrize(
    ("offered", "query", "agreed", "form"),
    [
        (None, "", None, JSON),
        ([OF_JSON], "", OF_JSON, JSON),
        ([OF_PROTOBUF], "", OF_PROTOBUF, PROTOBUF),
        ([OF_PROTOBUF, OF_JSON], "", OF_JSON, JSON),
        (None, "?cf_protocol=protobuf", None, PROTOBUF),
        (None, "?format=protobuf", None, PROTOBUF),
        ([OF_PROTOBUF], "?cf_protocol=protobuf", OF_PROTOBUF, PROTOBUF),
        (None, "?format=json", None, JSON),
    ],
)
async def test_the_form_is_what_was_asked_for_and_only_what_was_offered_is_echoed(
    served: Served,
    offered: Sequence[Subprotocol] | None,
    query: str,
    agreed: Subprotocol | None,
    form: Form,
):
    options: dict[str, Any] = {"subprotocols": offered, "query": query or "?"}
    async with client_of(served, form=form, **options) as client:
        assert client.socket.subprotocol == agreed
        await client.send(CONNECT)
        assert (await client.next())["connect"]["pong"]


@FORMS
async def test_the_other_kind_of_frame_closes(served: Served, form: Form):
    async with client_of(served, form=form) as client:
        await client.socket.send("{}" if form.is_binary else b"{}")
        assert (await client.closed())[0] == 3506


@FORMS
@pytest.mark.parametrize("frame", [b"", b"\xff", b"\x05{}"], ids=["empty", "cut", "nothing"])
async def test_a_frame_of_no_commands_closes(served: Served, form: Form, frame: bytes):
    async with client_of(served, form=form) as client:
        await client.socket.send(frame if form.is_binary else frame.decode(errors="replace"))
        assert (await client.closed())[0] == 3501


@FORMS
async def test_a_frame_that_is_too_large_closes(served: Served, form: Form):
    async with client_of(served, form=form) as client:
        await client.socket.send(b"x" * 65_537 if form.is_binary else "x" * 65_537)
        assert (await client.closed())[0] == 1009


async def test_clients_of_both_forms_follow_one_channel_side_by_side(served: Served):
    channel = served.write.new_stream()
    await served.write.append(channel)
    subscribe = {"id": 2, "subscribe": {"channel": str(channel)}}

    async with client_of(served) as in_json, client_of(served, form=PROTOBUF) as in_protobuf:
        for client in (in_json, in_protobuf):
            await client.send(CONNECT, subscribe)
            await client.next()
            await client.next()
        for _ in range(20):
            await served.write.append(channel, 5)
        for client in (in_json, in_protobuf):
            assert await client.pushed(100) == dense(2, 101)
