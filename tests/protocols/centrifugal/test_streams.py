"""Connections without a socket: how bodies are laid out, and whose commands reach which stream."""

import msgspec
import pytest
from starlette.types import Message

from protocols.centrifugal.codes import CONNECTION_LIMIT, SHUTDOWN, Disconnect
from protocols.centrifugal.transports.sessions import (
    MAX_WAITING,
    MAX_WAITING_BYTES,
    Inbox,
    Sessions,
)
from protocols.centrifugal.transports.stream import (
    EVENTS,
    LINES,
    MESSAGES,
    EmulatedForm,
    StreamFrames,
)
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.replies import PING, Reply
from protocols.centrifugal.wire.results import ConnectResult, UnsubscribeResult
from protocols.errors import NotFound, Unavailable


class Answer:
    """What was sent of one."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)


def test_each_message_is_a_line_or_an_event_of_its_own():
    frame = JSON.separator.join([JSON.reply(PING), JSON.reply(PING)])
    assert LINES.lay(frame) == b"{}\n{}\n"
    assert EVENTS.lay(frame) == b"data: {}\n\ndata: {}\n\n"
    assert MESSAGES.lay(b"\x00\x00") == b"\x00\x00"  # two pings, each after its length


def test_a_bare_carriage_return_in_a_payload_does_not_end_an_event():
    laid = EVENTS.lay(b'{"push":{"pub":{"data":{"a":\r1}}}}')
    assert b"\r" not in laid
    data = msgspec.json.decode(laid.removeprefix(b"data: "))
    assert data == {"push": {"pub": {"data": {"a": 1}}}}


def test_only_the_answer_to_connect_names_the_session():
    form = EmulatedForm(JSON, session="secret", node="here")
    result = ConnectResult(client="c", version="v")
    told = msgspec.json.decode(form.reply(Reply(id=1, connect=result)))
    assert told["connect"] == {"client": "c", "version": "v", "session": "secret", "node": "here"}
    assert result.session == ""
    other = Reply(id=2, unsubscribe=UnsubscribeResult())
    assert form.reply(other) == JSON.reply(other)
    assert form.publications == JSON.publications  # so that a batch is spelled once for all


@pytest.mark.parametrize("why", [SHUTDOWN, CONNECTION_LIMIT])
async def test_the_last_message_says_why_and_whether_to_come_back(why: Disconnect):
    answer = Answer()
    form = EmulatedForm(JSON, session="s", node="n")
    frames = StreamFrames(form, LINES, inbox=Inbox(b"first"), send=answer.send)
    await frames.open()
    await frames.send(b"{}")
    await frames.close(why)

    begun, piece, last = answer.messages
    headers = dict(begun["headers"])
    assert headers[b"cache-control"].startswith(b"no-store")
    assert headers[b"x-accel-buffering"] == b"no"
    assert (piece["body"], piece["more_body"]) == (b"{}\n", True)
    said: dict[str, object] = {"code": why.code, "reason": why.reason}
    if why is SHUTDOWN:
        said["reconnect"] = True
    assert msgspec.json.decode(last["body"]) == {"push": {"disconnect": said}}
    assert last["more_body"] is False


async def test_an_inbox_keeps_the_order_and_is_bounded_in_number_and_bytes():
    inbox = Inbox(b"0")
    for number in range(1, MAX_WAITING):
        assert inbox.put(b"%d" % number)
    assert not inbox.put(b"one more")
    assert [await inbox.take() for _ in range(MAX_WAITING)] == [
        b"%d" % number for number in range(MAX_WAITING)
    ]
    assert inbox.put(b"x" * MAX_WAITING_BYTES)
    assert not inbox.put(b"x")


async def test_a_session_is_reached_by_its_secret_on_its_node_while_it_is_open():
    sessions, elsewhere, inbox = Sessions("here"), Sessions("there"), Inbox(b"first")
    refusals: set[str] = set()

    async def refused(session: str, *, node: str) -> None:
        with pytest.raises(NotFound) as raised:
            await sessions.put(session, b"{}", node=node)
        refusals.add(str(raised.value))

    with sessions.opened(inbox) as session, sessions.opened(Inbox(b"other")) as other:
        assert session != other
        await sessions.put(session, b"second", node=sessions.node)
        assert [await inbox.take(), await inbox.take()] == [b"first", b"second"]
        await refused(session, node=elsewhere.node)
        await refused("wrong", node=sessions.node)
        await refused("", node="")
        await sessions.put(session, b"x" * MAX_WAITING_BYTES, node=sessions.node)
        with pytest.raises(Unavailable):
            await sessions.put(session, b"x", node=sessions.node)
    await refused(session, node=sessions.node)
    assert len(refusals) == 1
