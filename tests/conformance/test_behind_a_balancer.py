"""The npm client's streams on one hub, and its commands on another, each a process of its own."""

import pytest

from hub.identity.keys import create_key
from protocols.centrifugal.routes import PATH
from protocols.operations.keys import CreateKey
from store.addresses import Addresses
from store.connect import open_store
from tests.conformance.clients import js_stream_client
from tests.conformance.conftest import program_on
from tests.hub.conftest import TEAM, Written, dense


@pytest.mark.parametrize("transport", ["http_stream", "sse"])
async def test_a_stream_is_followed_though_its_commands_come_to_another_hub(
    addresses: Addresses, transport: str
):
    async with (
        open_store(addresses, pool_size=2) as store,
        program_on(addresses) as hub,
        program_on(addresses) as other,
    ):
        write = Written(store)
        channel = write.new_stream()
        await write.append(channel, 3)
        key = await create_key(store, TEAM, CreateKey(name="client"))
        site = other.url.replace("ws:", "http:").removesuffix(PATH) + "/"
        async with js_stream_client(
            hub.url, token=key.token, channel=str(channel), transport=transport, commands_to=site
        ) as heard:
            await heard.until(3)
            await write.append(channel, 20)
            await heard.until(23)
            await other.kill()  # the stream lives on; commands find no hub, so the client is told
            await write.append(channel, 5)
            await heard.until(28)
        assert heard.offsets == dense(1, 28)
        assert heard.ended == []
