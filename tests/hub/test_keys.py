"""API keys: how many a team may have, and what is answered for one that is not there."""

import pytest

from protocols.errors import LimitExceeded, NotFound
from protocols.operations.keys import CreateKey
from protocols.rest.client import RestClient
from store.postgres import identity
from tests.serving import Served


async def test_a_team_has_so_many_keys_and_a_revoked_one_makes_room(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "MAX_KEYS", 3)
    async with RestClient(served.url, cookie=await served.session()) as client:
        await client.keys.create(CreateKey(name="first"))
        second = await client.keys.create(CreateKey(name="second"))
        await client.keys.create(CreateKey(name="third"))
        with pytest.raises(LimitExceeded, match="3 keys at a time; revoke some"):
            await client.keys.create(CreateKey(name="one too many"))
        await client.keys.revoke(second.id)
        assert (await client.keys.create(CreateKey(name="fourth"))).name == "fourth"


@pytest.mark.parametrize(
    "key_id", ["0199aaaa-0000-7000-8000-000000000000", "pgk_00000000", "NO-ID"]
)
async def test_a_key_that_is_not_there_cannot_be_revoked(served: Served, key_id: str) -> None:
    async with RestClient(served.url, cookie=await served.session()) as client:
        with pytest.raises(NotFound, match="there is no key"):
            await client.keys.revoke(key_id)
