"""`openai:` with a base address, against a real HTTP server on loopback."""

from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest
from pydantic import SecretStr
from pydantic_ai.usage import RequestUsage

from agents.model import ModelEvent, ModelRequest, Responded, TextDelta, ToolAnswer, ToolCall
from agents.models import MODELS
from agents.models.language import model as language
from agents.models.language import translate
from agents.models.providers import Access, Outside
from agents.tool import offer
from agents.tools.calculator import Calculator
from protocols.agents import AgentSpec
from protocols.errors import ModelFailed
from protocols.messages import user_message
from protocols.steps import Usage
from tests.agents.unit.openai_server import (
    Reply,
    openai_server,
    text_chunks,
    tool_chunks,
    usage_chunk,
)

SPEC = AgentSpec(name="asker", model="openai:gpt-4o-mini")
ASKED = ModelRequest(instructions="Be brief.", conversation=(user_message("2 + 2?"),), seconds=20)


async def answered(url: str, request: ModelRequest = ASKED) -> list[ModelEvent]:
    async with aclosing(Outside({"openai": Access(key=SecretStr("k"), url=url)})) as outside:
        model = MODELS["openai"](SPEC, outside)
        async with model.respond(request) as events:
            return [event async for event in events]


async def test_an_answer_is_streamed_counted_and_priced() -> None:
    usage = usage_chunk(
        prompt_tokens=1000,
        completion_tokens=20,
        total_tokens=1020,
        prompt_tokens_details={"cached_tokens": 600},
        completion_tokens_details={"reasoning_tokens": 5},
    )
    async with openai_server(Reply([*text_chunks(["It ", "is ", "4."]), usage])) as server:
        *deltas, last = await answered(server.url)
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["It ", "is ", "4."]
    assert isinstance(last, Responded)
    assert last.text == "It is 4."
    assert last.usage == Usage(input=1000, output=20, cached_read=600, reasoning=5)
    assert last.finish_reason == "stop"
    # 400 at 0.15, 600 cached at 0.075 and 20 out at 0.60 dollars a million
    assert last.cost == 117
    sent = server.requests[0]
    assert sent["stream"] is True
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


async def test_absurd_counts_are_cut_to_what_can_be_added_up() -> None:
    usage = usage_chunk(prompt_tokens=10**30, completion_tokens=10**15, total_tokens=1)
    async with openai_server(Reply([*text_chunks(["4."]), usage])) as server:
        *_, last = await answered(server.url)
    assert isinstance(last, Responded)
    assert last.usage == Usage(input=10**9, output=10**9)
    assert last.cost == 10**12
    below = RequestUsage(input_tokens=-1, output_tokens=-(10**30), cache_read_tokens=-5)
    assert translate.usage(below) == Usage()


async def test_thoughts_without_a_signature_go_back_in_the_field_they_came_in() -> None:
    """DeepSeek refuses a conversation whose answers with calls come back without."""
    thought = text_chunks([], finish=None)
    thought[0]["choices"] = [{"index": 0, "delta": {"reasoning_content": "A sum."}}]
    first = Reply([*thought, *tool_chunks("calculator", '{"expression": "2 + 2"}')])
    async with openai_server(first, Reply(text_chunks(["4"]))) as server:
        *_, called = await answered(server.url)
        assert isinstance(called, Responded)
        assert called.reasoning == "A sum."
        told = ToolAnswer(call="call_1", name="calculator", content='{"result": 4}')
        request = replace(ASKED, conversation=(*ASKED.conversation, called, told))
        await answered(server.url, request)
    said = server.requests[1]["messages"][2]
    assert (said["reasoning_content"], said["tool_calls"][0]["id"]) == ("A sum.", "call_1")


async def test_a_tool_call_goes_out_and_its_answer_comes_back() -> None:
    first = Reply(tool_chunks("calculator", '{"expression": "2 + 2"}'))
    second = Reply(text_chunks(["4"]))
    async with openai_server(first, second) as server:
        tools = (offer(Calculator()),)
        request = ModelRequest(
            instructions="", conversation=ASKED.conversation, tools=tools, seconds=20
        )
        *_, called = await answered(server.url, request)
        assert isinstance(called, Responded)
        expected = ToolCall(id="call_1", name="calculator", arguments={"expression": "2 + 2"})
        assert called.tool_calls == (expected,)
        told = ToolAnswer(call="call_1", name="calculator", content='{"result": 4}')
        request = ModelRequest(
            instructions="",
            conversation=(*ASKED.conversation, called, told),
            tools=tools,
            seconds=20,
        )
        *_, last = await answered(server.url, request)
    assert isinstance(last, Responded)
    assert last.text == "4"
    roles = [message["role"] for message in server.requests[1]["messages"]]
    assert roles == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("status", "tries", "sentence"),
    [
        (
            401,
            1,
            (
                "openai refuses the key in OPENAI_API_KEY: set one for the workers that may "
                "use the model 'gpt-4o-mini' (status 401)"
            ),
        ),
        (
            404,
            1,
            (
                "openai has no model 'gpt-4o-mini', or its address is wrong: look at the agent's "
                "model, and look at OPENAI_BASE_URL if it is set (status 404)"
            ),
        ),
        (
            429,
            2,
            (
                "openai refuses the request: its rate limit is reached; submit the task again "
                "later (status 429)"
            ),
        ),
        (500, 2, "openai failed on its side; submit the task again later (status 500)"),
    ],
)
async def test_an_error_is_a_clean_sentence_and_some_are_tried_twice(
    monkeypatch: pytest.MonkeyPatch, status: int, tries: int, sentence: str
) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)
    async with openai_server(*[Reply(status=status)] * 3) as server:
        with pytest.raises(ModelFailed) as raised:
            await answered(server.url)
    assert raised.value.message == sentence
    assert len(server.requests) == tries


async def test_a_second_try_after_a_server_error_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)
    async with openai_server(Reply(status=503), Reply(text_chunks(["fine"]))) as server:
        *_, last = await answered(server.url)
    assert isinstance(last, Responded)
    assert last.text == "fine"


@pytest.mark.parametrize("end", ["cut", "ended"])
async def test_an_answer_cut_in_the_middle_fails_and_is_not_asked_for_again(end: str) -> None:
    reply = Reply(text_chunks(["half an"], finish=None), is_cut=end == "cut")
    async with openai_server(reply, Reply(text_chunks(["answer"]))) as server:
        with pytest.raises(ModelFailed, match="openai"):
            await answered(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "garbage",
    [b"data: {not json\n\n", b'data: {"choices": 5}\n\n', b"data: []\n\n", b"\xff\xfe\n\n"],
)
async def test_an_answer_that_cannot_be_read_is_a_failure_of_the_model(garbage: bytes) -> None:
    reply = Reply(text_chunks(["well "], finish=None), garbage=garbage)
    async with openai_server(reply) as server:
        with pytest.raises(ModelFailed, match="openai"):
            await answered(server.url)


async def test_leaving_early_ends_the_call_at_the_provider() -> None:
    async with openai_server(Reply(text_chunks(["a ", "b"], finish=None), hangs=True)) as server:
        with anyio.move_on_after(0.3):
            await answered(server.url)
        with anyio.fail_after(5):
            await server.aborted.wait()


async def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)
    with pytest.raises(ModelFailed, match="openai cannot be reached"):
        await answered("http://127.0.0.1:9/v1")
