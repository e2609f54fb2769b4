"""The JSON form against samples, each with its source."""

import json
from pathlib import Path

import msgspec
import pytest

from protocols.centrifugal import answers, codes
from protocols.centrifugal.wire.commands import Command
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.replies import PING, Reply
from protocols.centrifugal.wire.results import SubscribeResult
from protocols.channels import Publication
from protocols.errors import InvalidRequest
from tests.protocols.centrifugal.sessions import Given

SAMPLES = json.loads(
    (Path(__file__).parent.parent / "samples" / "centrifugal_json.json").read_text()
)


def commands(frame: str) -> list[Command]:
    return list(JSON.commands(frame.encode()))


@pytest.mark.parametrize("sample", SAMPLES["commands"], ids=lambda sample: sample["name"])
def test_commands_of_the_official_clients_are_read(sample: dict[str, str | dict[str, object]]):
    frame = sample["frame"]
    assert isinstance(frame, str)
    (command,) = commands(frame)

    read = msgspec.to_builtins(command, builtin_types=(msgspec.Raw,))
    expected = sample["means"]
    assert isinstance(expected, dict)
    for path, value in expected.items():
        found = read
        for key in path.split("."):
            found = found[key]
        assert found == value, path


@pytest.mark.parametrize("sample", SAMPLES["answers"], ids=lambda sample: sample["name"])
def test_answers_are_spelled_as_the_clients_read_them(sample: dict[str, str]):
    assert ANSWERS[sample["name"]].decode() == sample["line"]


class Recovered(Given):
    publications = (Publication(5, b'{"a": 1}'),)


ANSWERS = {
    "connected": JSON.reply(
        answers.connected(1, "c1", version="pygent", ping=25, ttl=None, subs={})
    ),
    "subscribed at an empty top": JSON.reply(
        Reply(id=2, subscribe=SubscribeResult(recoverable=True, positioned=True, epoch="e"))
    ),
    "recovered": JSON.reply(
        answers.subscribed(
            2, answers.subscription(Recovered(), has_history=True, was_recovering=True)
        )
    ),
    "unsubscribed": JSON.reply(answers.unsubscribed(3)),
    "temporary error": JSON.reply(answers.error(4, codes.INTERNAL)),
    "final error": JSON.reply(answers.error(4, codes.UNKNOWN_CHANNEL)),
    "publications": JSON.publications(
        "task:1", [Publication(5, b'{"a": 1}'), Publication(6, b"null")]
    ),
    "lost": JSON.reply(answers.ended("task:1", codes.INSUFFICIENT_STATE)),
    "ping": JSON.reply(PING),
}


def test_every_answer_has_a_sample():
    assert set(ANSWERS) == {sample["name"] for sample in SAMPLES["answers"]}


def test_a_frame_may_hold_several_commands_and_a_trailing_line_break():
    assert [command.id for command in commands('{"id":1}\n{"id":2}\n')] == [1, 2]


@pytest.mark.parametrize("frame", ["", "\n", '{"id":1}\n\n{"id":2}', '{"id":1}\n\n', " "])
def test_blank_lines_are_no_commands(frame: str):
    with pytest.raises(InvalidRequest):
        commands(frame)


def test_a_payload_is_not_touched():
    payload = '{"ü": 1e400, "b" :[ ]}'.encode()
    assert payload in JSON.publications("task:1", [Publication(1, payload)])
    (command,) = JSON.commands(b'{"id":1,"publish":{"channel":"x","data": %s }}' % payload)
    assert command.publish
    assert bytes(command.publish.data) == payload
