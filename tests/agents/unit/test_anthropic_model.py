"""`anthropic:` and what only the Messages API has: signed thoughts, cache writes, tool blocks."""

from dataclasses import replace

import pytest

from agents.model import ModelEvent, ReasoningDelta, TextDelta, ToolAnswer, ToolCall
from agents.models.language import model as language
from agents.tool import offer
from agents.tools.calculator import Calculator
from agents.tools.clock import Clock
from protocols.errors import ModelFailed
from protocols.steps import Usage
from tests.agents.unit.anthropic_wire import (
    SIGNATURE,
    answer,
    refusal,
    text_block,
    thinking_block,
    tool_block,
)
from tests.agents.unit.http_server import Reply, http_server
from tests.agents.unit.wires import ANTHROPIC, ASKED, answered

WITH_TOOLS = replace(ASKED, tools=(offer(Calculator()), offer(Clock())))


async def test_a_request_says_who_asks_and_what_for() -> None:
    request = replace(ASKED, temperature=0.5, max_output_tokens=300)
    async with http_server(Reply(answer(text_block(["4"])))) as server:
        await answered(ANTHROPIC, server.url, request)
    (sent,) = server.requests
    assert sent.path == "/v1/messages"
    headers = sent.headers
    # Packages before 1.0 sent x-api-key, newer ones send a bearer.
    assert "key-of-the-test" in headers.get("x-api-key", headers.get("authorization", ""))
    assert sent.body["model"] == "claude-sonnet-4-6"
    assert (sent.body["stream"], sent.body["temperature"], sent.body["max_tokens"]) == (
        True,
        0.5,
        300,
    )
    assert "Be brief." in [part["text"] for part in sent.body["system"]]
    assert sent.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "2 + 2?"}]}
    ]


async def test_thoughts_and_text_stream_apart_and_cached_tokens_are_counted_and_priced() -> None:
    pieces = answer(
        thinking_block(["Two and ", "two."]),
        text_block(["It is ", "4."]),
        cache_read_input_tokens=600,
        cache_creation_input_tokens=50,
    )
    heard: list[ModelEvent] = []
    async with http_server(Reply(pieces)) as server:
        last = await answered(ANTHROPIC, server.url, heard=heard)
    assert heard[:-1] == [
        ReasoningDelta("Two and "),
        ReasoningDelta("two."),
        TextDelta("It is "),
        TextDelta("4."),
    ]
    assert (last.text, last.reasoning) == ("It is 4.", "Two and two.")
    assert last.usage == Usage(input=750, output=20, cached_read=600, cached_write=50)
    # 100 at 3, 600 read at 0.30, 50 written at 3.75 and 20 out at 15 dollars a million
    assert last.cost == 968


async def test_parallel_calls_go_out_and_all_their_answers_come_back_in_one_message() -> None:
    first = answer(
        thinking_block(["Two tools."]),
        text_block(["Let me see. "]),
        tool_block("calculator", {"expression": "2 + 2"}, call="toolu_1"),
        tool_block("clock", {}, call="toolu_2"),
        stop="tool_use",
    )
    async with http_server(Reply(first), Reply(answer(text_block(["4, at noon"])))) as server:
        called = await answered(ANTHROPIC, server.url, WITH_TOOLS)
        assert called.finish_reason == "tool_call"
        assert called.tool_calls == (
            ToolCall(id="toolu_1", name="calculator", arguments={"expression": "2 + 2"}),
            ToolCall(id="toolu_2", name="clock", arguments={}),
        )
        told = (
            ToolAnswer(call="toolu_1", name="calculator", content='{"result": 4}'),
            ToolAnswer(call="toolu_2", name="clock", content='{"error": "no"}', is_error=True),
        )
        request = replace(WITH_TOOLS, conversation=(*ASKED.conversation, called, *told))
        assert (await answered(ANTHROPIC, server.url, request)).text == "4, at noon"
    user, assistant, results = server.requests[1].body["messages"]
    assert [user["role"], assistant["role"], results["role"]] == ["user", "assistant", "user"]
    assert assistant["content"] == [
        {"type": "thinking", "thinking": "Two tools.", "signature": SIGNATURE},
        {"type": "text", "text": "Let me see. "},
        {
            "type": "tool_use",
            "id": "toolu_1",
            "name": "calculator",
            "input": {"expression": "2 + 2"},
        },
        {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}},
    ]
    assert [(one["type"], one["tool_use_id"], one["is_error"]) for one in results["content"]] == [
        ("tool_result", "toolu_1", False),
        ("tool_result", "toolu_2", True),
    ]
    assert '{"result": 4}' in str(results["content"][0]["content"])


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (refusal(403, "permission_error"), "refuses the key in ANTHROPIC_API_KEY"),
        (refusal(402, "billing_error"), "quota or credit is used up"),
        (
            refusal(400, "invalid_request_error", message="Your credit balance is too low to go"),
            "add credit there, or set another key in ANTHROPIC_API_KEY",
        ),
        (
            refusal(400, "invalid_request_error", message="prompt is too long: 9 > 4"),
            "longer than the model 'claude-sonnet-4-6' of anthropic can read",
        ),
        (refusal(413, "request_too_large"), "larger than anthropic takes"),
        (Reply([b"<html>secret</html>"], status=502), "anthropic failed on its side"),
        (Reply(answer(text_block(["I"]), stop="refusal")), "withheld the answer"),
        (Reply(answer(stop="max_tokens")), "raise max_output_tokens"),
        (Reply([b"data: nonsense\n\n"]), "cannot be read"),
    ],
)
async def test_what_is_no_answer_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, sentence: str
) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)
    async with http_server(reply, reply) as server:
        with pytest.raises(ModelFailed) as raised:
            await answered(ANTHROPIC, server.url)
    assert sentence in raised.value.message
    assert "secret" not in raised.value.message


async def test_text_cut_by_the_limit_of_output_is_given_and_said_to_be() -> None:
    reply = Reply(answer(text_block(["half of it"]), stop="max_tokens"))
    async with http_server(reply) as server:
        last = await answered(ANTHROPIC, server.url)
    assert (last.text, last.finish_reason) == ("half of it", "length")
