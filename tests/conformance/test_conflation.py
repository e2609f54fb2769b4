"""A reader that stops reading for a while, on a channel where only the newest counts."""

import anyio

from protocols import namespaces
from protocols.principals import TeamId
from store.addresses import Addresses
from store.redis.publications import NewPublication, PublishOptions
from tests.conformance.conftest import served_on
from tests.conformance.test_sockets import CONNECT, client_of

NAMESPACES = namespaces.parse('[{"name":"now","conflate":true}]')
COUNT, BYTES = 1200, 20_000  # more than sockets hold


async def test_it_misses_what_is_old_and_has_the_newest_at_last(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        client_of(served) as quick,
        client_of(served, max_queue=1) as stuck,
    ):
        for client in (quick, stuck):
            await client.send(CONNECT, {"id": 2, "subscribe": {"channel": "now:a"}})
            await client.next()
            await client.next()

        async def number() -> int:
            data: str = (await stuck.next())["push"]["pub"]["data"]
            return int(data.split()[0])

        for n in range(1, COUNT + 1):
            data = b'"%d %s"' % (n, b"x" * BYTES)
            await served.application.publish(
                TeamId(1), "now:a", NewPublication(data=data), PublishOptions()
            )
            data = (await quick.next())["push"]["pub"]["data"]
            assert data.startswith(f"{n} ")
        numbers = [await number()]
        with anyio.fail_after(20):
            while numbers[-1] != COUNT:
                numbers.append(await number())

        assert numbers == sorted(set(numbers))
        assert len(numbers) < COUNT
        assert served.sockets.publications_skipped == COUNT - len(numbers)
        assert served.sockets.counters.slow_closes == 0
        assert served.live.fanout.counters.losses == 0
