"""The parts alone on shared servers, several of each; and a start that is broken off."""

import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from protocols.agents import AgentSpec
from protocols.operations.tasks import SubmitTask
from protocols.rest.client import RestClient
from tests.flows.processes import free_port, lives, until
from tests.flows.product import COMMAND, STOP_SECONDS, Product, prepared
from tests.flows.speakers import scripted


@contextmanager
def part(*arguments: str, product: Product, environment: Mapping[str, str]) -> Generator[None]:
    """A part as a process of its own; it ends softly and well."""
    err = product.directory / "err"
    with err.open("ab") as file:
        process = subprocess.Popen(
            [COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=product.directory,
            env={**product.environment_of_commands(), **environment},
        )
    try:
        yield
        assert process.poll() is None, product.err
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0, product.err


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


async def test_two_hubs_and_a_worker_alone_work_together_on_shared_servers(
    database: str, redis_url: str, redis_prefix: str
):
    servers = {
        "PYGENT_DATABASE_URL": database,
        "PYGENT_REDIS_URL": redis_url,
        "PYGENT_REDIS_PREFIX": redis_prefix,
    }
    with prepared() as product, ExitStack() as stack:
        migrated = product.run("migrate", **servers)
        assert (migrated.code, migrated.out) == (0, ""), migrated.err
        ports = [free_port(), free_port()]
        for command in (["worker"], ["scheduler"], ["scheduler"]):
            stack.enter_context(part(*command, product=product, environment=servers))
        for port in ports:
            own = {**servers, "PYGENT_PORT": str(port)}
            stack.enter_context(part("hub", product=product, environment=own))
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        until(lambda: all(is_ready(url) for url in urls), seconds=40, what=lambda: product.err)

        key = product.run("token", "create", **servers).out.strip()
        async with RestClient(urls[0], token=key) as one, RestClient(urls[1], token=key) as other:
            await one.agents.create(AgentSpec.model_validate(scripted("echo")))
            receipt = await one.tasks.submit(SubmitTask(agent="echo", input="across hubs"))
            async with other.stream(receipt.id) as stream:
                last = [event async for event in stream][-1]
            task, _ = await other.tasks.get(receipt.id)
        assert (last.type, task.answer) == ("task.completed", "across hubs")


def test_the_pages_alone_are_served_on_a_port_that_is_free():
    with prepared() as product:
        login = f"{product.url}/login"

        def is_served() -> bool:
            try:
                return httpx.get(login, trust_env=False).is_success
            except httpx.TransportError:
                return False

        with part("dashboard", product=product, environment={}):
            until(is_served, seconds=20, what=lambda: product.err)
            assert httpx.get(login, trust_env=False).headers["content-type"].startswith("text/html")
            second = product.run("dashboard")
        assert second.code == 6
        assert f"port {product.port}" in second.err
        assert len(second.err.splitlines()) == 1
        nowhere = product.run("dashboard", PYGENT_SITE_DIR="/nowhere")
        assert nowhere.code == 7
        assert "run `make site`" in nowhere.err


def imports_ours(pid: int) -> bool:
    """Whether Python itself has started, of which a traceback would not be ours."""
    return "pydantic_core" in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_start_that_is_broken_off_leaves_nothing(how: signal.Signals, seconds: float):
    """Whatever it is at: importing, making the database, migrating, starting its parts."""
    with prepared() as product:
        err = product.directory / "err"
        with err.open("ab") as file:
            process = subprocess.Popen(
                [COMMAND, "up"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=product.directory,
                env=product.environment_of_commands(),
                start_new_session=True,
            )
        product.process = process
        until(lambda: imports_ours(process.pid), seconds=20)
        time.sleep(seconds)  # any moment will do
        family = product.everybody()
        process.send_signal(how)
        process.wait(STOP_SECONDS)
        left = [one for one in [*family, *product.everybody()] if lives(one)]
        assert left == []
        assert process.returncode in {0, 130, -how}
        assert "Traceback" not in product.err, product.err
        product.process = None
