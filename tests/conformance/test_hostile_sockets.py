"""Thousands of frames nobody should send, at the endpoints of a real server, by a printed seed.

Each is answered: by a reply, or by a close with the code it deserves. Nothing of it is a traceback
in the log, and nothing stays in memory. What a session makes of messages alone is tested with it.
"""

import io
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import anyio
import httpx
import psutil
import pytest

from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from tests.conformance.conftest import Served
from tests.conformance.raw_socket import (
    BINARY,
    CLOSE,
    CONT,
    LONGEST,
    PING,
    PONG,
    TEXT,
    RawSocket,
    frame,
    raw_socket,
)
from tests.protocols.centrifugal.official import official, read_officially
from tests.protocols.centrifugal.test_hostile_frames import CONNECTED, NEW, fields, mutated
from tests.serving import logging_to

FRAMES, MESSAGES, BODIES = 600, 600, 200  # of frames; of messages in either form; for each endpoint
LARGEST = 64 * 1024
MOST_GROWTH = 12 * 1024 * 1024
MESSAGE_CODES = {1007, 1009, 3003, 3013, 3500, 3501, 3503, 3508}
MESSAGES_EACH = 30  # at most, on one socket
CONNECT = {"id": 1, "connect": {"token": "team-1"}}
LAST = {"id": 987_654_321, "presence": {"channel": "task:none"}}
WAIT_SECONDS = 0.3
THERE = b"are you there"
BROKEN_TEXT = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82")
ODD = (
    b"[" * 30_000,
    b'{"id":' + b"9" * 5000 + b"}",
    b'{"id":1,"connect":' + b'{"data":' * 5000 + b"1" + b"}" * 5001,
    b'{"id":1e400,"connect":{}}',
    b'{"id":1,"connect":{"data":NaN}}',
    b'{"id":1,"id":2,"connect":{}}',
    b'{"id":1,"connect":{"token":"\\ud800"}}',
    b'{"id":1,"connect":{"token":"\\u0000"}}',
    b"{" + b",".join(b'"k%d":1' % n for n in range(8000)) + b"}",
    b"null",
    b"[]",
    b'"connect"',
    b"",
    b"\n\n\n",
    b"\x00",
)


@dataclass(frozen=True)
class Case:
    """What is sent, and with which of these codes it is closed; none: it is not."""

    name: str
    sent: bytes
    codes: frozenset[int]


def closes(name: str, sent: bytes, *codes: int) -> Case:
    return Case(name, sent, frozenset(codes))


def cases(dice: random.Random) -> Iterator[Case]:
    """Frames that break a rule of the WebSocket itself, each in many ways; for one in JSON."""
    kinds: list[Callable[[random.Random], Case]] = [
        _reserved,
        _unknown,
        _unmasked,
        _control,
        _pieces,
        _broken_text,
        _broken_close,
        _good_close,
        _too_long,
        _other_form,
        _allowed,
    ]
    for _ in range(FRAMES):
        yield dice.choice(kinds)(dice)


def _reserved(dice: random.Random) -> Case:
    opcode = dice.choice((TEXT, BINARY, CLOSE, PING, PONG))
    return closes("reserved bits", frame(opcode, b"{}", reserved=dice.randint(1, 7)), 1002)


def _unknown(dice: random.Random) -> Case:
    opcode = dice.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
    return closes("unknown opcode", frame(opcode, dice.randbytes(dice.randint(0, 200))), 1002)


def _unmasked(dice: random.Random) -> Case:
    opcode = dice.choice((TEXT, BINARY, PING, PONG, CLOSE))
    return closes("no mask", frame(opcode, b"{}", masked=False), 1002)


def _control(dice: random.Random) -> Case:
    opcode = dice.choice((CLOSE, PING, PONG))
    if dice.random() < 0.5:
        return closes("a control frame in pieces", frame(opcode, b"", fin=False), 1002)
    size = dice.choice((dice.randint(126, LARGEST), LARGEST + 1))
    return closes(
        "a long control frame",
        frame(opcode, b"x" * size),
        1002,
        *([1009] if size > LARGEST else []),
    )


def _pieces(dice: random.Random) -> Case:
    begun = frame(TEXT, b'{"id":1', fin=False)
    match dice.randrange(3):
        case 0:
            sent = frame(CONT, b"{}", fin=dice.random() < 0.5)
        case 1:
            sent = begun + frame(dice.choice((TEXT, BINARY)), b"{}")
        case _:
            sent = begun + frame(CONT, b"}") + frame(CONT, b"{}")
    return closes("pieces of nothing", sent, 1002, 3501)


def _broken_text(dice: random.Random) -> Case:
    text = b'{"id":1}' + dice.choice(BROKEN_TEXT) + dice.choice((b"", b"x"))
    if dice.random() < 0.5:
        at = dice.randrange(len(text))
        return closes(
            "no UTF-8, in pieces", frame(TEXT, text[:at], fin=False) + frame(CONT, text[at:]), 1007
        )
    return closes("no UTF-8", frame(TEXT, text), 1007)


def _broken_close(dice: random.Random) -> Case:
    match dice.randrange(3):
        case 0:
            return closes("half a code", frame(CLOSE, b"\x03"), 1002)
        case 1:
            code = dice.choice((0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000, 65535))
            return closes("a code nobody may send", frame(CLOSE, code.to_bytes(2)), 1002)
        case _:
            reason = (1000).to_bytes(2) + dice.choice(BROKEN_TEXT)
            return closes("a reason that is no UTF-8", frame(CLOSE, reason), 1002, 1007)


def _good_close(dice: random.Random) -> Case:
    code = dice.choice((1000, 1001, 1011, 3000, 4999))
    begun = frame(TEXT, b"{", fin=False) if dice.random() < 0.3 else b""
    return closes("a close", begun + frame(CLOSE, code.to_bytes(2) + b"bye"), code)


def _too_long(dice: random.Random) -> Case:
    length = dice.choice((LARGEST + 1, 1 << 20, 1 << 31, 1 << 40, LONGEST, (1 << 64) - 1))
    sent = frame(dice.choice((TEXT, BINARY)), dice.randbytes(20), length=length)
    return closes("too long, by its head alone", sent, 1009, 1002)


def _other_form(dice: random.Random) -> Case:
    return closes("bytes where text is spoken", frame(BINARY, b"{}"), 3506)


def _allowed(dice: random.Random) -> Case:
    pings = frame(PING, dice.randbytes(dice.randint(0, 125))) * dice.randint(1, 20)
    return Case("pings and pongs", pings + frame(PONG, dice.randbytes(20)), frozenset())


@pytest.fixture
def dice() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    return random.Random(seed)


async def code_of(socket: RawSocket) -> int:
    """With which it was closed; 0: it lives, and answers our ping."""
    while (came := await socket.next()) is not None:
        if came.opcode == CLOSE:
            return came.code
        if came.opcode == PONG and came.data == THERE:
            return 0
    return 1006


async def answered(socket: RawSocket, form: Form) -> int:
    """With which code it was closed; 0: what we asked last was answered, after all before it."""
    while (came := await socket.next()) is not None:
        if came.opcode == CLOSE:
            return came.code
        said = (
            read_officially(came.data)
            if form.is_binary
            else [json.loads(line) for line in came.data.split(b"\n")]
        )
        if any(one.get("id") == LAST["id"] for one in said):
            return 0
    return 1006


class Memory:
    """How much this process grows once it has warmed up."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._warm = 0

    def note(self, share: float) -> None:
        if share >= 0.4 and not self._warm:
            self._warm = self._process.memory_info().rss

    @property
    def growth(self) -> int:
        return self._process.memory_info().rss - self._warm


async def test_each_hostile_frame_is_closed_with_the_code_it_deserves(
    served: Served, dice: random.Random
):
    log, memory = io.StringIO(), Memory()
    tried = closed = 0
    with logging_to(log):
        for case in cases(dice):
            async with raw_socket(served.url) as socket:
                await socket.send(case.sent, *([] if case.codes else [frame(PING, THERE)]))
                code = await code_of(socket)
            assert code in (case.codes or {0}), f"{case.name}: {code}, sent {case.sent[:80]!r}"
            tried, closed = tried + 1, closed + (code != 0)
            memory.note(tried / FRAMES)
    print(f"{tried} frames, {closed} closed")
    assert "Traceback" not in log.getvalue(), log.getvalue()[-4000:]
    assert memory.growth < MOST_GROWTH


@pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])
async def test_each_hostile_message_is_answered_or_closed(
    served: Served, dice: random.Random, form: Form
):
    log, memory = io.StringIO(), Memory()
    tried = closed = 0
    with logging_to(log):
        while tried < MESSAGES:
            begins = dice.random() < 0.5
            subprotocol = "centrifuge-protobuf" if form.is_binary else None
            async with raw_socket(served.url, subprotocol=subprotocol) as socket:
                code, count = await _worked_over(socket, form, dice, begins=begins)
            tried, closed = tried + count, closed + (code != 0)
            memory.note(tried / MESSAGES)
    print(f"{tried} messages, {closed} closed")
    assert closed
    assert "Traceback" not in log.getvalue(), log.getvalue()[-4000:]
    assert memory.growth < MOST_GROWTH


async def _worked_over(
    socket: RawSocket, form: Form, dice: random.Random, *, begins: bool
) -> tuple[int, int]:
    """Hostile messages on one socket until it closes, or there were enough; how many."""
    opcode = BINARY if form.is_binary else TEXT
    if not begins:
        await socket.send(frame(opcode, spelled(form, CONNECT)))
    for count in range(1, MESSAGES_EACH + 1):
        message = hostile(form, NEW if begins else CONNECTED, dice)
        await socket.send(frame(opcode, message), frame(opcode, spelled(form, LAST)))
        if code := await answered(socket, form):
            assert code in MESSAGE_CODES, f"closed with {code} after {message[:200]!r}"
            return code, count
    return 0, MESSAGES_EACH


def hostile(form: Form, commands: Sequence[object], dice: random.Random) -> bytes:
    """A message nobody should send, or one that is cut off somewhere."""
    whole = spelled(form, dice.choice(commands))
    match dice.randrange(5):
        case 0:
            return whole[: dice.randrange(len(whole))]
        case 1 if form.is_binary:
            message = b"\x08\x01" + b"".join(fields(dice))
            return bytes([len(message) & 0x7F]) + message
        case 1:
            return dice.choice(ODD)
        case _:
            changed = mutated(whole, dice)
            return changed if form.is_binary else changed.decode(errors="replace").encode()


def spelled(form: Form, command: object) -> bytes:
    return official(command) if form.is_binary else json.dumps(command).encode()


@pytest.mark.parametrize("path", ["/emulation", "/connection/http_stream", "/connection/sse"])
async def test_each_hostile_body_is_answered_with_an_error_or_a_close(
    served: Served, dice: random.Random, path: str
):
    log, memory = io.StringIO(), Memory()
    site = served.url.replace("ws:", "http:").partition("/connection")[0]
    statuses: dict[int, int] = {}
    outcomes: dict[str, int] = {}
    with logging_to(log):
        async with httpx.AsyncClient(base_url=site, trust_env=False, timeout=10) as client:
            for tried in range(BODIES):
                form = dice.choice((JSON, PROTOBUF))
                body = hostile(form, [*NEW, *CONNECTED], dice)
                kind = "application/octet-stream" if form.is_binary else "application/json"
                headers = {"Content-Type": kind}
                if path == "/connection/sse" and dice.random() < 0.3:
                    asked = client.build_request("GET", path, params={"cf_connect": body[:2000]})
                else:
                    asked = client.build_request("POST", path, content=body, headers=headers)
                answer = await client.send(asked, stream=True)
                status = answer.status_code
                assert status < 500, (status, body[:200])
                if status == 200:
                    said = await _first_of(answer, form, is_event=path.endswith("sse"))
                    outcomes[said] = outcomes.get(said, 0) + 1
                await answer.aclose()
                statuses[status] = statuses.get(status, 0) + 1
                memory.note(tried / BODIES)
    print(path, statuses, outcomes)
    assert "Traceback" not in log.getvalue(), log.getvalue()[-3000:]
    assert memory.growth < MOST_GROWTH


async def _first_of(answer: httpx.Response, form: Form, *, is_event: bool) -> str:
    """What a stream says first, and it is one of these: an answer, an error, a close."""
    got = b""
    with anyio.move_on_after(WAIT_SECONDS):
        async for chunk in answer.aiter_raw():
            got += chunk
            if got.strip():
                break
    if not got.strip():
        return "nothing yet"  # a frame without a command: the stream waits for its `connect`
    if form.is_binary and not is_event:
        first = read_officially(got)[0]
    else:
        first = json.loads(got.strip().splitlines()[0].removeprefix(b"data: "))
    if disconnect := first.get("push", {}).get("disconnect"):
        assert disconnect["code"] in MESSAGE_CODES, (disconnect, got)
        return f"closed {disconnect['code']}"
    if error := first.get("error"):
        return f"error {error['code']}"
    assert first.keys() & {"connect", "id"} or first == {}, first
    return "answered"
