"""A task is asked for, done and watched, on every transport the same."""

import json

import anyio
import httpx
import pytest
from httpx_sse import aconnect_sse

from protocols.errors import AlreadyExists
from protocols.operations.tasks import SubmitTask
from protocols.rest.client import RestClient
from protocols.tasks import TaskState
from tests.flows.product import Product
from tests.flows.speakers import words
from tests.flows.watchers import (
    FINAL_TYPES,
    TRANSPORTS,
    assert_whole,
    by_socket,
    by_sse,
    everything,
    moment,
)

CANCEL_SECONDS = 1.0  # between what was asked and what was done, by the log's own clock

pytestmark = pytest.mark.usefixtures("agents")


async def test_a_task_is_submitted_done_and_read_back(product: Product, client: RestClient):
    receipt = await client.tasks.submit(SubmitTask(agent="echo", input="What I said"))
    assert (receipt.state, receipt.version) == (TaskState.SUBMITTED, 1)
    assert receipt.channel == f"task:{receipt.id}"

    async with by_sse(product, receipt) as seen:
        await seen.over()

    task, epoch = await client.tasks.get(receipt.id)
    assert (task.state, task.answer) == (TaskState.COMPLETED, "What I said")
    assert (task.attempt, epoch) == (1, receipt.epoch)
    assert_whole(seen, await everything(client, receipt.id))


async def test_two_watchers_on_different_transports_see_the_same(
    product: Product, client: RestClient
):
    receipt = await client.tasks.submit(SubmitTask(agent="slow", input="go"))
    async with by_socket(product, receipt) as one, by_sse(product, receipt) as other:
        await one.saw("message.delta", count=3)
        assert not one.is_over.is_set()  # it was watched live
        await one.over()
        await other.over()
    assert_whole(one, await everything(client, receipt.id))
    assert one.events == other.events
    assert one.folded(receipt.id).answer == words(150)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_joins_late_has_everything(product: Product, client: RestClient, transport: str):
    receipt = await client.tasks.submit(SubmitTask(agent="slow", input="go"))
    async with by_sse(product, receipt) as early:
        await early.saw("message.delta", count=10)
        async with TRANSPORTS[transport](product, receipt) as late:
            await late.over()
        await early.over()
    assert_whole(late, await everything(client, receipt.id))
    assert early.events == late.events


async def test_a_watcher_changes_the_transport_in_mid_task(product: Product, client: RestClient):
    receipt = await client.tasks.submit(SubmitTask(agent="slow", input="go"))
    async with by_socket(product, receipt) as first:
        await first.saw("message.delta", count=5)
    page = await client.tasks.events(receipt.id, after=first.versions[-1], limit=3)
    read = [event.version for event in page.events]
    position = (read or first.versions)[-1]
    async with by_sse(product, receipt, after=position) as second:
        await second.saw("message.delta", count=5)
    async with by_socket(product, receipt, after=second.versions[-1]) as third:
        await third.over()

    log = await everything(client, receipt.id)
    assert [*first.versions, *read, *second.versions, *third.versions] == list(
        range(1, len(log) + 1)
    )
    assert not any(event["type"] in FINAL_TYPES for event in second.events)


async def test_a_browser_resumes_an_event_source_by_its_last_id(
    product: Product, client: RestClient
):
    receipt = await client.tasks.submit(SubmitTask(agent="echo", input="one two three"))
    async with by_sse(product, receipt) as seen:
        await seen.over()
    headers = {"Authorization": f"Bearer {product.key}", "Last-Event-ID": f"{receipt.epoch}.2"}
    async with httpx.AsyncClient(base_url=product.url, headers=headers, trust_env=False) as http:
        path = f"/api/v1/tasks/{receipt.id}/stream"
        async with aconnect_sse(http, "GET", path, params={"after": 0}) as source:
            messages = [message async for message in source.aiter_sse()]
    assert [json.loads(m.data) for m in messages[:-1]] == seen.events[2:]
    assert messages[0].id == f"{receipt.epoch}.3"
    assert messages[-1].event == "end"


async def test_a_finished_task_is_there_at_once_for_whoever_comes(
    product: Product, client: RestClient
):
    receipt = await client.tasks.submit(SubmitTask(agent="echo", input="done"))
    async with by_sse(product, receipt) as seen:
        await seen.over()
    for watch in TRANSPORTS.values():
        async with watch(product, receipt) as later:
            await later.over(seconds=5)
        assert later.events == seen.events


async def test_the_same_request_again_is_the_same_task(client: RestClient):
    request = SubmitTask(agent="echo", input="once")
    first = await client.tasks.submit(request, key="flow-once")
    again = await client.tasks.submit(request, key="flow-once")
    assert again.id == first.id
    with pytest.raises(AlreadyExists):
        await client.tasks.submit(SubmitTask(agent="echo", input="other"), key="flow-once")


async def test_a_hundred_same_requests_at_once_are_one_task(client: RestClient):
    request = SubmitTask(agent="echo", input="once")
    ids: set[str] = set()

    async def submit() -> None:
        ids.add((await client.tasks.submit(request, key="flow-crowd")).id)

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(submit)
    assert len(ids) == 1


async def test_cancel_ends_a_task_at_work_within_a_second(product: Product, client: RestClient):
    receipt = await client.tasks.submit(SubmitTask(agent="endless", input="go"))
    async with by_socket(product, receipt) as seen:
        await seen.saw("message.delta", count=3)
        await client.tasks.cancel(receipt.id)
        await seen.over(seconds=5)
    log = await everything(client, receipt.id)
    assert_whole(seen, log)
    task, _ = await client.tasks.get(receipt.id)
    assert task.state is TaskState.CANCELED
    asked = next(event for event in log if event["type"] == "task.cancel_requested")
    assert log[-1]["type"] == "task.canceled"
    assert (moment(log[-1]) - moment(asked)).total_seconds() <= CANCEL_SECONDS
