"""One try at one task in this process: from the started attempt to the event that ends it.

The strategy runs inside a scope that the watch may cancel for three reasons: somebody asked for it
(`cancel`), this worker leaves (`hand_back`), or the attempt is no longer ours (`lose`). Whatever
happens, the task ends in a named state, or is given back, or another attempt holds it.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import anyio

from agents.budget import Budget, LimitReached, limit_reached
from agents.citations import Passages
from agents.context import Context, Work
from agents.factory import Agent, Factory
from agents.recording import plain
from agents.recording.recorded import Recorded
from agents.recording.recorder import Claim, Recorder
from agents.strategy import Answer
from agents.tool import ToolContext
from protocols.errors import (
    FactoryError,
    Fenced,
    Gap,
    InvalidRequest,
    InvalidTransition,
    LimitExceeded,
)
from protocols.events import (
    AnyData,
    BudgetReached,
    StreamId,
    TaskCanceled,
    TaskCompleted,
    TaskFailed,
    TaskHandedBack,
)
from protocols.principals import Actor, TeamId
from protocols.steps import Usage
from protocols.tasks import STATE_CODES, Task, TaskState
from store.postgres.log.event_log import Appended, EventLog, Job

logger = logging.getLogger(__name__)

BROKEN = "the worker broke while it did this task; its log says where"


class Verdict(Enum):
    """Why a running attempt was stopped."""

    CANCELED = "canceled"
    HANDED_BACK = "handed back"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last append of an attempt."""

    data: tuple[AnyData, ...]
    state: TaskState
    jobs: tuple[Job, ...] = ()


class Attempt:
    """A task at work."""

    def __init__(
        self,
        task: Task,
        claim: Claim,
        *,
        log: EventLog,
        factory: Factory,
        worker: str,
        seq: int = 0,
    ) -> None:
        self.task = task
        self.claim = claim
        self.looked = task.version
        self.has_foreign = False  # others have appended; the watch looks what
        self.on_foreign: Callable[[], None] = lambda: None
        self.recorder = Recorder(
            log, claim, version=task.version, seq=seq, on_foreign=self._note_foreign
        )
        self._factory = factory
        self._worker = worker
        self._budget: Budget | None = None
        self._scope = anyio.CancelScope()
        self._verdict: Verdict | None = None
        self._unwritten: Ending | None = None  # how it ends when its text cannot be written

    @property
    def version(self) -> int:
        """Of the last event it knows of."""
        return self.recorder.version

    def begin(self, started: Appended) -> None:
        """`attempt.started` stands there; what came between the look and it, the watch looks at."""
        if started.version - 1 != self.recorder.version:
            self._note_foreign()
        self.recorder.version = started.version

    def cancel(self) -> None:
        """Stop, and end the task as canceled."""
        self._stop(Verdict.CANCELED)

    def hand_back(self) -> None:
        """Stop, and give the task to another worker."""
        self._stop(Verdict.HANDED_BACK)

    def lose(self) -> None:
        """Stop, and write nothing more."""
        self._stop(Verdict.LOST)

    async def run(self) -> Verdict | None:
        """The attempt has ended, by an event in the log unless it was lost."""
        try:
            ending = await self._ending()
            if ending is None:
                return Verdict.LOST
            try:
                await self._record(ending)
            except (InvalidRequest, LimitExceeded) as error:  # too large, as an answer may be
                await self._record(self._failed(error))
        except (Fenced, Gap, InvalidTransition) as error:
            logger.info(
                "An attempt stops: the task is no longer its own",
                extra={**self._named(), "code": error.code},
            )
            return Verdict.LOST
        return self._verdict

    async def _record(self, ending: Ending) -> None:
        state = STATE_CODES[ending.state]
        await self.recorder.record(*ending.data, to_state=state, jobs=ending.jobs)

    def _named(self) -> dict[str, object]:
        return {"task": self.claim.task, "attempt": self.claim.attempt}

    def _stop(self, verdict: Verdict) -> None:
        if self._verdict is None or verdict is Verdict.LOST:
            self._verdict = verdict
        self._scope.cancel()

    def _note_foreign(self) -> None:
        self.has_foreign = True
        self.on_foreign()

    async def _ending(self) -> Ending | None:
        with self._scope:
            return await self._write_while_working()
        match self._verdict:
            case Verdict.CANCELED:
                usage, cost, steps = self._spent()
                canceled = TaskCanceled(usage=usage, cost=cost, steps=steps)
                return Ending(data=(canceled,), state=TaskState.CANCELED)
            case Verdict.HANDED_BACK:
                return handed_back(self.claim, self._worker)
            case _:
                return None

    async def _write_while_working(self) -> Ending | None:
        ending: Ending | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._bring_text, group.cancel_scope)
            ending = await self._work()
            group.cancel_scope.cancel()
        return ending or self._unwritten

    async def _bring_text(self, work: anyio.CancelScope) -> None:
        """What the log refuses for good ends the task with the reason, and no more is written."""
        try:
            await self.recorder.run()
        except (Fenced, Gap, InvalidTransition):
            self.lose()
        except FactoryError as error:
            self._unwritten = self._failed(error)
            work.cancel()
        except Exception:
            logger.exception("An attempt's text broke its worker", extra=self._named())
            self._unwritten = self._failed(FactoryError(BROKEN))
            work.cancel()

    async def _work(self) -> Ending:
        try:
            agent = await self._factory.agent(self.task.agent, self.task.agent_version)
            answer = await self._answer(agent)
        except (Fenced, Gap):
            self.lose()
            await anyio.sleep_forever()  # cancelled by the line above
            raise
        except LimitReached as error:
            return self._failed(error, error.reached)
        except FactoryError as error:
            return self._failed(error)
        except Exception:
            logger.exception("A task broke its worker's attempt", extra=self._named())
            return self._failed(FactoryError(BROKEN))
        usage, cost, steps = self._spent()
        completed = TaskCompleted(
            message=answer.message,
            text=plain.text(answer.text),
            usage=usage,
            cost=cost,
            steps=steps,
        )
        return Ending(data=(completed,), state=TaskState.COMPLETED)

    async def _answer(self, agent: Agent) -> Answer:
        limits = agent.spec.limits
        passages = Passages()
        self._budget = Budget(limits, usage=self.task.usage, cost=self.task.cost)
        earlier = await self._factory.earlier(self.claim.team, self.task, limits)
        context = Context(
            Work(
                spec=agent.spec,
                input=(*earlier, *self.task.input),
                model=agent.model,
                tools=agent.tools,
                tool_context=self._tool_context(agent, passages),
                recorder=self.recorder,
                budget=self._budget,
                recorded=Recorded(self.task),
                passages=passages,
            ),
        )
        with anyio.move_on_after(limits.seconds):
            return await agent.strategy(context)
        raise limit_reached("seconds", limits.seconds, limits.seconds)

    def _tool_context(self, agent: Agent, passages: Passages) -> ToolContext:
        team, search = self.claim.team, self._factory.search
        return ToolContext(
            team=team,
            collections=agent.spec.collections,
            search=lambda request: search(team, request),
            reserve=passages.reserve,
        )

    def _failed(self, error: FactoryError, *first: BudgetReached) -> Ending:
        usage, cost, steps = self._spent()
        failed = TaskFailed(
            code=error.code,
            reason=plain.text(error.message),
            usage=usage,
            cost=cost,
            steps=steps,
        )
        return Ending(data=(*first, failed), state=TaskState.FAILED)

    def _spent(self) -> tuple[Usage, int, int]:
        budget = self._budget
        if budget is None:
            return self.task.usage, self.task.cost, 0
        return budget.usage, budget.cost, budget.steps


def claim_of(task: Task, team: TeamId, number: int) -> Claim:
    """The claim of attempt `number`; its events are the agent's."""
    actor = Actor(f"agent:{task.agent_name}")
    return Claim(task=StreamId(task.id), team=team, actor=actor, attempt=number)


def handed_back(claim: Claim, worker: str) -> Ending:
    """The task waits for a worker again, with a job of its own."""
    arguments = json.dumps({"task": claim.task, "team": claim.team}).encode()
    job = Job(queue="tasks", task="attempt", lock=f"task:{claim.task}", args=arguments)
    return Ending(data=(TaskHandedBack(worker=worker),), state=TaskState.SUBMITTED, jobs=(job,))
