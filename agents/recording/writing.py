"""A model's answer on its way into the log, and out of it again for an attempt that comes later.

Deltas are written as they come; the end of the message and of the step is held for the next append,
which follows at once. Which step it is, and what it may cost, is decided in `context.py`.
"""

import anyio
import msgspec

from agents.citations import Passages
from agents.model import Model, ModelRequest, ReasoningDelta, Responded, TextDelta, ToolCall
from agents.recording import plain
from agents.recording.recorder import Recorder
from protocols.errors import ModelFailed
from protocols.events import (
    MessageDelta,
    MessageFinished,
    MessageStarted,
    ReasoningFinished,
    ReasoningStarted,
    StepFinished,
)
from protocols.events import ReasoningDelta as ReasoningWritten
from protocols.tasks import Step


class Writing:
    """One model call on its way into the log."""

    def __init__(self, recorder: Recorder, step: str, *, passages: Passages) -> None:
        self.step = step
        self._recorder = recorder
        self._passages = passages
        self._thought = f"{step}.thought"  # its id: the message's is the step's own
        self._began = anyio.current_time()
        self._first_token: float | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []

    async def stream(self, model: Model, request: ModelRequest) -> Responded:
        """Writes deltas as they come, and holds the end for the next append."""
        responded: Responded | None = None
        async with model.respond(request) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        await self._write(plain.text(text))
                    case ReasoningDelta(text):
                        await self._think(plain.text(text))
                    case Responded():
                        responded = event
        if responded is None:
            raise ModelFailed(f"{model.name} ended without an answer")
        if not self._text and (responded.text or not responded.tool_calls):
            await self._write(plain.text(responded.text))  # all at once, or an empty answer
        self._finish(responded)
        return responded

    async def _write(self, text: str) -> None:
        if not self._text:
            self._note_first()
            await self._recorder.write(MessageStarted(message=self.step, step=self.step))
        self._text.append(text)
        await self._recorder.write(MessageDelta(message=self.step, text=text))

    async def _think(self, text: str) -> None:
        if not self._reasoning:
            self._note_first()
            await self._recorder.write(ReasoningStarted(message=self._thought, step=self.step))
        self._reasoning.append(text)
        await self._recorder.write(ReasoningWritten(message=self._thought, text=text))

    def _note_first(self) -> None:
        if self._first_token is None:
            self._first_token = round(anyio.current_time() - self._began, 4)

    def _finish(self, responded: Responded) -> None:
        if self._reasoning:
            thought = "".join(self._reasoning)
            self._recorder.hold(ReasoningFinished(message=self._thought, text=thought))
        if self._text:
            text = "".join(self._text)
            self._recorder.hold(
                MessageFinished(message=self.step, text=text, citations=self._passages.cited(text)),
            )
        self._recorder.hold(
            StepFinished(
                step=self.step,
                usage=responded.usage,
                cost=responded.cost,
                model=plain.name(responded.model),
                first_token=self._first_token,
                finish_reason=plain.name(responded.finish_reason),
                result=plain.raw(_result(responded)),
            ),
        )


def _result(responded: Responded) -> dict[str, object]:
    kept = {} if responded.kept is None else {"kept": responded.kept}
    return {
        **kept,
        "text": plain.text(responded.text),
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in responded.tool_calls
        ],
    }


class _RecordedCall(msgspec.Struct):
    id: str
    name: str
    arguments: object


class _RecordedAnswer(msgspec.Struct):
    text: str
    tool_calls: list[_RecordedCall] = []
    kept: object = None


def recorded_answer(step: Step) -> Responded:
    """The answer as an earlier attempt recorded it; its usage was spent then."""
    recorded = msgspec.json.decode(step.result, type=_RecordedAnswer)
    return Responded(
        text=recorded.text,
        tool_calls=tuple(
            ToolCall(id=call.id, name=call.name, arguments=call.arguments)
            for call in recorded.tool_calls
        ),
        model=step.model or step.name,
        finish_reason=step.finish_reason or "stop",
        kept=recorded.kept,
    )
