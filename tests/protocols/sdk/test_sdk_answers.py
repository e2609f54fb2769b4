"""What a reader is told adds up to what holds, at every version, whatever became of attempts."""

import json
import subprocess

import msgspec
import pytest

import pygent
from protocols.event_encoding import envelope
from protocols.sdk.answers import Telling
from tests.conformance.clients import NODE, ROOT
from tests.store.histories import TASK, History

SEEDS = range(500)
SCRIPT = """
import { createInterface } from "node:readline";
const { Said } = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  const said = new Said();
  console.log(JSON.stringify(JSON.parse(line).map((event) => [said.add(event), said.text])));
}
"""


def histories() -> list[list[pygent.Event]]:
    """Those in which no message is said twice under one id, as no worker does."""
    found: list[list[pygent.Event]] = []
    for seed in SEEDS:
        events = [event for event, _ in History(seed).events(steps=16)]
        said = [event.data for event in events if event.type == "message.started"]
        if len({bytes(data) for data in said}) == len(said):
            found.append(events)
    return found


def test_the_pieces_add_up_to_what_holds() -> None:
    void = 0
    for events in histories():
        telling, has = Telling(TASK), dict[str, str]()
        for event in events:
            for piece in telling.pieces(event):
                match piece:
                    case pygent.Text(message=message, text=text):
                        has[message] = has.get(message, "") + text
                    case pygent.Voided(message=message, text=text):
                        assert has.pop(message) == text
                        void += 1
            said = [one for one in telling.task.said if one.kind == "message" and one.text]
            assert has == {one.id: one.text for one in said}
            assert telling.text == "\n\n".join(has.values())
        for piece in telling.taken_back():
            assert has.pop(piece.message) == piece.text
        assert has == {}
    assert void > 10


def test_what_a_newer_factory_says_is_named_not_guessed() -> None:
    submitted, *_ = histories()[0]
    newer = msgspec.structs.replace(submitted, version=2, type="attempt.started", data=b'{"by":1}')
    telling = Telling(TASK)
    list(telling.pieces(submitted))
    with pytest.raises(pygent.Unreadable, match=r"event 2 .*attempt\.started.* pygent"):
        list(telling.pieces(newer))
    unknown = msgspec.structs.replace(submitted, version=2, type="thought.proposed")
    assert list(telling.pieces(unknown)) == []


def test_the_javascript_of_the_examples_says_the_same() -> None:
    if not (NODE / "node").exists():
        pytest.fail("there is no Node in .venv/node; `make install-test` puts it there")
    told = histories()
    lines = [json.dumps([json.loads(envelope(event)) for event in events]) for events in told]
    done = subprocess.run(
        [NODE / "node", "--input-type=module", "-e", SCRIPT, ROOT / "docs/examples/said.mjs"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(told) > 20
    for events, states in zip(told, answers, strict=True):
        telling = Telling(TASK)
        for event, (is_over, text) in zip(events, states, strict=True):
            list(telling.pieces(event))
            assert (text, is_over) == (telling.text, telling.task.state.is_final), event.type
