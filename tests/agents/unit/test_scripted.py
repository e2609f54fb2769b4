import anyio
import pytest

from agents.model import ModelEvent, ModelRequest, Responded, TextDelta, ToolAnswer, ToolCall
from agents.models.scripted import ScriptedModel, pieces
from protocols.agents import ScriptedTurn
from protocols.errors import ModelFailed
from protocols.messages import Message, TextPart, user_message


async def played(model: ScriptedModel, *conversation: object) -> list[ModelEvent]:
    request = ModelRequest(instructions="", conversation=conversation)  # pyright: ignore[reportArgumentType]  entries
    async with model.respond(request) as events:
        return [event async for event in events]


async def test_without_a_script_it_echoes_word_by_word() -> None:
    *deltas, last = await played(ScriptedModel(()), user_message("tell me more"))
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "tell me more"
    assert len(deltas) == 3
    assert isinstance(last, Responded)
    assert (last.text, last.usage.input, last.usage.output) == ("tell me more", 3, 3)


async def test_turns_follow_the_answers_in_the_conversation() -> None:
    model = ScriptedModel(
        [ScriptedTurn(tool="clock", arguments={"timezone": "UTC"}), ScriptedTurn(text="done")]
    )
    asked = user_message("go")
    (first,) = await played(model, asked)
    assert isinstance(first, Responded)
    assert first.tool_calls == (ToolCall(id="call-1", name="clock", arguments={"timezone": "UTC"}),)
    told = ToolAnswer(call="call-1", name="clock", content="{}")
    *_, second = await played(model, asked, first, told)
    assert isinstance(second, Responded)
    assert second.text == "done"
    with pytest.raises(ModelFailed, match="2 turns; turn 3"):
        await played(model, asked, first, told, second, asked)


async def test_earlier_answers_of_the_request_count_as_turns() -> None:
    model = ScriptedModel([ScriptedTurn(text="one"), ScriptedTurn(text="two")])
    before = Message(role="assistant", parts=(TextPart("an earlier answer"),))
    *_, last = await played(model, user_message("a"), before, user_message("b"))
    assert isinstance(last, Responded)
    assert last.text == "two"


async def test_text_comes_in_as_many_deltas_over_as_much_time_as_the_turn_says() -> None:
    model = ScriptedModel([ScriptedTurn(text="x" * 100, deltas=10, seconds=0.2)])
    began = anyio.current_time()
    *deltas, _ = await played(model, user_message("go"))
    assert len(deltas) == 10
    assert anyio.current_time() - began > 0.19  # the loop wakes by whole milliseconds


@pytest.mark.parametrize(("text", "count"), [("", 5), ("abc", 10), ("a b c d e f", 4)])
def test_pieces_are_the_text(text: str, count: int) -> None:
    made = list(pieces(text, count))
    assert "".join(made) == text
    assert all(made)
    assert len(made) == min(count, len(text))


async def test_a_failure_is_raised_with_its_text() -> None:
    with pytest.raises(ModelFailed, match="as scripted"):
        await played(ScriptedModel([ScriptedTurn(fail="as scripted")]), user_message("go"))
