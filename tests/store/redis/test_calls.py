"""Commands that are asked for together go together; none is sent twice, none waits for ever."""

from collections.abc import AsyncGenerator

import anyio
import pytest
from redis.asyncio import BlockingConnectionPool, Redis

from protocols.errors import InvalidRequest, Unavailable
from store.redis import calls as calls_module
from store.redis.calls import SERVER, Calls, open_calls
from store.redis.connection import open_pool


@pytest.fixture
async def pool(anyio_backend: object, redis_url: str) -> AsyncGenerator[BlockingConnectionPool]:
    async with open_pool(redis_url) as pool:
        yield pool


@pytest.fixture
async def calls(pool: BlockingConnectionPool) -> AsyncGenerator[Calls]:
    async with open_calls(pool, connections=1) as [calls]:
        yield calls


async def test_many_at_once_are_answered_each_for_itself(calls: Calls, redis_prefix: str):
    """In as many round trips as it takes: Redis answers in the order it was asked."""
    key = f"{redis_prefix}n"
    found: list[object] = []

    async def count() -> None:
        found.append(await calls.one(("INCR", key)))

    async with anyio.create_task_group() as group:
        for _ in range(1000):
            group.start_soon(count)

    assert found == list(range(1, 1001))
    assert await calls.many([("INCR", key)] * 3000) == list(range(1001, 4001))
    assert await calls.many([]) == []


async def test_those_that_come_together_share_a_round_trip(
    calls: Calls, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    sent: list[int] = []
    exchange = calls_module._exchange

    async def counted(connection, packed, **server):
        sent.append(len(packed))
        return await exchange(connection, packed, **server)

    await calls.one(("PING",))
    monkeypatch.setattr(calls_module, "_exchange", counted)
    async with anyio.create_task_group() as group:
        for _ in range(300):
            group.start_soon(calls.one, ("PING",))

    assert sum(sent) == 300
    assert len(sent) <= 3


async def test_a_refused_command_is_refused_alone(calls: Calls, redis_prefix: str):
    text, number = f"{redis_prefix}text", f"{redis_prefix}number"

    first, second, third = await calls.many([("SET", text, "a"), ("INCR", text), ("INCR", number)])

    assert first == b"OK"
    assert isinstance(second, Unavailable)
    assert "integer" not in str(second)  # no driver text
    assert third == 1


async def test_scripts_redis_does_not_know_are_taught_and_run_once(
    calls: Calls, redis_url: str, redis_prefix: str
):
    seen = calls.script("seen_users")
    status = calls.script("status_of_users")
    key = f"{redis_prefix}seen"
    await calls.one(seen((key,), (1000, "a")))
    async with Redis.from_url(redis_url) as client:
        await client.script_flush()

    answers = await calls.many(
        [("SET", f"{redis_prefix}a", "1"), seen((key,), (1000, "a", "b")), status((key,), ("b",))]
    )

    assert answers[:2] == [b"OK", 2]
    assert isinstance(answers[2], list)


async def test_what_nobody_waits_for_any_more_is_not_sent(own_valkey):
    async with own_valkey.running(), open_pool(own_valkey.url) as pool:
        calls = Calls(pool)  # not at work yet
        with anyio.move_on_after(0.01):
            await calls.one(("INCR", "n"))
        assert calls.post(("INCR", "n"))
        async with anyio.create_task_group() as group:
            group.start_soon(calls.run)
            assert await calls.one(("GET", "n")) == b"1"
            group.cancel_scope.cancel()


async def test_what_would_wait_behind_too_much_is_refused_at_once(
    pool: BlockingConnectionPool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calls_module, "MAX_WAITING", 2)
    full = Calls(pool)
    assert full.post(("PING",))
    assert full.post(("PING",))
    assert not full.post(("PING",))
    with pytest.raises(Unavailable, match="too much"):
        await full.one(("PING",))

    monkeypatch.setattr(calls_module, "MAX_WAITING_BYTES", 50)
    heavy = Calls(pool)
    assert not heavy.post(("ECHO", b"x" * 50))
    assert heavy.post(("ECHO", b"x"))


async def test_who_waits_when_the_work_ends_is_told(pool: BlockingConnectionPool):
    told: list[object] = []
    calls = Calls(pool)

    async def wait() -> None:
        told.extend(await calls.many([("PING",), ("PING",)]))

    with anyio.fail_after(2):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            async with anyio.create_task_group() as working:
                working.cancel_scope.cancel()
                working.start_soon(calls.run)

    assert [type(answer) for answer in told] == [Unavailable, Unavailable]


async def test_after_a_part_without_any_answer_the_rest_is_not_tried(
    own_valkey, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calls_module, "WAIT_SECONDS", 0.2)
    async with (
        own_valkey.running(),
        open_pool(own_valkey.url) as pool,
        open_calls(pool, connections=1) as [calls],
    ):
        assert await calls.one(("PING",)) == b"PONG"
        async with Redis.from_url(own_valkey.url) as client:
            await client.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
        with anyio.fail_after(5):  # all fifty parts would take ten
            answers = await calls.many([("PING",)] * 50 * 1024)

    assert len(answers) == 50 * 1024
    assert all(isinstance(answer, Unavailable) for answer in answers)


async def test_a_connection_that_redis_has_closed_is_replaced_before_it_is_used(own_valkey):
    async with open_pool(own_valkey.url) as pool, open_calls(pool, connections=1) as [calls]:
        for _ in range(3):
            async with own_valkey.running():
                assert await calls.one(("PING",)) == b"PONG"
                await anyio.sleep(calls_module.IDLE_SECONDS)


async def test_words_that_are_no_text_are_refused(calls: Calls):
    with pytest.raises(InvalidRequest):
        await calls.many([("PING",), ("ECHO", "\udc80")])
    assert await calls.one(("ECHO", b"\xff")) == b"\xff"


async def test_a_command_may_name_the_server_it_is_sent_to(own_valkey):
    async with open_pool(own_valkey.url) as pool, open_calls(pool, connections=1) as [calls]:
        found: list[object] = []
        for _ in range(2):
            async with own_valkey.running():
                found.append(await calls.one(("ECHO", SERVER)))
                async with Redis.from_url(own_valkey.url) as client:
                    assert found[-1] == (await client.info("server"))["run_id"].encode()
    assert len(set(found)) == 2


async def test_a_server_that_only_may_be_read_is_left(own_valkey):
    async with (
        own_valkey.running(),
        open_pool(own_valkey.url) as pool,
        open_calls(pool, connections=1) as [calls],
        Redis.from_url(own_valkey.url) as client,
    ):
        assert await calls.one(("INCR", "n")) == 1
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        connections = (await client.info("stats"))["total_connections_received"]
        with pytest.raises(Unavailable):
            await calls.one(("INCR", "n"))
        await client.execute_command("REPLICAOF", "NO", "ONE")
        assert await calls.one(("INCR", "n")) == 2
        assert (await client.info("stats"))["total_connections_received"] > connections
