"""The fold stands twice: the page's, run by Node, gives what `protocols/tasks.py` gives.

Random histories, sound ones and odd ones (steps that end twice or never began, words for messages
nobody started, unknown types, versions that come again, take-overs in the middle of a word), are
folded by both, and the JSON is compared after every event.
"""

import json
import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from protocols import events, tasks
from protocols.event_encoding import envelope, join, split
from protocols.events import AnyData, Event
from protocols.messages import Citation, user_message
from protocols.steps import StepKind, Usage
from protocols.task_fold import advance

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venv" / "node" / "node"
TASK = "0199c3f2-0000-7000-8000-000000000001"
HISTORIES = 150
SCRIPT = """
import { createInterface } from "node:readline";
const { advance, empty, fold } = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, events } = JSON.parse(line);
  const task = empty(id);
  const states = events.map((event) => (advance(task, event), JSON.stringify(task)));
  if (JSON.stringify(fold(id, events)) !== JSON.stringify(task)) throw new Error("fold differs");
  process.stdout.write(`[${states.join(",")}]\\n`);
}
"""


@pytest.fixture(scope="module")
def node() -> str:
    """The Node that builds the pages, or the machine's own."""
    found = str(NODE) if NODE.exists() else shutil.which("node")
    if found is None:
        pytest.fail("no Node: `make install` puts one into .venv/node")
    return found


def test_both_reducers_agree_at_every_version_of_random_histories(node: str) -> None:
    histories = [list(_history(random.Random(seed))) for seed in range(HISTORIES)]
    lines = [
        json.dumps({"id": TASK, "events": [json.loads(envelope(event)) for event in each]})
        for each in histories
    ]
    page = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, (ROOT / "assets" / "task.js").as_uri()],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert page.returncode == 0, page.stderr
    answers = page.stdout.rstrip("\n").split("\n")  # splitlines() would cut at U+2028 too
    assert len(answers) == len(histories)

    for history, answer in zip(histories, answers, strict=True):
        task = tasks.Task(id=TASK)
        for event, state in zip(history, json.loads(answer), strict=True):
            advance(task, event)
            assert state == json.loads(msgspec.json.encode(task)), (event.version, event.type)


def test_the_histories_reach_every_kind_of_event_of_a_task() -> None:
    seen = {event.type for seed in range(HISTORIES) for event in _history(random.Random(seed))}
    of_tasks = {name for name in events.KINDS if not name.startswith("agent.")}
    assert of_tasks <= seen
    assert "thought.proposed" in seen, "an unknown type belongs to it"


def _history(chance: random.Random) -> list[Event]:
    """Events with growing versions; now and then one comes twice, or a version is left out."""
    version, attempt = 0, 0
    time = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    made: list[Event] = []
    for data in _facts(chance):
        time += timedelta(microseconds=chance.choice([0, 1, 250_000, 999_999, 1_000_000]))
        version += 1 if chance.random() < 0.97 else 2
        if isinstance(data, events.AttemptStarted):
            attempt += 1
        made.append(_event(chance, data, version=version, time=time, attempt=attempt))
        if chance.random() < 0.03:
            made.append(made[-1])
    return made


def _event(
    chance: random.Random, data: AnyData | str, *, version: int, time: datetime, attempt: int
) -> Event:
    if isinstance(data, str):
        kind, body = data, b'{"anything":[1,2]}'
    else:
        kind, body = data.TYPE, join(*split(data))
    return Event(
        type=kind,
        version=version,
        time=time,
        actor=chance.choice(["system", "user:ada", "key:ci", "agent:guide"]),
        attempt=attempt,
        data=msgspec.Raw(body),
    )


def _facts(chance: random.Random) -> list[AnyData | str]:
    """A submission, then facts of all kinds, in likely and unlikely order."""
    facts: list[AnyData | str] = [_submitted(chance)] if chance.random() < 0.97 else []
    facts += [_fact(chance) for _ in range(chance.randint(0, 70))]
    if chance.random() < 0.7:
        facts.append(_end(chance))
    if chance.random() < 0.2:
        facts += [_fact(chance) for _ in range(3)]
    return facts


def _submitted(chance: random.Random) -> events.TaskSubmitted:
    said = tuple(user_message(_words(chance)) for _ in range(chance.randint(1, 2)))
    return events.TaskSubmitted(
        agent="a", agent_name="guide", agent_version=3, model="scripted", title="Why?", input=said
    )


def _fact(chance: random.Random) -> AnyData | str:  # noqa: C901  one arm a kind
    step = f"{chance.randint(1, 2)}.{chance.randint(1, 5)}"
    message = f"{step}{chance.choice('mr')}"
    kind = chance.choices(range(13), weights=[4, 9, 8, 3, 5, 4, 14, 8, 5, 3, 1, 1, 1])[0]
    match kind:
        case 0:
            return events.AttemptStarted(worker="w1", alone=chance.random() < 0.3)
        case 1:
            return _step_started(chance, step)
        case 2:
            return _step_finished(chance, step)
        case 3:
            return events.StepFailed(step=step, code="tool_failed", reason=_words(chance))
        case 4:
            return events.MessageStarted(message=message, step=step)
        case 5:
            return events.ReasoningStarted(message=message, step=step)
        case 6:
            return events.MessageDelta(message=message, text=_words(chance))
        case 7:
            return events.ReasoningDelta(message=message, text=_words(chance))
        case 8:
            return _message_finished(chance, message)
        case 9:
            return events.ReasoningFinished(message=message, text=_words(chance))
        case 10:
            return chance.choice([events.TaskHandedBack(worker="w1"), events.TaskCancelRequested()])
        case 11:
            return events.AttemptFailed(code="attempt_failed", reason="it did not beat", deaths=1)
        case _:
            return chance.choice(
                ["thought.proposed", "toString", events.BudgetReached("steps", 21, 20)]
            )


def _step_started(chance: random.Random, step: str) -> events.StepStarted:
    return events.StepStarted(
        step=step,
        kind=chance.choice(list(StepKind)),
        name="search",
        parent=chance.choice([None, "1.1"]),
        model=chance.choice([None, "openai:gpt"]),
        call=chance.choice([None, "c1"]),
        arguments=msgspec.Raw(chance.choice([b"null", b'{"query":"\xc3\xa9t\xc3\xa9"}', b"[]"])),
    )


def _step_finished(chance: random.Random, step: str) -> events.StepFinished:
    used = Usage(
        input=chance.randint(0, 9), output=chance.randint(0, 2), cached_read=chance.randint(0, 1)
    )
    return events.StepFinished(
        step=step,
        usage=chance.choice([None, used, Usage()]),
        cost=chance.choice([None, 0, 1400]),
        model=chance.choice([None, "openai:gpt-2026"]),
        first_token=chance.choice([None, 0.0, 0.25]),
        finish_reason=chance.choice([None, "stop"]),
        summary=chance.choice([None, "8 passages"]),
        result=msgspec.Raw(chance.choice([b"null", b"0", b'""', b'{"text":"x"}'])),
    )


def _message_finished(chance: random.Random, message: str) -> events.MessageFinished:
    cited = Citation(
        n=chance.randint(1, 3),
        collection="docs",
        document="d",
        title="T",
        chunk="c",
        quote=_words(chance),
        score=chance.choice([0.0, 0.5]),
        location=chance.choice(["", "Intro"]),
    )
    citations = tuple([cited] * chance.randint(0, 2))
    return events.MessageFinished(message=message, text=_words(chance), citations=citations)


def _end(chance: random.Random) -> AnyData:
    return chance.choice(
        [
            events.TaskCompleted(
                message="1.1m", text=_words(chance), usage=Usage(input=3), steps=1
            ),
            events.TaskFailed(code="model_failed", reason=_words(chance)),
            events.TaskCanceled(cost=3),
            events.TaskRejected(code="invalid_request", reason="no"),
        ]
    )


def _words(chance: random.Random) -> str:
    return chance.choice(["", "yes ", "naïve \u2028 text", 'a "quote"\n', "日本 🚀"])
