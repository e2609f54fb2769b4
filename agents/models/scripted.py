"""A model that plays a script: the test double, and what load is made with. Needs no network.

A turn is chosen by the number of answers already in the conversation, so that a resumed attempt
plays on where it stopped. Without a script it echoes the last message.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio.lowlevel import checkpoint

from agents.model import Entry, ModelEvent, ModelRequest, Responded, TextDelta, ToolCall
from protocols.agents import ScriptedTurn
from protocols.errors import ModelFailed
from protocols.messages import Message
from protocols.steps import Usage

NAME = "scripted"
_PIECES_A_TURN_OF_THE_LOOP = 64


class ScriptedModel:
    """Plays `AgentSpec.script`, turn by turn."""

    def __init__(self, script: Sequence[ScriptedTurn]) -> None:
        self._script = tuple(script)

    @property
    def name(self) -> str:
        """As steps show it."""
        return NAME

    @asynccontextmanager
    async def respond(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
        """The turn's text in its pieces, then the answer; see `agents.model.Model`."""
        yield self._play(request)

    async def _play(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        index = sum(is_answer(entry) for entry in request.conversation)
        turn = self._turn(index, request.conversation)
        if turn.fail is not None:
            await anyio.sleep(turn.seconds)
            raise ModelFailed(turn.fail)
        text = turn.text or ""
        async for piece in _paced(list(pieces(text, turn.deltas)), seconds=turn.seconds):
            yield TextDelta(piece)
        calls = (
            (ToolCall(id=f"call-{index + 1}", name=turn.tool, arguments=dict(turn.arguments)),)
            if turn.tool
            else ()
        )
        yield Responded(
            text=text,
            tool_calls=calls,
            usage=Usage(input=_words(request.conversation), output=len(text.split())),
            finish_reason="tool_calls" if calls else "stop",
            model=NAME,
            cost=0,
        )

    def _turn(self, index: int, conversation: Sequence[Entry]) -> ScriptedTurn:
        if not self._script:
            text = last_message(conversation)
            return ScriptedTurn(text=text, deltas=min(max(len(text.split()), 1), 100_000))
        if index >= len(self._script):
            raise ModelFailed(
                f"the script has {len(self._script)} turns; turn {index + 1} was asked for"
            )
        return self._script[index]


def is_answer(entry: Entry) -> bool:
    """Whether an entry was said by the agent, now or in an earlier exchange."""
    return isinstance(entry, Responded) or (
        isinstance(entry, Message) and entry.role == "assistant"
    )


def last_message(conversation: Sequence[Entry]) -> str:
    """What the person said last; empty when nobody said anything."""
    said = (entry.text for entry in reversed(conversation) if isinstance(entry, Message))
    return next(said, "")


def pieces(text: str, count: int) -> Iterator[str]:
    """The text in `count` pieces of nearly the same length, none of them empty."""
    count = min(count, len(text))
    for index in range(count):
        yield text[index * len(text) // count : (index + 1) * len(text) // count]


async def _paced(parts: Sequence[str], *, seconds: float) -> AsyncIterator[str]:
    """The parts at equal distances, the last at the end of the time."""
    start = anyio.current_time()
    if not parts:
        await anyio.sleep(seconds)
    for number, part in enumerate(parts, start=1):
        if seconds > 0:
            await anyio.sleep_until(start + seconds * number / len(parts))
        elif number % _PIECES_A_TURN_OF_THE_LOOP == 0:
            await checkpoint()
        yield part


def _words(conversation: Sequence[Entry]) -> int:
    texts = (
        entry.text if isinstance(entry, Message | Responded) else entry.content
        for entry in conversation
    )
    return sum(len(text.split()) for text in texts)
