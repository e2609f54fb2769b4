"""`pygent tasks show`: a task whole, with what became void, and nothing that moves a cursor."""

import pytest
from anyio import to_thread
from msgspec import Raw
from typer.testing import CliRunner

from hub.cli.app import app
from hub.cli.task_story import read_story
from hub.cli.task_tree import short
from protocols.events import (
    AttemptStarted,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    TaskCompleted,
)
from protocols.messages import Citation
from protocols.steps import StepKind, Usage
from protocols.tasks import TaskState
from tests.serving import Served
from tests.serving import served as served

CITED = Citation(n=1, collection="manuals", document="d", title="Pumps", chunk="c", quote="…")


async def show(served: Served, task: str) -> str:
    env = {"PYGENT_URL": served.url, "PYGENT_API_KEY": await served.key()}
    words = ["tasks", "show", task]
    said = await to_thread.run_sync(lambda: CliRunner().invoke(app, words, env=env))
    assert said.exit_code == 0, said.output
    assert said.stderr == ""
    return said.stdout


async def test_head_answer_sources_and_steps_are_told(served: Served):
    task = await served.task("how does a pump work?")
    worker = served.worker(task)
    await worker.append(AttemptStarted(worker="host:1"), state=TaskState.WORKING)
    await worker.append(
        StepStarted(
            step="1.1",
            kind=StepKind.RETRIEVAL,
            name="knowledge_search",
            arguments=Raw(b'{"query": "pump", "limit": 8}'),
        ),
        StepFinished(step="1.1", summary="8 passages"),
        StepStarted(step="1.2", kind=StepKind.MODEL, name="gpt"),
        MessageStarted(message="1.2", step="1.2"),
        MessageFinished(message="1.2", text="It lifts water. [1]", citations=(CITED,)),
        StepFinished(step="1.2", usage=Usage(input=1200, output=34), cost=1500),
        TaskCompleted(message="1.2", text="It lifts water. [1]", cost=1500, steps=2),
        state=TaskState.COMPLETED,
    )
    said = await show(served, task)
    head, answer, sources, tree = said.split("\n\n")
    assert "✓ completed  how does a pump work?" in head
    assert "$0.0015" in head
    assert "↑1,200 ↓34" in head
    assert "It lifts water. [1]" in answer
    assert "[1] Pumps  manuals" in sources
    first, second = tree.splitlines()[1:3]
    assert "retrieval knowledge_search" in first
    assert "8 passages" in first
    assert 'query="pump", limit=8' in first
    assert "model gpt" in second
    assert "↑1,200 ↓34  $0.0015" in second


async def test_what_a_dead_attempt_left_is_shown_and_said_to_be_void(served: Served):
    task = await served.task("try twice")
    worker = served.worker(task)
    await worker.begin()
    await worker.say("half of an ans")
    second = served.worker(task, attempt=2)
    await second.append(AttemptStarted(worker="host:2"))
    await second.append(
        StepStarted(step="2.1", kind=StepKind.MODEL, name="scripted"),
        MessageStarted(message="2.1", step="2.1"),
        MessageDelta(message="2.1", text="the whole"),
        MessageFinished(message="2.1", text="the whole"),
        StepFinished(step="2.1"),
        TaskCompleted(message="2.1", text="the whole"),
        state=TaskState.COMPLETED,
    )
    said = await show(served, task)
    assert "attempt 1  died" in said
    assert "void: its attempt ended before it did" in said
    assert "void text  half of an ans" in said
    assert "attempt 2  completed" in said
    assert said.count("half of an ans") == 1

    async with await served.client() as client:
        story = await read_story(client, task)
        folded, epoch = await client.tasks.get(task)
    assert (story.task, story.epoch) == (folded, epoch), "the fold is the same, however it is read"


async def test_a_step_that_failed_tells_why(served: Served):
    task = await served.task("fail")
    worker = served.worker(task)
    await worker.begin()
    await worker.say("a few words")
    await worker.append(StepFailed(step="1.1", code="model_failed", reason="over its\x1b[2J limit"))
    said = await show(served, task)
    assert "✕ model scripted" in said
    assert "over its�[2J limit" in said
    assert "void text  a few words" in said


async def test_a_task_that_nobody_has_begun_says_so(served: Served):
    assert "no worker has begun it yet" in await show(served, await served.task("wait"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"null", ""),
        (b"{}", ""),
        (b"[1, 2]", "[1,2]"),
        (b'{"a": "b\\u001b[2J"}', 'a="b\\u001b[2J"'),
        (b"nonsense", ""),
    ],
)
def test_arguments_are_one_short_line(given: bytes, text: str):
    assert short(given) == text
    assert len(short(b'{"text": "' + b"x" * 1000 + b'"}')) == 60
