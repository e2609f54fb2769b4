"""The official Python client publishes to application channels of the real product.

In both forms: through two hubs, the death of one, and a Valkey that comes back empty.
"""

import json
from contextlib import AsyncExitStack

import pytest
from centrifuge import CentrifugeError
from redis.asyncio import Redis

from hub.identity.keys import create_key
from protocols.centrifugal.wire.form import Form
from protocols.operations.keys import CreateKey
from store.addresses import Addresses
from store.connect import open_store
from tests.conformance.conftest import program_on
from tests.conformance.test_sockets import FORMS
from tests.conformance.watching import watching
from tests.conftest import OwnValkey
from tests.hub.conftest import TEAM, dense

NAMESPACES = json.dumps(
    [
        {"name": "news", "history_size": 100, "history_seconds": 300, "publish": "subscribers"},
        {"name": "now", "publish": "operators"},
    ]
)


async def token_of(addresses: Addresses) -> str:
    async with open_store(addresses, pool_size=2) as store:
        return (await create_key(store, TEAM, CreateKey(name="client"))).token


@FORMS
async def test_what_a_client_publishes_is_seen_by_all_hubs_and_missed_by_nobody(
    addresses: Addresses, form: Form
):
    token = await token_of(addresses)
    async with (
        program_on(addresses, namespaces=NAMESPACES) as one,
        program_on(addresses, namespaces=NAMESPACES) as other,
        watching(one.url, token, is_binary=form.is_binary) as here,
        watching(other.url, token, is_binary=form.is_binary) as there,
    ):
        await here.publish(*dense(1, 10))
        await there.publish(*dense(11, 20))
        for client in (here, there):
            await client.until(20)
            assert client.numbers == dense(1, 20)
            assert [publication.offset for publication in client.publications] == dense(1, 20)
            info = client.publications[0].info
            assert info is not None
            assert info.user.startswith("key:")

        await other.kill()
        await here.publish(*dense(21, 25))
        await other.start()
        await there.until(25)
        await here.publish(26)
        await there.until(26)
        assert there.numbers == dense(1, 26)
        assert there.subscribed == [(False, False), (True, True)]

        page = await here.subscription.history(limit=3, reverse=True)
        assert [here.read(publication)["n"] for publication in page.publications] == [26, 25, 24]
        assert page.offset == 26


@FORMS
async def test_a_valkey_that_comes_back_empty_is_told_to_who_watches(
    database: str, own_valkey: OwnValkey, form: Form
):
    addresses = Addresses(database=database, redis=own_valkey.url)
    token = await token_of(addresses)
    async with (
        program_on(addresses, namespaces=NAMESPACES) as program,
        AsyncExitStack() as leaving,
    ):
        async with own_valkey.running():
            client = watching(program.url, token, is_binary=form.is_binary)
            one = await leaving.enter_async_context(client)
            await one.publish(*dense(1, 3))
            await one.until(3)
            redis = Redis.from_url(own_valkey.url)
            await redis.flushall()
            await redis.aclose()
        async with own_valkey.running():
            await one.until_subscribed(2)
            await one.publish(4)
            await one.until(4)
    assert one.subscribed == [(False, False), (True, False)]
    assert one.numbers == dense(1, 4)


@FORMS
async def test_refusals_have_the_protocols_numbers(addresses: Addresses, form: Form):
    token = await token_of(addresses)
    async with (
        program_on(addresses, namespaces=NAMESPACES) as program,
        watching(program.url, token, is_binary=form.is_binary, channel="now:x") as now,
    ):
        await now.publish(1)
        await now.until(1)
        assert now.publications[0].offset == 0
        with pytest.raises(CentrifugeError) as refusal:
            await now.subscription.history(limit=1)
        assert getattr(refusal.value, "code", None) == 108
        if form.is_binary:
            with pytest.raises(CentrifugeError) as refusal:
                await now.subscription.publish(b"no json")
            assert getattr(refusal.value, "code", None) == 107
