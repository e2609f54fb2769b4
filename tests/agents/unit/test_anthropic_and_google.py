"""What holds for Anthropic and Google alike, over HTTP on loopback, through their own packages."""

import socket
from collections.abc import Generator
from dataclasses import replace

import anyio
import pytest

from agents.model import ModelEvent, ModelRequest, Responded, TextDelta, ToolAnswer, ToolCall
from agents.models.language import connection
from agents.models.language import model as language
from agents.tool import offer
from agents.tools import TOOLS
from protocols.errors import ModelFailed
from protocols.messages import user_message
from tests.agents.unit.http_server import Reply, http_server
from tests.agents.unit.wires import ANTHROPIC, ASKED, WIRES, Wire, answered

pytestmark = pytest.mark.parametrize("wire", WIRES, ids=str)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "BACK_OFF_SECONDS", 0.01)


async def test_text_comes_piece_by_piece(wire: Wire) -> None:
    heard: list[ModelEvent] = []
    async with http_server(Reply(wire.texts(["It ", "is ", "4."]))) as server:
        last = await answered(wire, server.url, heard=heard)
    assert heard[:-1] == [TextDelta("It "), TextDelta("is "), TextDelta("4.")]
    assert (last.text, last.finish_reason, last.tool_calls) == ("It is 4.", "stop", ())
    assert (last.usage.input, last.usage.output) == (100, 20)
    assert last.model == wire.model


async def test_a_model_without_a_price_has_tokens_and_no_cost(wire: Wire) -> None:
    own = [piece.replace(wire.model.encode(), b"one-of-our-own") for piece in wire.texts(["4"])]
    async with http_server(Reply(own)) as server:
        last = await answered(wire, server.url, model="one-of-our-own")
    assert (last.model, last.usage.output, last.cost) == ("one-of-our-own", 20, None)


async def test_an_address_with_a_path_is_kept(wire: Wire) -> None:
    async with http_server(Reply(wire.texts(["4"]))) as server:
        await answered(wire, f"{server.url}/gateway/")
    assert server.requests[0].path.startswith("/gateway/v1")


@pytest.mark.parametrize(
    ("error", "tries", "sentence"),
    [
        (400, 1, "{provider} rejected the request for the model '{model}'"),
        (401, 1, "{provider} refuses the key in {key}: set one for the workers"),
        (404, 1, "{provider} has no model '{model}', or its address is wrong"),
        (429, 2, "{provider} refuses the request: its rate limit is reached"),
        (500, 2, "{provider} failed on its side"),
        (503, 2, "{provider} cannot answer now: it is unavailable or overloaded"),
    ],
)
async def test_an_error_is_a_clean_sentence_and_passing_ones_are_tried_twice(
    wire: Wire, error: int, tries: int, sentence: str
) -> None:
    async with http_server(*[wire.refusals[error]] * 3) as server:
        with pytest.raises(ModelFailed) as raised:
            await answered(wire, server.url)
    expected = sentence.format(provider=wire.provider, model=wire.model, key=wire.key)
    assert raised.value.message.startswith(expected)
    assert raised.value.message.endswith(f"(status {wire.refusals[error].status})")
    assert "secret" not in raised.value.message
    assert len(server.requests) == tries


async def test_a_wrong_address_names_its_variable(wire: Wire) -> None:
    async with http_server(wire.refusals[404]) as server:
        with pytest.raises(ModelFailed) as raised:
            await answered(wire, server.url)
    assert wire.url in raised.value.message


async def test_a_second_try_after_a_passing_error_answers(wire: Wire) -> None:
    async with http_server(wire.refusals[503], Reply(wire.texts(["fine"]))) as server:
        assert (await answered(wire, server.url)).text == "fine"


@pytest.mark.parametrize("asked", [1, 30])
async def test_the_wait_that_a_provider_asks_for_is_kept_or_said(wire: Wire, asked: int) -> None:
    refused = replace(wire.refusals[429], headers={"retry-after": str(asked)})
    async with http_server(refused, Reply(wire.texts(["fine"]))) as server:
        if asked > language.LONGEST_BACK_OFF_SECONDS:
            with pytest.raises(ModelFailed, match="may be asked again in 30 seconds"):
                await answered(wire, server.url)
            assert len(server.requests) == 1
        else:
            assert (await answered(wire, server.url)).text == "fine"
            assert server.times[1] - server.times[0] >= asked


@pytest.mark.parametrize("end", ["cut", "closed", "overloaded", "garbage"])
async def test_an_answer_broken_in_the_middle_fails_and_is_not_asked_for_again(
    wire: Wire, end: str
) -> None:
    pieces = wire.unended(["half ", "an"])
    if end == "overloaded":
        pieces.append(wire.overloaded)
    if end == "garbage":
        pieces.append(b"data: {not json\n\n")
    heard: list[ModelEvent] = []
    async with http_server(Reply(pieces, is_cut=end == "cut"), Reply(wire.texts(["x"]))) as server:
        with pytest.raises(ModelFailed, match=wire.provider):
            await answered(wire, server.url, heard=heard)
        assert len(server.requests) == 1
    assert heard == [TextDelta("half "), TextDelta("an")]


async def test_an_error_before_the_first_word_is_tried_again(wire: Wire) -> None:
    async with http_server(Reply([wire.overloaded]), Reply(wire.texts(["fine"]))) as server:
        assert (await answered(wire, server.url)).text == "fine"


@pytest.mark.parametrize("when", ["before", "in the middle"])
async def test_an_answer_that_takes_too_long_is_given_up(wire: Wire, when: str) -> None:
    middle = Reply(wire.unended(["a ", "b"]), hangs=True)
    async with http_server(Reply(is_silent=True) if when == "before" else middle) as server:
        with pytest.raises(ModelFailed, match=f"{wire.provider} did not answer in time"):
            await answered(wire, server.url, replace(ASKED, seconds=1.5))
        with anyio.fail_after(5):
            await server.left.wait()


@pytest.mark.parametrize("when", ["before", "in the middle"])
async def test_leaving_early_ends_the_call_at_the_provider(wire: Wire, when: str) -> None:
    middle = Reply(wire.unended(["a ", "b"]), hangs=True)
    heard: list[ModelEvent] = []

    async def ask() -> None:
        await answered(wire, server.url, heard=heard)

    async with http_server(Reply(is_silent=True) if when == "before" else middle) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            with anyio.fail_after(20):
                while not server.requests or (when == "in the middle" and len(heard) < 2):
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        with anyio.fail_after(10):  # sooner than by itself
            await server.left.wait()


async def test_a_server_that_is_not_there_is_named_with_its_variable(wire: Wire) -> None:
    with pytest.raises(ModelFailed) as raised:
        await answered(wire, "http://127.0.0.1:9")
    assert raised.value.message == (
        f"{wire.provider} cannot be reached: look at the workers' network, and look at {wire.url} "
        "if it is set"
    )


@pytest.fixture
def deaf() -> Generator[str]:
    """An address that takes no connection and refuses none."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # fill what the system accepts by itself
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}"
        for one in waiting:
            one.close()


async def test_an_address_that_takes_no_connection_is_given_up_soon(
    wire: Wire, deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    with anyio.fail_after(9), pytest.raises(ModelFailed, match="cannot be reached"):
        await answered(wire, deaf)


async def test_every_tool_of_ours_can_be_offered(wire: Wire) -> None:
    request = replace(ASKED, tools=tuple(offer(tool) for tool in TOOLS.values()))
    async with http_server(Reply(wire.texts(["4"]))) as server:
        await answered(wire, server.url, request)
    (body,) = [request.body for request in server.requests]
    offered = body["tools"] if wire is ANTHROPIC else body["tools"][0]["functionDeclarations"]
    assert [tool["name"] for tool in offered] == list(TOOLS)
    schemas = [tool.get("input_schema") or tool.get("parameters_json_schema") for tool in offered]
    assert [schema["type"] for schema in schemas] == ["object"] * len(TOOLS)


async def test_a_call_that_an_older_worker_recorded_is_told_with_its_failure(wire: Wire) -> None:
    call = ToolCall(id="call-1", name="clock", arguments={})
    bare = Responded(text="", tool_calls=(call,), model=wire.model)  # nothing is kept
    told = ToolAnswer(call="call-1", name="clock", content='{"error": "no"}', is_error=True)
    request = ModelRequest(
        instructions="", conversation=(user_message("Time?"), bare, told), seconds=20
    )
    async with http_server(Reply(wire.texts(["noon"]))) as server:
        assert (await answered(wire, server.url, request)).text == "noon"
    body = server.requests[0].body
    if wire is ANTHROPIC:
        result = body["messages"][2]["content"][0]
        assert (result["type"], result["is_error"]) == ("tool_result", True)
    else:
        result = body["contents"][2]["parts"][0]["functionResponse"]
        assert "error" in result["response"]
