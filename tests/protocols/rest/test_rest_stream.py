"""A task's stream over SSE: every event once, from any position, over restarts, to its end."""

import io
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import anyio
import httpx
import msgspec
import pytest
from httpx_sse import EventSource, ServerSentEvent
from starlette.types import Message

from hub.identity.secrets import hashed
from protocols.errors import NotFound, Unauthenticated, WrongVersion
from protocols.event_encoding import envelope
from protocols.events import Event
from protocols.rest import sse
from protocols.rest.client import RestClient
from protocols.rest.sse import parse_position, type_of
from store.addresses import Addresses
from tests.serving import Served, logging_to, serving, until


@asynccontextmanager
async def opened(
    program: httpx.AsyncClient, task: str, *, after: str | None = None, last: str | None = None
) -> AsyncGenerator[AsyncGenerator[ServerSentEvent]]:
    headers = {"Last-Event-ID": last} if last else {}
    params = {"after": after} if after else {}
    path = f"/api/v1/tasks/{task}/stream"
    async with program.stream("GET", path, headers=headers, params=params) as answer:
        assert answer.status_code == 200, await answer.aread()
        async with aclosing(EventSource(answer).aiter_sse()) as messages:
            yield messages


async def take(messages: AsyncGenerator[ServerSentEvent], count: int) -> list[ServerSentEvent]:
    with anyio.fail_after(5):
        return [await anext(messages) for _ in range(count)]


async def test_events_come_as_they_are_appended_and_end_with_the_task(
    served: Served, program: httpx.AsyncClient
) -> None:
    task = await served.task()
    worker = served.worker(task)
    async with opened(program, task) as messages:
        (first,) = await take(messages, 1)
        assert first.event == "task.submitted"
        await worker.begin()
        begun = await take(messages, 3)
        assert [message.event for message in begun] == [
            "attempt.started",
            "step.started",
            "message.started",
        ]
        await worker.finish()
        last = await take(messages, 4)
        with anyio.fail_after(5):
            assert [message async for message in messages] == []
    assert [message.event for message in last[-2:]] == ["task.completed", "end"]
    assert last[-1].json() == {"state": "completed", "version": 7}
    epoch = served.store.log.epoch
    assert [message.id for message in (first, *begun)] == [f"{epoch}.{n}" for n in range(1, 5)]
    read = (await program.get(f"/api/v1/tasks/{task}/events")).json()["events"]
    assert [message.json() for message in (first, *begun, *last[:-1])] == read


async def test_a_reader_resumes_in_mid_stream_by_its_last_id_or_a_version(
    served: Served, program: httpx.AsyncClient
) -> None:
    task = await served.task()
    worker = served.worker(task)
    await worker.begin()
    epoch = served.store.log.epoch
    ways: list[dict[str, str]] = [
        {"last": f"{epoch}.2"},
        {"after": "2"},
        {"after": f"{epoch}.2"},
        {"after": "0", "last": f"{epoch}.2"},
    ]
    for way in ways:
        async with opened(program, task, **way) as messages:
            found = await take(messages, 2)
            assert [message.id for message in found] == [f"{epoch}.3", f"{epoch}.4"], way
    await worker.finish()
    async with opened(program, task, last=f"{epoch}.7") as messages:
        assert [message.event async for message in messages] == ["end"]


async def test_what_cannot_be_proved_is_reset_and_read_from_the_start(
    served: Served, program: httpx.AsyncClient
) -> None:
    task = await served.task()
    await served.worker(task).begin()
    epoch = served.store.log.epoch
    other = "00000000-0000-4000-8000-000000000000"
    for last in (f"{other}.2", f"{epoch}.900"):
        async with opened(program, task, last=last) as messages:
            found = await take(messages, 5)
        assert found[0].event == "reset"
        assert found[0].id == f"{epoch}.0"
        assert [message.id for message in found[1:]] == [f"{epoch}.{n}" for n in range(1, 5)]


@pytest.mark.parametrize("last", ["x", "-1", "1.2.3", "nope.3", "9" * 11])
async def test_a_position_that_is_none_is_refused(last: str) -> None:
    with pytest.raises(Exception, match="resumes after"):
        parse_position(last, "epoch")


async def test_a_stream_ends_within_seconds_when_its_key_is_revoked(
    served: Served, program: httpx.AsyncClient
) -> None:
    task = await served.task()
    key = await served.key(name="doomed")
    async with served.with_key(key) as doomed, opened(doomed, task) as messages:
        await take(messages, 1)
        async with served.store.log_pool.connection() as connection:
            statement = "UPDATE api_key SET revoked_at = now() WHERE hash = %s"
            await connection.execute(statement, (hashed(key),))
        with anyio.fail_after(8):
            (stopped,) = [message async for message in messages]
    assert stopped.event == "error"
    assert stopped.json()["code"] == "unauthenticated"


async def test_the_client_follows_a_task_through_a_restart_of_the_hub(
    addresses: Addresses,
) -> None:
    got: list[Event] = []
    waits: list[float] = []

    async def follow(url: str, key: str, task: str) -> None:
        async with (
            RestClient(url, token=key) as client,
            client.stream(task, on_wait=waits.append) as stream,
        ):
            async for event in stream:
                got.append(event)  # noqa: PERF401  looked at while it grows

    async with anyio.create_task_group() as group:
        async with serving(addresses) as first:
            await first.agent()
            task, key = await first.task(), await first.key()
            await first.worker(task).begin()
            group.start_soon(follow, first.url, key, task)
            await until(lambda: len(got) == 4)
        await until(lambda: len(waits) > 1)
        port = int(first.url.rpartition(":")[2])
        async with serving(addresses, port=port) as second:
            await second.worker(task, appended=2).finish()
            await until(lambda: len(got) == 7, seconds=10)
    assert [event.version for event in got] == list(range(1, 8))
    assert got[-1].type == "task.completed"


def test_the_type_is_read_from_the_ready_line() -> None:
    event = msgspec.json.decode(
        b'{"type":"step.started","version":1,"time":"2026-01-01T00:00:00Z","actor":"a",'
        b'"attempt":0,"data":{}}',
        type=Event,
    )
    assert type_of(envelope(event)) == "step.started"
    assert type_of(b"{}") == "message"


async def test_a_reader_that_takes_nothing_is_cut_without_a_traceback(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "SEND_SECONDS", 0.2)
    path = f"/api/v1/tasks/{await served.task()}/stream"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {await served.key()}".encode())],
    }

    async def silence() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def take(message: Message) -> None:
        if message["type"] == "http.response.body":
            await anyio.sleep_forever()

    said = io.StringIO()
    with logging_to(said), anyio.fail_after(10):
        await served.app(scope, silence, take)
    assert "a reader of a stream was too slow" in said.getvalue()
    assert "unexpected error" not in said.getvalue()
    assert len(served.hub.opened.quotas.streams) == 0


async def test_the_client_says_what_the_hub_says(served: Served) -> None:
    task = await served.task()
    async with await served.client() as client:
        with pytest.raises(NotFound):
            async with client.stream("0199aaaa-0000-7000-8000-000000000000") as stream:
                await anext(stream)
        with pytest.raises(WrongVersion):
            async with client.stream(task, after=50) as stream:
                await anext(stream)
    async with RestClient(served.url, token="pgk_00000000_" + "x" * 43) as nobody:
        with pytest.raises(Unauthenticated):
            async with nobody.stream(task) as stream:
                await anext(stream)
