"""Behind a proxy on the same machine all come from loopback: what tells more asks for a key."""

import httpx
import pytest

from hub.settings import HubSettings
from store.addresses import Addresses
from tests.flows.product import prepared
from tests.serving import Served, serving

TELLING = ("/health/deep", "/health/metrics")


async def statuses(served: Served, **headers: str) -> list[int]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=10) as client:
        return [(await client.get(path, headers=headers)).status_code for path in TELLING]


@pytest.mark.parametrize(
    ("public_url", "trusted_proxies"),
    [
        ("https://factory.example", ""),
        ("http://192.0.2.1:8000", ""),
        ("https://factory.example", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
async def test_a_hub_that_others_reach_asks_for_a_key_where_a_proxy_says_nothing_of_itself(
    addresses: Addresses, public_url: str | None, trusted_proxies: str
) -> None:
    async with serving(addresses, public_url=public_url, trusted_proxies=trusted_proxies) as served:
        assert await statuses(served) == [401, 401]  # as nginx's proxy_pass asks without settings
        with_key = await statuses(served, Authorization=f"Bearer {await served.key()}")
        assert with_key == [503, 200]  # no worker is there, and it says so
        async with httpx.AsyncClient(base_url=served.url, trust_env=False) as client:
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/health/ready")).status_code == 200


async def test_a_hub_for_this_machine_alone_tells_it_everything(addresses: Addresses) -> None:
    async with serving(addresses, public_url="http://localhost:8000") as served:
        assert await statuses(served) == [503, 200]
        for header in (
            *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
            *("X-Forwarded", "X-Real-IP", "X-Client-IP", "Via"),
        ):
            assert await statuses(served, **{header: "127.0.0.1"}) == [401, 401], header


@pytest.mark.parametrize(
    ("public_url", "is_public"),
    [
        (None, False),
        ("http://localhost:8000", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:8000", False),
        ("http://10.0.0.1", True),
        ("https://factory.example", True),
        ("http://localhost.example", True),
    ],
)
def test_an_address_is_public_unless_it_is_of_this_machine_alone(
    *, public_url: str | None, is_public: bool
) -> None:
    assert HubSettings(public_url=public_url).is_public is is_public


def test_the_doctor_says_what_is_missing_behind_a_proxy() -> None:
    with prepared() as product:
        assert "PYGENT_TRUSTED_PROXIES" not in product.run("doctor").out
        said = " ".join(
            product.run("doctor", PYGENT_PUBLIC_URL="https://factory.example").out.split()
        )
        assert "PYGENT_TRUSTED_PROXIES is not set" in said
        assert "ask for a key" in said
        told = {
            "PYGENT_PUBLIC_URL": "https://factory.example",
            "PYGENT_TRUSTED_PROXIES": "127.0.0.1",
        }
        said = " ".join(product.run("doctor", **told).out.split())
        assert "https://factory.example by way of 127.0.0.1" in said
        said = " ".join(product.run("doctor", PYGENT_TRUSTED_PROXIES="127.0.0.1").out.split())
        assert "PYGENT_PUBLIC_URL is not set" in said
