"""`google:` and what only Gemini has: marks on calls, calls without ids, blocked prompts."""

from dataclasses import replace

import pytest

from agents.model import ModelEvent, ReasoningDelta, TextDelta, ToolAnswer
from agents.models.language import keeping
from agents.models.language import model as language
from agents.tool import offer
from agents.tools.calculator import Calculator
from agents.tools.clock import Clock
from protocols.errors import ModelFailed
from protocols.steps import Usage
from tests.agents.unit.google_wire import (
    SIGNATURE,
    answer,
    blocked,
    call_part,
    refusal,
    text_part,
    thought_part,
)
from tests.agents.unit.http_server import Reply, http_server
from tests.agents.unit.wires import ASKED, GOOGLE, answered

WITH_TOOLS = replace(ASKED, tools=(offer(Calculator()), offer(Clock())))
RPC = "type.googleapis.com/google.rpc"


async def test_a_request_says_who_asks_and_what_for() -> None:
    request = replace(ASKED, temperature=0.5, max_output_tokens=300)
    async with http_server(Reply(answer(text_part("4")))) as server:
        await answered(GOOGLE, server.url, request)
    (sent,) = server.requests
    assert sent.path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert sent.headers["x-goog-api-key"] == "key-of-the-test"
    assert sent.body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert sent.body["contents"] == [{"role": "user", "parts": [{"text": "2 + 2?"}]}]
    sampling = sent.body["generationConfig"]
    assert (sampling["temperature"], sampling["maxOutputTokens"]) == (0.5, 300)


async def test_thoughts_and_text_stream_apart_and_cached_tokens_are_counted_and_priced() -> None:
    pieces = answer(
        thought_part("Two and two."),
        text_part("It is "),
        text_part("4."),
        promptTokenCount=1000,
        cachedContentTokenCount=600,
        candidatesTokenCount=20,
        thoughtsTokenCount=5,
    )
    heard: list[ModelEvent] = []
    async with http_server(Reply(pieces)) as server:
        last = await answered(GOOGLE, server.url, heard=heard)
    assert heard[:-1] == [ReasoningDelta("Two and two."), TextDelta("It is "), TextDelta("4.")]
    assert (last.text, last.reasoning) == ("It is 4.", "Two and two.")
    assert last.usage == Usage(input=1000, output=25, cached_read=600, reasoning=5)
    # 400 at 0.30, 600 cached at 0.03 and 25 out at 2.50 dollars a million
    assert last.cost == 201


@pytest.mark.parametrize("ids", [("fc-1", "fc-2"), (None, None)])
async def test_parallel_calls_go_out_and_all_their_answers_come_back_in_one_message(
    ids: tuple[str | None, str | None],
) -> None:
    first = answer(
        thought_part("Two tools."),
        text_part("Let me see. "),
        call_part("calculator", {"expression": "2 + 2"}, call=ids[0], signature=SIGNATURE),
        call_part("clock", {}, call=ids[1]),
    )
    async with http_server(Reply(first), Reply(answer(text_part("4, at noon")))) as server:
        called = await answered(GOOGLE, server.url, WITH_TOOLS)
        assert called.finish_reason == "tool_call"
        calls = [(call.name, call.arguments) for call in called.tool_calls]
        assert calls == [("calculator", {"expression": "2 + 2"}), ("clock", {})]
        assert len({call.id for call in called.tool_calls}) == 2
        told = (
            ToolAnswer(call=called.tool_calls[0].id, name="calculator", content='{"result": 4}'),
            ToolAnswer(
                call=called.tool_calls[1].id,
                name="clock",
                content='{"error": "no"}',
                is_error=True,
            ),
        )
        request = replace(WITH_TOOLS, conversation=(*ASKED.conversation, called, *told))
        assert (await answered(GOOGLE, server.url, request)).text == "4, at noon"
    user, model, results = server.requests[1].body["contents"]
    assert [user["role"], model["role"], results["role"]] == ["user", "model", "user"]
    first_call, second_call = (part for part in model["parts"] if "functionCall" in part)
    assert first_call["functionCall"]["args"] == {"expression": "2 + 2"}
    assert first_call["thoughtSignature"] == SIGNATURE
    assert "thoughtSignature" not in second_call
    responses = [part["functionResponse"] for part in results["parts"]]
    assert [response["name"] for response in responses] == ["calculator", "clock"]
    assert "4" in str(responses[0]["response"])
    assert "error" in responses[1]["response"]
    assert [one["id"] for one in responses] == [call.id for call in called.tool_calls]


async def test_what_was_kept_and_cannot_be_read_any_more_leaves_text_and_calls() -> None:
    assert keeping.restored({"parts": [{"part_kind": "of the future"}]}) is None
    call = answer(call_part("clock", {}, signature=SIGNATURE))
    async with http_server(Reply(call), Reply(answer(text_part("noon")))) as server:
        called = await answered(GOOGLE, server.url, WITH_TOOLS)
        told = ToolAnswer(call=called.tool_calls[0].id, name="clock", content="{}")
        odd = replace(called, kept="of the future")
        request = replace(WITH_TOOLS, conversation=(*ASKED.conversation, odd, told))
        assert (await answered(GOOGLE, server.url, request)).text == "noon"
    assert server.requests[1].body["contents"][1]["parts"][0]["functionCall"]["name"] == "clock"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (refusal(403, "PERMISSION_DENIED"), "refuses the key in GOOGLE_API_KEY"),
        (
            refusal(
                429,
                "RESOURCE_EXHAUSTED",
                details=[
                    {
                        "@type": f"{RPC}.QuotaFailure",
                        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
                    }
                ],
            ),
            "quota or credit is used up",
        ),
        (
            refusal(
                429,
                "RESOURCE_EXHAUSTED",
                details=[{"@type": f"{RPC}.RetryInfo", "retryDelay": "44.2s"}],
            ),
            "may be asked again in 45 seconds",
        ),
        (
            refusal(
                400,
                "INVALID_ARGUMENT",
                message="The input token count (9) exceeds the maximum (4)",
            ),
            "longer than the model 'gemini-2.5-flash' of google can read",
        ),
        (Reply([b"<html>secret</html>"], status=502), "google failed on its side"),
        (Reply(blocked()), "withheld the answer"),
        (Reply(answer(text_part("I"), finish="SAFETY")), "withheld the answer"),
        (Reply(answer(text_part(""), finish="MALFORMED_FUNCTION_CALL")), "broke its answer off"),
        (Reply(answer(thought_part("hm"), finish="MAX_TOKENS")), "raise max_output_tokens"),
        (Reply([b"data: nonsense\n\n"]), "ended the answer in the middle"),
        (Reply([]), "google"),
    ],
)
async def test_what_is_no_answer_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, sentence: str
) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)
    async with http_server(reply, reply) as server:
        with pytest.raises(ModelFailed) as raised:
            await answered(GOOGLE, server.url)
    assert sentence in raised.value.message
    assert "secret" not in raised.value.message


async def test_text_with_an_unusual_end_is_given_with_its_reason() -> None:
    async with http_server(Reply(answer(text_part("4"), finish="OTHER"))) as server:
        last = await answered(GOOGLE, server.url)
    assert (last.text, last.finish_reason) == ("4", "other")
