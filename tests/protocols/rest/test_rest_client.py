"""The client keeps the operations' promises: what the store answers arrives as the same values."""

import anyio
import httpx
import pytest

from protocols.agents import AgentSpec, AgentState
from protocols.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from protocols.knowledge import SearchRequest
from protocols.operations.agents import AgentQuery, ValidateSpec
from protocols.operations.factory import Factory
from protocols.operations.keys import CreateKey
from protocols.operations.tasks import SubmitTask, TaskQuery
from protocols.principals import Role
from protocols.rest import client_http, client_repeats
from protocols.rest.client import RestClient
from protocols.tasks import TaskState
from store.projector import Projector
from tests.serving import Served


def keeps_the_promise(client: RestClient) -> Factory:
    return client


async def test_tasks_arrive_as_the_store_answers_them(served: Served) -> None:
    async with await served.client() as client:
        receipt = await client.tasks.submit(SubmitTask(agent="echo", input="hello"), key="k1")
        assert receipt == await client.tasks.submit(
            SubmitTask(agent="echo", input="hello"), key="k1"
        )
        await served.worker(receipt.id).begin()
        task, epoch = await client.tasks.get(receipt.id)
        stored, stored_epoch = await served.factory().tasks.get(receipt.id)
        assert (task, epoch) == (stored, stored_epoch)
        assert task.state is TaskState.WORKING
        page = await client.tasks.events(receipt.id, after=1, limit=2)
        assert page == await served.factory().tasks.events(receipt.id, after=1, limit=2)
        assert [event.version for event in page.events] == [2, 3]
        earlier = await client.tasks.events_before(receipt.id, before=3)
        assert [event.version for event in earlier.events] == [1, 2]
        await served.worker(receipt.id, appended=2).finish()
        assert (await client.tasks.receipt(receipt.id)).state is TaskState.COMPLETED
        with pytest.raises(InvalidTransition):
            await client.tasks.cancel(receipt.id)
        with pytest.raises(AlreadyExists):
            await client.tasks.submit(SubmitTask(agent="echo", input="other"), key="k1")
        with pytest.raises(NotFound):
            await client.tasks.get("0199aaaa-0000-7000-8000-000000000000")


async def test_lists_are_paged_by_cursors_to_their_end(served: Served) -> None:
    for number in range(5):
        await served.task(f"number {number}")
    await Projector(served.store).catch_up()
    async with await served.client() as client:
        titles: list[str] = []
        cursor = None
        for _ in range(3):
            query = TaskQuery(limit=2, cursor=cursor, state=(TaskState.SUBMITTED,))
            listing = await client.tasks.list(query)
            titles += [row.title for row in listing.items]
            cursor = listing.next
        assert titles == [f"number {number}" for number in (4, 3, 2, 1, 0)]
        assert cursor is None
        with pytest.raises(InvalidRequest):
            await client.tasks.list(TaskQuery(cursor="!"))


async def test_agents_are_created_published_listed_and_retired(served: Served) -> None:
    async with await served.client() as client:
        spec = AgentSpec(name="clerk", model="scripted")
        created = await client.agents.create(spec)
        assert (created.number, created.state) == (1, AgentState.ACTIVE)
        with pytest.raises(AlreadyExists):
            await client.agents.create(spec)
        changed = spec.model_copy(update={"description": "new"})
        assert (await client.agents.publish("clerk", changed)).number == 2
        assert (await client.agents.get("clerk", number=1)).spec == spec
        assert (await client.agents.get(created.id)).spec == changed
        assert [one.number for one in await client.agents.versions("clerk")] == [2, 1]
        with pytest.raises(InvalidRequest) as refused:
            await client.agents.create(AgentSpec(name="b", tools=("none",)))
        assert refused.value.field == "tools.0"
        await Projector(served.store).catch_up()
        listing = await client.agents.list(AgentQuery(text="cl"))
        assert [row.name for row in listing.items] == ["clerk"]
        assert (await client.agents.retire("clerk")).state is AgentState.RETIRED
        with pytest.raises(NotFound):
            await client.agents.get("nobody/../x")


async def test_a_spec_is_looked_at_and_an_older_draft_refused(served: Served) -> None:
    async with await served.client() as client:
        spec = AgentSpec(name="clerk", model="scripted")
        await client.agents.create(spec)
        changed = spec.model_copy(update={"description": "new"})
        draft = ValidateSpec(spec=changed.model_dump(mode="json"), agent="clerk")
        assert (await client.agents.validate(draft)).number == 2
        broken = ValidateSpec(spec={"name": "b", "limits": {"steps": "many"}})
        assert [each.field for each in (await client.agents.validate(broken)).problems] == [
            "limits.steps"
        ]
        await client.agents.publish("clerk", changed, expected=1)
        with pytest.raises(Conflict, match="made from version 1"):
            await client.agents.publish("clerk", spec, expected=1)


async def test_a_conversation_is_submitted_and_listed(served: Served) -> None:
    async with await served.client() as client:
        await client.agents.create(AgentSpec(name="clerk", model="scripted"))
        request = SubmitTask(agent="clerk", input="Why?", context_id="talk")
        receipt = await client.tasks.submit(request)
        await client.tasks.submit(SubmitTask(agent="clerk", input="Alone"))
        await Projector(served.store).catch_up()
        listing = await client.tasks.list(TaskQuery(context_id="talk"))
        assert [(row.id, row.context_id) for row in listing.items] == [(receipt.id, "talk")]
        assert (await client.tasks.get(receipt.id))[0].context_id == "talk"


async def test_the_account_says_who_asks_and_what_there_is(served: Served) -> None:
    async with await served.client() as client:
        me = await client.me()
        assert me.actor.startswith("key:")
        assert (me.role, me.team) == (Role.OPERATOR, 1)
        assert me.channels.tasks == "tasks:1"
        names = [model.name for model in (await client.models()).items]
        assert {"extractive", "scripted", "openai"} <= set(names)
        assert (await client.overview.overview("24h")).window == "24h"
        with pytest.raises(Forbidden):
            await client.keys.create(CreateKey(name="another"))
    async with RestClient(served.url, cookie=await served.session()) as owner:
        assert (await owner.me()).actor == "user:owner"
        created = await owner.keys.create(CreateKey(name="from a page"))
        assert created.token.startswith(f"pgk_{created.prefix}_")
        listed = await owner.keys.list()
        assert created.id in [key.id for key in listed]
        assert "token" not in listed[0].model_dump()
        revoked = await owner.keys.revoke(created.id)
        assert revoked.revoked_at is not None
        assert await owner.keys.revoke(created.id) == revoked
        with pytest.raises(NotFound):
            await owner.keys.revoke("0199aaaa-0000-7000-8000-000000000000")
    async with RestClient(served.url, token=created.token) as cut:
        with pytest.raises(Unauthenticated):
            await cut.me()


async def test_what_may_be_sent_twice_is_sent_again_when_the_hub_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    asked: list[httpx.Request] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) % 3:
            return httpx.Response(503, headers={"Retry-After": "1"})
        return httpx.Response(200, json={"events": [], "version": 4, "epoch": "e"})

    monkeypatch.setattr(client_http.anyio, "sleep", wait)
    async with RestClient("http://hub", transport=httpx.MockTransport(busy)) as client:
        assert (await client.tasks.events("x")).version == 4
        assert (len(asked), len(waited)) == (3, 2)
        assert all(0.5 < seconds < 1.5 for seconds in waited)
        with pytest.raises(Unavailable, match="not understood"):
            await client.tasks.submit(SubmitTask(agent="a", input="b"))
        assert len({request.headers["Idempotency-Key"] for request in asked[3:]}) == 1
        with pytest.raises(Unavailable):
            await client.tasks.cancel("x")  # it may have been done: for the caller to decide
    assert len(asked) == 7


@pytest.mark.parametrize("asks", ["60", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_hub_that_asks_for_more_patience_than_there_is_is_not_asked_again(
    asks: str,
) -> None:
    asked: list[httpx.Request] = []

    async def busy(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, headers={"Retry-After": asks})

    async with RestClient("http://hub", transport=httpx.MockTransport(busy)) as client:
        with pytest.raises(Unavailable):
            await client.me()
    assert len(asked) == 1


async def test_a_hub_that_is_away_is_tried_for_as_long_as_there_is_patience() -> None:
    why: list[str] = []
    async with RestClient(
        "http://127.0.0.1:1", token="x", patience=0.5, on_wait=why.append
    ) as client:
        with pytest.raises(
            Unavailable,
            match=r"127\.0\.0\.1:1 .*nothing listens there; tried [3-9] times in [01] s",
        ):
            await client.me()
        assert set(why) == {"nothing listens there"}
        with pytest.raises(Unavailable, match=r"tried \d times"):
            await client.tasks.cancel("x")  # it cannot have been done
    async with RestClient("http://127.0.0.1:1", token="x", patience=0) as client:
        with pytest.raises(Unavailable, match=r"nothing listens there$"):
            await client.me()


async def test_a_host_that_does_not_exist_is_said_at_once() -> None:
    asked: list[str] = []
    async with RestClient("http://hub.invalid", token="x", on_wait=asked.append) as client:
        with pytest.raises(Unavailable, match="no host of that name"):
            await client.me()
    assert asked == []


async def test_what_was_cut_in_the_middle_is_sent_again_only_when_that_is_harmless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def cut(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        raise httpx.ReadError("cut")

    monkeypatch.setattr(client_repeats, "FIRST_WAIT_SECONDS", 0.01)
    transport = httpx.MockTransport(cut)
    async with RestClient("http://hub", transport=transport, patience=0.2) as client:
        for doing in (
            lambda: client.tasks.receipt("x"),
            lambda: client.tasks.submit(SubmitTask(agent="a", input="b")),
            lambda: client.knowledge.search(SearchRequest(query="a")),
            lambda: client.agents.validate(ValidateSpec(spec={})),
        ):
            asked.clear()
            with pytest.raises(Unavailable, match=r"the connection was cut; tried \d+ times"):
                await doing()
            assert len(asked) > 2
        asked.clear()
        with pytest.raises(Unavailable, match="the connection was cut; what was asked may have"):
            await client.tasks.cancel("x")
        assert len(asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_that_says_the_hub_is_away_is_asked_again(status: int) -> None:
    answers = iter((status, status, 200))

    async def away(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), json={"events": [], "version": 4, "epoch": "e"})

    async with RestClient("http://hub", transport=httpx.MockTransport(away)) as client:
        assert (await client.tasks.events("x")).version == 4


async def test_a_hub_that_is_silent_or_another_is_unavailable() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    async with RestClient(
        "http://hub", transport=httpx.MockTransport(silent), patience=0.3
    ) as client:
        with pytest.raises(Unavailable, match="silent for too long"):
            await client.tasks.receipt("x")

    async def other(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"hello": "world"})

    async with RestClient("http://hub", transport=httpx.MockTransport(other)) as client:
        with pytest.raises(Unavailable, match="not understood"):
            await client.me()


async def test_the_streams_connection_is_retried_while_a_proxy_says_the_hub_is_away() -> None:
    answers = iter((502, 503, 429, 404))

    async def away(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers))

    waits: list[float] = []
    async with RestClient("http://hub", transport=httpx.MockTransport(away)) as client:
        with anyio.fail_after(10), pytest.raises(NotFound):
            async with client.stream("t", on_wait=waits.append) as stream:
                await anext(stream)
    assert len(waits) == 3
