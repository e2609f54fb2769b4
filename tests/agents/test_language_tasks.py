"""Whole tasks with Anthropic's and Google's models: a worker, `react`, a tool, HTTP on loopback."""

from typing import Any

import anyio
import pytest

from protocols.steps import Usage
from protocols.tasks import StepState, TaskState
from tests.agents.conftest import Site
from tests.agents.unit import anthropic_wire, google_wire
from tests.agents.unit.http_server import Reply, Server, http_server

SPEC: dict[str, object] = {"instructions": "Be brief.", "tools": ["calculator", "clock"]}
CALLS = {
    "anthropic": anthropic_wire.answer(
        anthropic_wire.thinking_block(["I must ", "calculate."]),
        anthropic_wire.text_block(["Let me see."]),
        anthropic_wire.tool_block("calculator", {"expression": "6 * 7"}, call="toolu_1"),
        anthropic_wire.tool_block("clock", {"timezone": "Nowhere/At-All"}, call="toolu_2"),
        stop="tool_use",
        cache_read_input_tokens=50,
    ),
    "google": google_wire.answer(
        google_wire.thought_part("I must calculate."),
        google_wire.text_part("Let me see."),
        google_wire.call_part(
            "calculator", {"expression": "6 * 7"}, signature=google_wire.SIGNATURE
        ),
        google_wire.call_part("clock", {"timezone": "Nowhere/At-All"}),
        promptTokenCount=150,
        cachedContentTokenCount=50,
    ),
}
ANSWER = {
    "anthropic": anthropic_wire.answer(anthropic_wire.text_block(["It is ", "42."])),
    "google": google_wire.answer(google_wire.text_part("It is "), google_wire.text_part("42.")),
}
HALF = {"anthropic": ANSWER["anthropic"][:4], "google": ANSWER["google"][:1]}
MODEL = {"anthropic": anthropic_wire.MODEL, "google": google_wire.MODEL}
# Two calls: (100 + 100) in and 50 cached, 20 + 20 out, at the dated prices of the two models.
COST = {"anthropic": 600 + 15 + 600, "google": 30 + 2 + 50 + 80}

pytestmark = pytest.mark.parametrize("provider", ["anthropic", "google"])


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-test")
    monkeypatch.setenv("GEMINI_API_KEY", "key-of-the-test")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)


def _use(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)


def _results(provider: str, body: dict[str, Any]) -> list[str]:
    """What the request says the tools answered."""
    if provider == "anthropic":
        return [str(one["content"]) for one in body["messages"][-1]["content"]]
    return [str(one["functionResponse"]["response"]) for one in body["contents"][-1]["parts"]]


async def test_a_task_is_worked_out_with_tools_and_counted(
    site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(model=f"{provider}:{MODEL[provider]}", **SPEC)
    async with http_server(Reply(CALLS[provider]), Reply(ANSWER[provider])) as server:
        _use(server, monkeypatch)
        async with site.worker():
            ended = await site.end(await site.submit("What is 6 * 7, and when?"))
    assert (ended.state, ended.answer, ended.reason) == (TaskState.COMPLETED, "It is 42.", None)
    states = [(step.kind, step.name, step.state) for step in ended.steps]
    asked = ("model", f"{provider}:{MODEL[provider]}", StepState.FINISHED)
    assert states == [
        asked,
        ("tool", "calculator", StepState.FINISHED),
        ("tool", "clock", StepState.FAILED),
        asked,
    ]
    assert ended.usage == Usage(input=250, output=40, cached_read=50)
    assert ended.cost == COST[provider]
    first, second = (request.body for request in server.requests)
    calculated, refused = _results(provider, second)
    assert "42" in calculated
    assert "Nowhere/At-All" in refused
    assert "What is 6 * 7, and when?" in str(first)


async def test_the_next_worker_gives_back_what_the_model_wants_with_its_answer(
    site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(model=f"{provider}:{MODEL[provider]}", **SPEC)
    silent = Reply(is_silent=True)
    async with http_server(Reply(CALLS[provider]), silent, Reply(ANSWER[provider])) as server:
        _use(server, monkeypatch)
        async with site.worker():
            task = await site.submit("What is 6 * 7?")
            with anyio.fail_after(20):
                while len(server.requests) < 2:
                    await anyio.sleep(0.02)
        async with site.worker():
            ended = await site.end(task)
    assert (ended.state, ended.answer) == (TaskState.COMPLETED, "It is 42.")
    _, given, again = (request.body for request in server.requests)
    said = "messages" if provider == "anthropic" else "contents"
    assert again[said] == given[said]
    signature = anthropic_wire.SIGNATURE if provider == "anthropic" else google_wire.SIGNATURE
    assert signature in str(again[said])


async def test_a_cancel_ends_the_call_at_the_provider(
    site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(model=f"{provider}:{MODEL[provider]}", **SPEC)
    async with http_server(Reply(HALF[provider], hangs=True)) as server:
        _use(server, monkeypatch)
        async with site.worker():
            task = await site.submit()
            await site.until(task, lambda found: any(said.text for said in found.said))
            await site.tasks.cancel(task)
            with anyio.fail_after(10):
                await server.left.wait()
            assert (await site.end(task)).state is TaskState.CANCELED


async def test_a_refused_key_fails_the_task_with_what_to_do(
    site: Site, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.agent(model=f"{provider}:{MODEL[provider]}", **SPEC)
    refusals = {
        "anthropic": anthropic_wire.refusal(401, "authentication_error"),
        "google": google_wire.refusal(400, "INVALID_ARGUMENT", details=[google_wire.BAD_KEY]),
    }
    variable = {"anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY (or GEMINI_API_KEY)"}
    async with http_server(refusals[provider]) as server:
        _use(server, monkeypatch)
        async with site.worker():
            ended = await site.end(await site.submit())
    assert (ended.state, ended.code) == (TaskState.FAILED, "model_failed")
    assert f"{provider} refuses the key in {variable[provider]}" in (ended.reason or "")
