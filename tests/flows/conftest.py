"""One running product for the stories that break nothing; those that do start their own."""

from collections.abc import AsyncGenerator, Generator

import pytest

from protocols.agents import AgentSpec
from protocols.rest.client import RestClient
from tests.flows.product import SHORT_LEASES, UNSEEDED, Product, running
from tests.flows.speakers import scripted, spoken


@pytest.fixture(scope="session")
def product() -> Generator[Product]:
    """`pygent up` with leases of three seconds and without the guide; nobody may harm it."""
    with running(environment={**SHORT_LEASES, **UNSEEDED}) as product:
        yield product
        assert "Traceback" not in product.err


@pytest.fixture
async def client(product: Product) -> AsyncGenerator[RestClient]:
    async with product.client() as client:
        yield client


@pytest.fixture(scope="session")
async def agents(anyio_backend: object, product: Product) -> None:
    """`echo` repeats what it is told, `slow` speaks for three seconds, `endless` for a minute."""
    slow, endless = spoken(150, seconds=3.0), spoken(600, seconds=60.0)
    async with product.client() as client:
        for spec in (scripted("echo"), scripted("slow", slow), scripted("endless", endless)):
            await client.agents.create(AgentSpec.model_validate(spec))
