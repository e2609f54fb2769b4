"""The JSON form against samples, each with its source."""

import json
from pathlib import Path

import msgspec
import pytest

from protocols.centrifugal import codes, wire
from protocols.channels import Publication

SAMPLES = json.loads(
    (Path(__file__).parent.parent / "samples" / "centrifugal_json.json").read_text()
)


@pytest.mark.parametrize("sample", SAMPLES["commands"], ids=lambda sample: sample["name"])
def test_commands_of_the_official_clients_are_read(sample: dict[str, str | dict[str, object]]):
    frame = sample["frame"]
    assert isinstance(frame, str)
    (command,) = wire.commands(frame)

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


ANSWERS = {
    "connected": wire.encode(
        wire.Reply(id=1, connect=wire.ConnectResult("c1", "pygent", ping=25, pong=True))
    ),
    "subscribed at an empty top": wire.encode(
        wire.Reply(
            id=2,
            subscribe=wire.SubscribeResult(recoverable=True, positioned=True, epoch="e"),
        )
    ),
    "recovered": wire.encode(
        wire.Reply(
            id=2,
            subscribe=wire.SubscribeResult(
                recoverable=True,
                positioned=True,
                epoch="e",
                offset=4,
                was_recovering=True,
                recovered=True,
                publications=wire.publication_fields([Publication(5, b'{"a": 1}')]),
            ),
        )
    ),
    "unsubscribed": wire.encode(wire.Reply(id=3, unsubscribe=wire.UnsubscribeResult())),
    "temporary error": wire.error(4, codes.INTERNAL),
    "final error": wire.error(4, codes.UNKNOWN_CHANNEL),
    "publications": wire.publications_push(
        "task:1", [Publication(5, b'{"a": 1}'), Publication(6, b"null")]
    ),
    "lost": wire.unsubscribe_push("task:1", codes.INSUFFICIENT_STATE),
    "ping": wire.PING,
}


def test_every_answer_has_a_sample():
    assert set(ANSWERS) == {sample["name"] for sample in SAMPLES["answers"]}


def test_a_frame_may_hold_several_commands_and_a_trailing_line_break():
    assert [command.id for command in wire.commands('{"id":1}\n{"id":2}\n')] == [1, 2]


@pytest.mark.parametrize("frame", ["", "\n", '{"id":1}\n\n{"id":2}', '{"id":1}\n\n', " "])
def test_blank_lines_are_no_commands(frame: str):
    with pytest.raises(msgspec.DecodeError):
        list(wire.commands(frame))


def test_a_payload_is_not_touched():
    payload = '{"ü": 1e400, "b" :[ ]}'.encode()
    assert payload in wire.publications_push("task:1", [Publication(1, payload)])
