"""The fold: how a stream of events becomes a `Task`.

It stands twice, here and in `assets/task.js` for the page; recorded histories run through both in
the tests, and both give the same JSON. Nothing else interprets events.
"""

from collections.abc import Iterable
from typing import TypeVar, assert_never

from protocols import events
from protocols.event_encoding import decode
from protocols.events import Event
from protocols.steps import Usage
from protocols.tasks import Attempt, Said, Step, StepState, Task, TaskState

_Item = TypeVar("_Item", Step, Said)


def fold(task_id: str, history: Iterable[Event]) -> Task:
    """The task after these events, which start at version 1 and may lack finished deltas.

    Raises:
        msgspec.DecodeError: An event's data does not fit its type, or another of
            `protocols.event_encoding.UNREADABLE`.
    """
    task = Task(id=task_id)
    for event in history:
        advance(task, event)
    return task


def advance(task: Task, event: Event) -> None:
    """Fold one more event in; an older or unknown one changes nothing but the version."""
    if event.version <= task.version:
        return
    data = decode(event)
    task.version = event.version
    task.updated_at = event.time
    if data is not None:
        _apply(task, event, data)


def _apply(task: Task, event: Event, data: events.AnyData) -> None:  # noqa: C901, PLR0915  one arm a kind
    match data:
        case events.TaskSubmitted():
            _submitted(task, event, data)
        case events.AttemptStarted():
            _attempt_started(task, event, data)
        case events.StepStarted():
            _step_started(task, event, data)
        case events.StepFinished():
            _step_finished(task, event, data)
        case events.StepFailed():
            _step_failed(task, event, data)
        case events.MessageStarted():
            _say(task, event, message=data.message, step=data.step, kind="message")
        case events.ReasoningStarted():
            _say(task, event, message=data.message, step=data.step, kind="reasoning")
        case events.MessageDelta() | events.ReasoningDelta():
            if said := _find(task.said, data.message):
                _write(said, data.text)
        case events.MessageFinished():
            if said := _find(task.said, data.message):
                said.text, said.is_finished, said.citations = data.text, True, data.citations
        case events.ReasoningFinished():
            if said := _find(task.said, data.message):
                said.text, said.is_finished = data.text, True
        case events.TaskCompleted():
            task.message, task.answer = data.message, data.text
            _end(task, event, TaskState.COMPLETED)
        case events.TaskFailed() | events.TaskRejected():
            task.code, task.reason = data.code, data.reason
            is_failed = isinstance(data, events.TaskFailed)
            _end(task, event, TaskState.FAILED if is_failed else TaskState.REJECTED)
        case events.TaskCanceled():
            _end(task, event, TaskState.CANCELED)
        case events.TaskCancelRequested():
            task.cancel_requested_by = event.actor
        case events.TaskHandedBack():
            task.state = TaskState.SUBMITTED
            _void(task)
            _end_attempt(task, event, outcome="handed_back")
        case events.AttemptFailed():
            _void(task)
            _end_attempt(task, event, outcome="died", code=data.code, reason=data.reason)
        case (
            events.BudgetReached()
            | events.AgentCreated()
            | events.AgentVersionPublished()
            | events.AgentRetired()
        ):
            pass  # a budget's end is told by the failure that follows; agents are other streams
        case _:
            assert_never(data)


def _submitted(task: Task, event: Event, data: events.TaskSubmitted) -> None:
    task.context_id = data.context_id or task.id
    task.title, task.input = data.title, data.input
    task.agent, task.agent_name = data.agent, data.agent_name
    task.agent_version, task.model = data.agent_version, data.model
    task.submitted_by, task.submitted_at = event.actor, event.time


def _attempt_started(task: Task, event: Event, data: events.AttemptStarted) -> None:
    _void(task)
    _end_attempt(task, event, outcome="died")
    task.state, task.attempt = TaskState.WORKING, event.attempt
    task.started_at = task.started_at or event.time
    task.attempts.append(
        Attempt(
            number=event.attempt,
            worker=data.worker,
            is_alone=data.alone,
            started_at=event.time,
        ),
    )


def _step_started(task: Task, event: Event, data: events.StepStarted) -> None:
    task.steps.append(
        Step(
            id=data.step,
            kind=data.kind,
            name=data.name,
            state=StepState.RUNNING,
            attempt=event.attempt,
            version=event.version,
            last_version=event.version,
            started_at=event.time,
            parent=data.parent,
            call=data.call,
            model=data.model,
            arguments=data.arguments,
        ),
    )


def _step_finished(task: Task, event: Event, data: events.StepFinished) -> None:
    step = _find(task.steps, data.step)
    if step is None:
        return
    step.state, step.ended_at, step.last_version = StepState.FINISHED, event.time, event.version
    step.usage, step.cost, step.result = data.usage, data.cost, data.result
    step.model = data.model or step.model
    step.first_token, step.finish_reason = data.first_token, data.finish_reason
    step.summary = data.summary
    task.usage = task.usage + (data.usage or Usage())
    task.cost += data.cost or 0


def _step_failed(task: Task, event: Event, data: events.StepFailed) -> None:
    step = _find(task.steps, data.step)
    if step is None:
        return
    step.state, step.ended_at, step.last_version = StepState.FAILED, event.time, event.version
    step.code, step.reason = data.code, data.reason
    task.said = [said for said in task.said if said.step != data.step or said.is_finished]


def _say(task: Task, event: Event, *, message: str, step: str, kind: str) -> None:
    task.said.append(
        Said(
            id=message,
            step=step,
            kind=kind,
            attempt=event.attempt,
            version=event.version,
            started_at=event.time,
        ),
    )


def _write(said: Said, text: str) -> None:
    # Emptied first, so that the string has one owner and grows in place: a copy for each of
    # 100,000 deltas would hold the process up for seconds.
    whole, said.text = said.text, ""
    whole += text
    said.text = whole


def _void(task: Task) -> None:
    """Forget what an attempt left unfinished: running steps, and all that was said in them."""
    running = {step.id for step in task.steps if step.state is StepState.RUNNING}
    task.steps = [step for step in task.steps if step.id not in running]
    task.said = [said for said in task.said if said.step not in running]


def _end(task: Task, event: Event, state: TaskState) -> None:
    task.state, task.ended_at = state, event.time
    for step in task.steps:
        if step.state is StepState.RUNNING:
            step.state, step.ended_at = StepState.STOPPED, event.time
    _end_attempt(task, event, outcome=state.value, code=task.code, reason=task.reason)


def _end_attempt(
    task: Task,
    event: Event,
    *,
    outcome: str,
    code: str | None = None,
    reason: str | None = None,
) -> None:
    if task.attempts and task.attempts[-1].ended_at is None:
        attempt = task.attempts[-1]
        attempt.ended_at, attempt.outcome = event.time, outcome
        attempt.code, attempt.reason = code, reason


def _find(items: list[_Item], item_id: str) -> _Item | None:
    return next((item for item in reversed(items) if item.id == item_id), None)
