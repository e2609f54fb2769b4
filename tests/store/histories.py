"""Histories of tasks as attempts may write them, from a seed: deaths, hand-backs, steps at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from protocols.event_encoding import join, split
from protocols.events import (
    AnyData,
    AttemptFailed,
    AttemptStarted,
    Event,
    MessageDelta,
    MessageFinished,
    MessageStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    StreamId,
    TaskCanceled,
    TaskCancelRequested,
    TaskCompleted,
    TaskFailed,
    TaskHandedBack,
    TaskSubmitted,
)
from protocols.messages import user_message
from protocols.principals import TeamId
from protocols.steps import StepKind, Usage
from store.postgres.log.event_log import Followed

TASK = StreamId("01900000-0000-7000-8000-000000000001")
AGENT = "0f000000-0000-5000-8000-000000000001"


@dataclass
class History:
    """Writes one task's events, as the log would number and time them."""

    seed: int
    version: int = 0
    attempt: int = 0
    ordinal: int = 0
    running: list[str] = field(default_factory=list)
    time: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def events(self, steps: int = 40) -> Iterator[tuple[Event, Followed | None]]:
        """Each event as the fold reads it, and as a follower does; None for deltas."""
        for data in self._story(steps):
            self.version += 1
            self.time += timedelta(milliseconds=self.random.randint(1, 5000))
            head, body = split(data)
            actor = "user:ada" if data.TYPE.startswith("task.") else "agent:guide"
            attempt = 0 if self.version == 1 else self.attempt
            raw = msgspec.Raw(join(head, body))
            event = Event(data.TYPE, self.version, self.time, actor, attempt, raw)
            followed = Followed(
                self.version * 10,
                TASK,
                TeamId(1),
                self.version,
                data.TYPE,
                self.time,
                actor,
                attempt,
                head,
            )
            yield event, None if data.DELTA else followed

    def _story(self, steps: int) -> Iterator[AnyData]:
        yield TaskSubmitted(
            agent=AGENT,
            agent_name="guide",
            agent_version=3,
            model="scripted",
            title="Why?",
            input=(user_message("Why?"),),
        )
        yield from self._start()
        for _ in range(steps):
            often = (self._begin, self._finish)
            other = (self._fail, self._say, self._lose, self._ask)
            yield from self.random.choice((*often, *often, *other))()
        yield self.random.choice(
            [
                TaskCompleted(message="1.1", text="Because."),
                TaskFailed(code="model_failed", reason="x"),
                TaskCanceled(),
            ]
        )

    def _start(self) -> Iterator[AnyData]:
        self.attempt += 1
        self.running, self.ordinal = [], 0
        yield AttemptStarted(worker="w")

    def _begin(self) -> Iterator[AnyData]:
        self.ordinal += 1
        step = f"{self.attempt}.{self.ordinal}"
        self.running.append(step)
        kind = self.random.choice(list(StepKind))
        yield StepStarted(step=step, kind=kind, name=f"name {step}")

    def _finish(self) -> Iterator[AnyData]:
        step = self._taken()
        usage = Usage(input=self.random.randint(0, 99), output=3)
        cost = self.random.choice([None, 5])
        yield StepFinished(step=step, usage=self.random.choice([None, usage]), cost=cost)

    def _fail(self) -> Iterator[AnyData]:
        yield StepFailed(step=self._taken(), code="tool_failed", reason="x")

    def _say(self) -> Iterator[AnyData]:
        message = f"{self.attempt}.{self.ordinal}"
        yield MessageStarted(message=message, step=message)
        yield MessageDelta(message=message, text="Be")
        yield MessageDelta(message=message, text="cause.")
        yield MessageFinished(message=message, text="Because.")

    def _lose(self) -> Iterator[AnyData]:
        """The attempt ends before the task does, in one of the three ways."""
        if self.random.random() < 0.7:
            return
        how = self.random.randint(0, 2)
        if how == 0:
            yield TaskHandedBack(worker="w")
        elif how == 1:
            yield AttemptFailed(code="lost", reason="x", deaths=1)
        yield from self._start()

    def _ask(self) -> Iterator[AnyData]:
        yield TaskCancelRequested()

    def _taken(self) -> str:
        """A running step; or one that never began, which both folds pass over."""
        if not self.running or self.random.random() < 0.1:
            return "9.9"
        return self.running.pop(self.random.randrange(len(self.running)))
