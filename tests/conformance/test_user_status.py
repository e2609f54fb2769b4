"""Users are here or are not, whatever channels they are in, on whichever hub."""

from typing import Any

from store.addresses import Addresses
from tests.conformance.guests import connected, hub_with_guests, signed
from tests.serving import Served, until


async def asked(served: Served, key: str, *users: Any) -> dict[str, Any]:
    async with served.with_key(key) as program:
        answer = await program.post(
            "/api/get_user_status", json={"users": list(users)}, headers={"X-API-Key": key}
        )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def online(served: Served, key: str, *users: str) -> list[bool]:
    return [one["online"] for one in (await asked(served, key, *users))["result"]["statuses"]]


async def test_who_is_connected_anywhere_is_online_and_was_seen(addresses: Addresses):
    async with hub_with_guests(addresses) as served, hub_with_guests(addresses) as other:
        key = await served.key()
        assert await online(served, key, "42", "43") == [False, False]
        async with connected(other, signed("42")), connected(other, signed("")):
            found: list[bool] = []
            for _ in range(300):
                found = await online(served, key, "42", "43", "")
                if found[0]:
                    break
            await until(lambda: found == [True, False, False])
        (seen, never) = (await asked(served, key, "42", "43"))["result"]["statuses"]
        assert seen["active"] > 1_700_000_000
        assert never == {"user": "43", "active": 0, "online": False}


async def test_other_teams_users_are_nobodys_business_and_many_are_too_many(addresses: Addresses):
    async with hub_with_guests(addresses) as served:
        key = await served.key()
        elsewhere = await served.key(team=2)  # pyright: ignore[reportArgumentType]
        async with connected(served, signed("42")):
            for _ in range(300):
                if await online(served, key, "42") == [True]:
                    break
            assert await online(served, key, "42") == [True]
            assert await online(served, elsewhere, "42") == [False]
        many = await asked(served, key, *map(str, range(1001)))
        assert many["error"]["code"] == 106
        assert (await asked(served, key, 5))["error"]["code"] == 107
