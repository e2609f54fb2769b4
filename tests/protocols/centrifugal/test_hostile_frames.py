"""Frames nobody should send, in both forms, made by chance from a seed that is printed.

Whatever they hold, a session decides or closes: it never fails, and what it answers can be spelled.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from protocols.centrifugal import codes
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Decision,
    ReadHistory,
    Refresh,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.pace import BURST
from protocols.centrifugal.session import Session
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF, varint
from protocols.centrifugal.wire.replies import Reply
from protocols.channels import StreamPosition
from protocols.operations.channels import HistoryPage
from tests.protocols.centrifugal.official import COMMANDS, official, read_officially
from tests.protocols.centrifugal.sessions import MEMBER, TASK, Given, connected, new_session

MUTATED = 2_000
RANDOM = 1_000
MAY_CLOSE = {codes.BAD_COMMAND, codes.NOT_SERVED, codes.FLOOD}
LARGEST = 64 * 1024

NEW = [command for command in COMMANDS if "connect" in command]
CONNECTED = [
    *(command for command in COMMANDS if "id" in command and "connect" not in command),
    {"id": 5, "subscribe": {"channel": TASK, "recover": True, "epoch": "e"}},
    {"id": 6, "history": {"channel": TASK, "limit": 9, "since": {"offset": 4}}},
    {"id": 7, "unsubscribe": {"channel": TASK}},
]


@pytest.fixture
def chance() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    return random.Random(seed)


def carry_out(session: Session, decision: Decision) -> Reply | None:
    """What a driver would answer."""
    match decision:
        case Send(reply):
            return reply
        case Unsubscribe(_, answer):
            return answer
        case Authenticate():
            return session.accept(decision, MEMBER, now=100.0, expires_in=60.0)
        case Subscribe():
            return session.subscriptions.subscribed(decision, Given(), now=100.0)
        case ReadHistory():
            return session.subscriptions.history(decision, HistoryPage(StreamPosition("e", 4), ()))
        case Refresh():
            return session.refreshed(decision, now=100.0, expires_in=60.0)
        case Close(why):
            assert why in MAY_CLOSE
            return None


def survives(session: Session, form: Form, frame: bytes) -> list[Decision]:
    decisions: list[Decision] = []
    for decision in session.receive(form.commands(frame)):
        assert not any(isinstance(one, Close) for one in decisions)  # nothing follows
        decisions.append(decision)
        if reply := carry_out(session, decision):
            said = form.reply(reply)
            (read,) = read_officially(said) if form.is_binary else [json.loads(said)]
            assert read
    return decisions


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, taken out, put in or doubled; or all after some place cut off."""
    changed = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.randint(0, 8))
        match chance.randrange(5):
            case 0:
                changed[at:to] = bytes(chance.randrange(256) for _ in range(to - at))
            case 1:
                del changed[at:to]
            case 2:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                changed[at:at] = changed[at:to]
            case _:
                del changed[at:]
    return bytes(changed)


def fields(chance: random.Random, depth: int = 0) -> Iterator[bytes]:
    """Fields of chance numbers and kinds, rightly spelled, some within others."""
    for _ in range(chance.randint(0, 6)):
        number, kind = chance.randint(1, 20), chance.choice((0, 0, 1, 2, 2, 2, 5))
        yield varint(number << 3 | kind)
        if kind == 2:
            within = b"".join(fields(chance, depth + 1)) if depth < 4 else chance.randbytes(3)
            yield varint(len(within)) + within
        else:
            bits = chance.choice((1, 8, 32, 63, 64))
            yield {
                0: varint(chance.getrandbits(bits)),
                1: chance.randbytes(8),
                5: chance.randbytes(4),
            }[kind]


def frames_of(form: Form, commands: Sequence[object], chance: random.Random) -> Iterator[bytes]:
    whole = [spelled(form, command) for command in commands]
    several = form.separator.join(whole)
    for frame in [several, *whole]:
        yield from (frame[:end] for end in range(min(len(frame), 200)))
    for _ in range(MUTATED):
        yield mutated(chance.choice([*whole, several]), chance)
    for _ in range(RANDOM):
        yield chance.randbytes(chance.randint(0, 60))
        message = b"\x08\x01" + b"".join(fields(chance))
        yield varint(len(message)) + message


def spelled(form: Form, command: object) -> bytes:
    return official(command) if form.is_binary else json.dumps(command).encode()


@pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])
@pytest.mark.parametrize(
    ("begin", "commands"),
    [(new_session, NEW), (lambda: connected(expires_in=60), CONNECTED)],
    ids=["new", "connected"],
)
def test_a_hostile_frame_is_decided_on_or_closes_and_never_fails(
    form: Form,
    begin: Callable[[], Session],
    commands: Sequence[object],
    chance: random.Random,
):
    survived = closed = 0
    for frame in frames_of(form, commands, chance):
        try:
            decisions = survives(begin(), form, frame)
        except Exception as failure:
            raise AssertionError(f"the frame {frame!r}") from failure
        survived += 1
        closed += any(isinstance(one, Close) for one in decisions)
    print(f"{survived} frames, {closed} of them closed")
    assert survived >= MUTATED + 2 * RANDOM
    assert 0 < closed < survived


@pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])
@pytest.mark.parametrize("command", [{}, {"id": 1}], ids=["pongs", "commands of nothing"])
def test_a_frame_of_as_many_commands_as_fit_is_cut_short(form: Form, command: object):
    one = spelled(form, command)
    count = LARGEST // (len(one) + len(form.separator))
    frame = form.separator.join([one] * count)

    decisions: Sequence[Decision] = survives(connected(), form, frame)

    assert isinstance(decisions[-1], Close)
    assert len(decisions) < 3 * BURST < count
