"""What a strategy works with: ask the model, call tools; each is a step recorded once.

A step that an earlier attempt recorded is read, not done again. Limits are looked at before each
step. Appending lies in `recorder.py`, what was recorded in `recorded.py`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import msgspec

from agents.budget import Budget
from agents.citations import Passages
from agents.model import (
    Entry,
    Model,
    ModelRequest,
    Responded,
    ToolAnswer,
    ToolCall,
)
from agents.recording import plain
from agents.recording.recorded import Recorded
from agents.recording.recorder import Recorder
from agents.recording.writing import Writing, recorded_answer
from agents.tool import Tool, ToolContext, ToolResult, offer
from protocols.agents import AgentSpec
from protocols.errors import FactoryError, InvalidRequest, ModelFailed, ToolFailed
from protocols.events import StepFailed, StepFinished, StepStarted
from protocols.messages import Message
from protocols.steps import StepKind
from protocols.tasks import Step, StepState

logger = logging.getLogger(__name__)

CALLS_AT_ONCE = 8
MAX_RESULT_BYTES = 1024 * 1024  # of one tool call


@dataclass(frozen=True, slots=True)
class Asked:
    """A model's answer, and the id of the message it was written as."""

    message: str
    responded: Responded


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything one attempt works with.

    Attributes:
        input: What the person asked, as messages, after what was said before in the conversation.
        tools: By name; those of the spec.
    """

    spec: AgentSpec
    input: tuple[Message, ...]
    model: Model
    tools: Mapping[str, Tool]
    tool_context: ToolContext
    recorder: Recorder
    budget: Budget
    recorded: Recorded = field(default_factory=Recorded)
    passages: Passages = field(default_factory=Passages)


class Context:
    """One attempt, as a strategy sees it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ordinal = 0
        self._calls = anyio.CapacityLimiter(CALLS_AT_ONCE)
        for result in work.recorded.results(StepKind.RETRIEVAL):
            work.passages.add(result)

    @property
    def spec(self) -> AgentSpec:
        """The agent's spec."""
        return self._work.spec

    @property
    def input(self) -> tuple[Message, ...]:
        """What the person asked, after what was said before."""
        return self._work.input

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools the agent may use, in the order of its spec."""
        return tuple(self._work.tools.values())

    async def ask(self, conversation: Sequence[Entry], *, tools: Sequence[Tool] = ()) -> Asked:
        """The model's answer to the conversation, streamed into the log while it is written.

        Raises:
            LimitReached: A limit of the agent; the model was not asked.
            ModelFailed: The model did not answer; the step is recorded as failed.
        """
        work = self._work
        ordinal = self._take()
        arguments = {"messages": len(conversation), "tools": [tool.name for tool in tools]}
        name = plain.name(work.model.name)
        if step := work.recorded.find(ordinal, kind=StepKind.MODEL, name=name, arguments=arguments):
            work.budget.repeat()
            return Asked(step.id, recorded_answer(step))
        work.budget.begin()
        step_id = f"{work.recorder.claim.attempt}.{ordinal}"
        await work.recorder.record(
            StepStarted(
                step=step_id,
                kind=StepKind.MODEL,
                name=name,
                model=name,
                arguments=plain.raw(arguments),
            ),
        )
        request = ModelRequest(
            instructions=work.spec.instructions,
            conversation=tuple(conversation),
            tools=tuple(offer(tool) for tool in tools),
            temperature=work.spec.temperature,
            max_output_tokens=work.spec.max_output_tokens,
            seconds=work.spec.limits.seconds,
        )
        try:
            writing = Writing(work.recorder, step_id, passages=work.passages)
            responded = await writing.stream(work.model, request)
        except (ModelFailed, InvalidRequest) as error:
            await work.recorder.record(
                StepFailed(step=step_id, code=error.code, reason=error.message)
            )
            raise
        work.budget.spend(responded.usage, responded.cost)
        return Asked(step_id, responded)

    async def call(self, calls: Sequence[ToolCall]) -> list[ToolAnswer]:
        """The tools' answers in the order of the calls, which run side by side.

        A tool that fails answers with its error, for the model to read.

        Raises:
            LimitReached: A limit of the agent; no tool was called.
        """
        wanted = [self._wanted(call) for call in calls]
        new = [one for one in wanted if one.step is None]
        for _ in range(len(wanted) - len(new)):
            self._work.budget.repeat()
        self._work.budget.begin(len(new))
        answers = dict[int, ToolAnswer]()
        failures: list[Exception] = []

        async def run(one: _Wanted) -> None:
            try:
                async with self._calls:
                    answers[one.ordinal] = await self._answer(one)
            except Exception as error:  # noqa: BLE001  carried out of the group as it is
                failures.append(error)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for one in wanted:
                group.start_soon(run, one)
        if failures:
            raise failures[0]
        return [answers[one.ordinal] for one in wanted]

    def _take(self) -> int:
        self._ordinal += 1
        return self._ordinal

    def _wanted(self, call: ToolCall) -> "_Wanted":
        ordinal, tool = self._take(), self._work.tools.get(call.name)
        kind = tool.kind if tool else StepKind.TOOL
        name, arguments = plain.name(call.name), plain.value(call.arguments)
        step = self._work.recorded.find(ordinal, kind=kind, name=name, arguments=arguments)
        return _Wanted(ordinal, call, tool, step)

    async def _answer(self, wanted: "_Wanted") -> ToolAnswer:
        call, tool, work = wanted.call, wanted.tool, self._work
        if wanted.step is not None:
            return _recorded_tool_answer(wanted.step, call)
        step_id = f"{work.recorder.claim.attempt}.{wanted.ordinal}"
        await work.recorder.record(
            StepStarted(
                step=step_id,
                kind=tool.kind if tool else StepKind.TOOL,
                name=plain.name(call.name),
                call=plain.name(call.id),
                arguments=plain.raw(call.arguments),
            ),
        )
        try:
            result = await self._run(tool, call)
        except FactoryError as error:
            await work.recorder.record(
                StepFailed(step=step_id, code=error.code, reason=plain.text(error.message))
            )
            return _error(call, error.message)
        work.passages.add(result.value)
        content = msgspec.Raw(msgspec.json.encode(result.value))
        await work.recorder.record(
            StepFinished(
                step=step_id,
                summary=result.summary,
                result=content,
            ),
        )
        return ToolAnswer(call=call.id, name=call.name, content=bytes(content).decode())

    async def _run(self, tool: Tool | None, call: ToolCall) -> ToolResult:
        if tool is None:
            names = ", ".join(self._work.tools) or "none"
            raise ToolFailed(f"there is no tool {call.name[:80]!r}; there are: {names}")
        try:
            result = await tool.call(call.arguments, self._work.tool_context)
            result, size = _fit(result)
        except FactoryError:
            raise
        except Exception as error:
            # A tool is not allowed to end the task: the model is told, people find it in the log.
            logger.exception("A tool broke", extra={"tool": tool.name})
            raise ToolFailed(f"{tool.name} broke; it cannot be used for this") from error
        if size > MAX_RESULT_BYTES:
            raise ToolFailed(
                f"{tool.name} answered {size} bytes; the limit is {MAX_RESULT_BYTES} bytes"
            )
        return result


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A tool call with its place in the task; `step`: as an earlier attempt recorded it."""

    ordinal: int
    call: ToolCall
    tool: Tool | None
    step: Step | None


def _fit(result: ToolResult) -> tuple[ToolResult, int]:
    """The result fit for the log, and its size; raises anything when it is none."""
    encoded = msgspec.json.encode(plain.value(result.value))
    value = msgspec.json.decode(encoded, type=dict[str, object])
    summary = plain.name(result.summary) if result.summary else None
    return ToolResult(value=value, summary=summary), len(encoded)


def _recorded_tool_answer(step: Step, call: ToolCall) -> ToolAnswer:
    if step.state is StepState.FAILED:
        return _error(call, step.reason or "it failed")
    return ToolAnswer(call=call.id, name=call.name, content=bytes(step.result).decode())


def _error(call: ToolCall, message: str) -> ToolAnswer:
    content = bytes(plain.raw({"error": message})).decode()
    return ToolAnswer(call=call.id, name=call.name, content=content, is_error=True)
