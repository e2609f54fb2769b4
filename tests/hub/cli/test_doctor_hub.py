"""The doctor finds what is wrong with the hub, its addresses and its models."""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from anyio.abc import ByteStream
from typer.testing import CliRunner, Result

from hub.cli.app import app
from hub.cli.checks.finding import Finding, Verdict
from hub.cli.checks.hub import named_hub, public_address, running_hub, stranger
from hub.cli.checks.models import models
from hub.cli.data_directory import Running, read_running, write_running
from hub.cli.version import VERSION
from hub.settings import PROVIDER_VARIABLES
from protocols.agents import AgentSpec
from tests.flows.processes import free_port
from tests.hub.cli.old_servers import answering
from tests.hub.cli.projecting import projecting
from tests.serving import Served
from tests.serving import served as served

PROVIDERS = [name for names in PROVIDER_VARIABLES.values() for name in names]


def running(url: str, *, version: str = VERSION) -> Running:
    return Running(
        pid=os.getpid(), url=url, database_url="d", redis_url="r", api_key="k", version=version
    )


def is_wrong(finding: Finding | None, *words: str) -> None:
    assert finding is not None
    assert finding.verdict is Verdict.WRONG, finding
    assert finding.cure
    for word in words:
        assert word in f"{finding.sentence} → {finding.cure}"


async def hubs(given: Running | None, *, was_killed: bool = False) -> dict[str, Finding]:
    return {one.part: one async for one in running_hub(given, was_killed=was_killed)}


@asynccontextmanager
async def web(status: str, body: str) -> AsyncGenerator[str]:
    """Something that speaks HTTP and is no hub."""

    async def serve(stream: ByteStream) -> None:
        await stream.receive()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        await stream.send(f"{head}{body}".encode())

    async with answering(serve) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVIDERS:
        monkeypatch.delenv(name, raising=False)


async def test_a_hub_that_is_well_is_fine(served: Served):
    findings = await hubs(running(served.url))
    assert findings["hub"].verdict is Verdict.FINE
    assert list(findings) == ["hub"]


async def test_a_hub_that_runs_and_does_not_answer_is_told_by_its_process():
    findings = await hubs(running("http://127.0.0.1:1"))
    is_wrong(findings["hub"], "http://127.0.0.1:1", str(os.getpid()))


async def test_another_version_that_runs_is_told_with_both(served: Served):
    findings = await hubs(running(served.url, version="0.0.9"))
    is_wrong(findings["version"], "0.0.9 runs", VERSION, "start it again")


def test_a_factory_says_its_version_to_the_doctor(tmp_path: Path):
    write_running(tmp_path, running("http://x", version=""))
    found = read_running(tmp_path)
    assert found is not None
    assert found.version == VERSION


async def test_a_factory_that_was_killed_is_told_apart_from_none():
    assert "end by itself" in (await hubs(None, was_killed=True))["hub"].sentence
    assert "none runs" in (await hubs(None))["hub"].sentence


async def test_a_hub_of_another_folder_is_recognised(served: Served):
    host, _, port = served.url.removeprefix("http://").partition(":")
    is_wrong(await stranger(host, int(port)), "not of this data directory", "PYGENT_DATA_DIR")
    assert await stranger(host, 1) is None


async def test_a_named_factory_needs_to_answer_and_a_key_it_knows(served: Served):
    is_wrong(await named_hub("http://127.0.0.1:1", "k"), "no answer", "PYGENT_URL")
    is_wrong(await named_hub(served.url, None), "PYGENT_API_KEY is not", "pygent token create")
    is_wrong(await named_hub(served.url, "pgk_wrong_key"), "refuses the key")
    key = await served.key()
    assert (await named_hub(served.url, key)).verdict is Verdict.FINE


async def test_a_public_url_that_leads_elsewhere_is_told(served: Served):
    here = running(served.url)
    async with web("200 OK", "<h1>It works!</h1>") as elsewhere:
        is_wrong(await public_address(elsewhere, here), elsewhere, "something else", served.url)
    is_wrong(await public_address("http://127.0.0.1:1", here), "no answer", "address line")
    found = await public_address(served.url, here)
    assert found is not None
    assert found.verdict is Verdict.FINE
    assert await public_address(None, here) is None


async def test_a_factory_without_any_provider_is_told_what_to_set():
    (found,) = [one async for one in models({}, url=None, key=None)]
    assert found.verdict is Verdict.NOTE
    assert found.cure
    assert "OPENAI_API_KEY" in found.cure


async def test_a_model_server_that_does_not_answer_is_named():
    async with web("404 Not Found", "no") as wrong, web("401 Unauthorized", "key?") as right:
        bases = {
            "OLLAMA_BASE_URL": "http://127.0.0.1:1",
            "VLLM_BASE_URL": wrong,
            "OPENAI_BASE_URL": right,
            "ANTHROPIC_BASE_URL": wrong,
            "GOOGLE_BASE_URL": right,
        }
        findings = {one.part: one async for one in models(bases, url=None, key=None)}
    is_wrong(findings["ollama"], "OLLAMA_BASE_URL", "does not answer")
    is_wrong(findings["vllm"], "no /models", "/v1")
    assert findings["openai"].verdict is Verdict.FINE
    gateway = findings["anthropic"]
    assert (gateway.verdict, "/v1/models" in gateway.sentence) == (Verdict.NOTE, True)
    assert findings["google"].verdict is Verdict.FINE


async def test_an_agent_whose_provider_has_no_key_is_named(served: Served):
    spec = AgentSpec(name="clever", model="anthropic:claude-sonnet-4-5")
    async with await served.client() as client:
        await client.agents.create(spec)
    key, findings = await served.key(), list[Finding]()
    with anyio.fail_after(10):
        async with projecting(served):  # the list of agents is a projection
            while len(findings) < 2:
                findings = [one async for one in models({}, url=served.url, key=key)]
    is_wrong(findings[-1], "clever", "anthropic:claude", "ANTHROPIC_API_KEY")


async def test_the_command_tells_programs_everything_and_ends_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYGENT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PYGENT_SITE_DIR", str(tmp_path / "no-pages"))
    monkeypatch.setenv("PYGENT_PORT", str(free_port()))

    async def ask(*words: str) -> Result:
        return await to_thread.run_sync(CliRunner().invoke, app, ["doctor", *words])

    said = await ask("--json")
    report = json.loads(said.stdout)
    assert said.exit_code == 1
    assert report["is_well"] is False
    wrong = [one for one in report["findings"] if one["verdict"] == "wrong"]
    assert [one["part"] for one in wrong] == ["pages"]
    assert wrong[0]["cure"]

    drawn = await ask()
    assert drawn.exit_code == 1
    assert "✕ pages" in drawn.stdout
    assert "→ run `make site`" in drawn.stdout


async def test_a_broken_setting_is_a_finding_and_no_crash(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYGENT_PORT", "eighty")
    said = await to_thread.run_sync(CliRunner().invoke, app, ["doctor"])
    assert said.exit_code == 1
    assert "PYGENT_PORT" in said.stdout
    assert "eighty" in said.stdout
