"""Readers of application channels that do not read, over real sockets; log channels have theirs."""

import anyio
import pytest

from protocols import namespaces
from protocols.principals import TeamId
from store.addresses import Addresses
from store.redis.publications import NewPublication, PublishOptions
from tests.conformance.conftest import Served, served_on
from tests.conformance.test_sockets import CONNECT, Client, client_of

KEPT = 2000
NAMESPACES = namespaces.parse(
    f'[{{"name":"kept","history_size":{KEPT},"history_seconds":60}},{{"name":"now"}}]'
)
COUNT, BYTES = 700, 20_000  # more than sockets hold
OPTIONS = {
    "kept:a": PublishOptions(history_size=KEPT, history_seconds=60),
    "now:a": PublishOptions(),
}


async def publish(served: Served, channel: str, numbers: range) -> None:
    for n in numbers:
        publication = NewPublication(data=b'"%d %s"' % (n, b"x" * BYTES))
        await served.application.publish(TeamId(1), channel, publication, OPTIONS[channel])


async def number_of(client: Client) -> int:
    data: str = (await client.next())["push"]["pub"]["data"]
    return int(data.split()[0])


async def subscribe(client: Client, channel: str) -> None:
    await client.send(CONNECT, {"id": 2, "subscribe": {"channel": channel}})
    await client.next()
    await client.next()


@pytest.mark.parametrize("channel", OPTIONS)
async def test_a_reader_that_never_reads_is_cut_as_slow_and_holds_nobody_up(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch, channel: str
):
    monkeypatch.setattr("protocols.centrifugal.outbox.WRITE_SECONDS", 1.0)
    async with (
        served_on(addresses, NAMESPACES) as served,
        client_of(served) as quick,
        client_of(served, max_queue=1) as stuck,
    ):
        for client in (quick, stuck):
            await subscribe(client, channel)
        for n in range(1, COUNT + 1):
            await publish(served, channel, range(n, n + 1))
            assert await number_of(quick) == n
        with anyio.fail_after(10):
            while not served.sockets.counters.slow_closes:
                await anyio.sleep(0.02)
        assert (await stuck.closed())[0] == 3008


async def test_a_reader_that_pauses_reads_all_it_missed_from_the_history(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        client_of(served, max_queue=1) as stuck,
    ):
        await subscribe(stuck, "kept:a")
        await publish(served, "kept:a", range(1, COUNT + 1))
        assert [await number_of(stuck) for _ in range(COUNT)] == [*range(1, COUNT + 1)]
        assert served.live.recoveries.fell_behind >= 1
        assert served.live.fanout.counters.losses == 0


async def test_a_reader_that_pauses_where_nothing_is_kept_is_told_that_it_missed_some(
    addresses: Addresses,
):
    async with (
        served_on(addresses, NAMESPACES) as served,
        client_of(served, max_queue=1) as stuck,
    ):
        await subscribe(stuck, "now:a")
        await publish(served, "now:a", range(1, COUNT + 1))
        numbers: list[int] = []
        while "pub" in (push := (await stuck.next())["push"]):
            numbers.append(int(push["pub"]["data"].split()[0]))
        assert push["unsubscribe"]["code"] == 2500
        assert numbers == [*range(1, len(numbers) + 1)]
        assert len(numbers) < COUNT
