"""`kill -9` of each part in mid-task: nothing is lost or doubled, and the answer is finished."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import msgspec
import pytest
from anyio.to_thread import run_sync

from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.rest.client import RestClient
from protocols.task_fold import fold
from protocols.tasks import Task, TaskState
from tests.flows.product import UNSEEDED, Product, running
from tests.flows.speakers import scripted, spoken, words
from tests.flows.watchers import Seen, assert_whole, by_socket, by_sse, everything, history, moment

DELTAS = 150
TAKE_OVER_SECONDS = 17.0
OVER_SECONDS = 60.0
ASKED = 100


@pytest.fixture(scope="module")
def mortal() -> Generator[Product]:
    """A product as it is by default, whose parts are killed here, each once."""
    with running(environment=UNSEEDED) as product:
        yield product


@pytest.fixture(scope="module")
async def speaker(anyio_backend: object, mortal: Product) -> str:
    spec = scripted("speaker", spoken(DELTAS, seconds=3.0))
    async with mortal.client() as client:
        await client.agents.create(AgentSpec.model_validate(spec))
    return "speaker"


@dataclass(kw_only=True)
class Story:
    """A task in mid-answer, and two watchers of it."""

    product: Product
    client: RestClient
    receipt: TaskReceipt
    watchers: tuple[Seen, Seen]

    async def kill(self, part: str) -> None:
        await run_sync(self.product.kill_part, part)
        assert not any(seen.is_over.is_set() for seen in self.watchers)  # it was in mid-task

    async def end(self) -> tuple[list[dict[str, Any]], Task]:
        """Everyone has seen everything, the same, once, in order; the log and its fold."""
        for seen in self.watchers:
            await seen.over(seconds=OVER_SECONDS)
        log = await everything(self.client, self.receipt.id)
        for seen in self.watchers:
            assert_whole(seen, log)
        task, _ = await self.client.tasks.get(self.receipt.id)
        folded = self.watchers[0].folded(self.receipt.id)
        assert as_json(task) == as_json(folded)
        return log, task


@asynccontextmanager
async def in_mid_task(product: Product, agent: str) -> AsyncGenerator[Story]:
    async with product.client() as client:
        receipt = await client.tasks.submit(SubmitTask(agent=agent, input="speak"))
        async with by_socket(product, receipt) as one, by_sse(product, receipt) as other:
            for seen in (one, other):
                await seen.saw("message.delta", count=10)
            yield Story(product=product, client=client, receipt=receipt, watchers=(one, other))


@pytest.mark.parametrize("part", ["hub", "valkey", "scheduler"])
async def test_the_answer_goes_on_without_a_break(mortal: Product, speaker: str, part: str):
    async with in_mid_task(mortal, speaker) as story:
        await story.kill(part)
        _, task = await story.end()
    assert (task.state, task.answer, task.attempt) == (TaskState.COMPLETED, words(DELTAS), 1)
    socket, _ = story.watchers
    assert all(recovered for was, recovered in socket.recovered if was)


async def test_a_killed_postgres_costs_time_and_nothing_else(mortal: Product, speaker: str):
    async with in_mid_task(mortal, speaker) as story:
        await story.kill("postgres")
        _, task = await story.end()
    assert (task.state, task.answer) == (TaskState.COMPLETED, words(DELTAS))


async def test_another_attempt_takes_over_from_a_killed_worker(mortal: Product, speaker: str):
    async with in_mid_task(mortal, speaker) as story:
        await story.kill("worker")
        log, task = await story.end()
    assert (task.state, task.answer) == (TaskState.COMPLETED, words(DELTAS))
    assert [attempt.outcome for attempt in task.attempts] == ["died", "completed"]

    last_words, next_start = seam(log)
    taken_after = moment(next_start) - moment(last_words)
    assert taken_after.total_seconds() <= TAKE_OVER_SECONDS

    died, taken = (
        fold(task.id, history(log[: event["version"]])) for event in (last_words, next_start)
    )
    assert died.said[0].text  # text of the dead attempt was shown,
    assert not died.said[0].is_finished
    assert taken.said == []  # and from the start of the next on, none of it is there
    assert taken.steps == []


def seam(log: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last text of the attempt that died, and the start of the next."""
    first = [e for e in log if e["type"] == "message.delta" and e["attempt"] == 1]
    starts = [e for e in log if e["type"] == "attempt.started"]
    assert len(starts) == 2
    return first[-1], starts[1]


async def test_both_transports_outlive_everything_at_once(mortal: Product, speaker: str):
    async with in_mid_task(mortal, speaker) as story:
        for part in ("valkey", "hub", "postgres"):
            await story.kill(part)
            await anyio.sleep(0.2)  # between two blows; any time will do
        _, task = await story.end()
    assert (task.state, task.answer) == (TaskState.COMPLETED, words(DELTAS))


def as_json(task: Task) -> object:
    return msgspec.json.decode(msgspec.json.encode(task))


async def test_what_is_asked_while_the_hub_is_away_is_answered_once(mortal: Product):
    """`kill -9` of the hub between and within requests: the client goes on, and nothing doubles."""
    receipts: list[TaskReceipt] = []
    is_under_way = anyio.Event()

    async def ask(client: RestClient) -> None:
        for number in range(ASKED):
            request = SubmitTask(agent="quick", input=f"number {number}", context_id="kept")
            receipts.append(await client.tasks.submit(request))
            await client.tasks.receipt(receipts[-1].id)
            is_under_way.set()

    why: list[str] = []
    async with RestClient(
        mortal.url, token=mortal.key, patience=OVER_SECONDS, on_wait=why.append
    ) as client:
        await client.agents.create(AgentSpec(name="quick", model="scripted"))
        with anyio.fail_after(2 * OVER_SECONDS):
            async with anyio.create_task_group() as group:
                group.start_soon(ask, client)
                await is_under_way.wait()
                await run_sync(mortal.kill_part, "hub")
            assert why  # it was away while something was asked
            rows: list[TaskRow] = []
            while len(rows) < ASKED:
                rows = (await client.tasks.list(TaskQuery(context_id="kept", limit=200))).items
                await anyio.sleep(0.1)
    assert {row.id for row in rows} == {receipt.id for receipt in receipts}
    assert len(rows) == len(receipts) == ASKED
