"""Attempts in processes of their own, for a task whose earlier attempt died with its worker.

So a poisoned task takes nobody along. A death alone counts; the fifth ends the task as a dead
letter, with the reason of each. The first death, with a worker shared by many, does not count.
"""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio
from anyio.abc import Process

from agents.attempts import isolation
from agents.attempts.attempt import Verdict, claim_of, handed_back
from agents.attempts.isolation import Death
from agents.attempts.watch import Watch
from agents.factory import Factory
from agents.recording.recorder import Claim
from protocols.errors import FactoryError, Unavailable
from protocols.events import AnyData, AttemptFailed, AttemptStarted, TaskCanceled, TaskFailed
from protocols.principals import TeamId
from protocols.tasks import STATE_CODES, Task, TaskState
from store.postgres.log.event_log import TASK, Append, EventLog, Job

logger = logging.getLogger(__name__)

MOST_DEATHS = 5
SETTLE_SECONDS = 10.0  # beyond the agent's own limit, before the process is killed
CANCEL_SECONDS = 1.0  # for a canceled child to end by itself
DEAD_LETTER = "dead_letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """How children are started.

    Attributes:
        environment: Of the child; its settings are in it.
        command: The program; the task's id, its team and the attempt's number are added.
        limiter: At most so many at once; each is a process of 60 MB.
    """

    environment: Callable[[], Mapping[str, str]]
    limiter: anyio.CapacityLimiter
    command: Sequence[str] = isolation.COMMAND


class Guarded:
    """A child at work on a task, as the watch sees it."""

    def __init__(self, claim: Claim, *, version: int) -> None:
        self.claim = claim
        self.version = self.looked = version
        self.has_foreign = False
        self.on_foreign: Callable[[], None] = lambda: None
        self.verdict: Verdict | None = None
        self.told = anyio.Event()

    def cancel(self) -> None:
        """Somebody wants the task canceled; the child sees it too."""
        self._tell(Verdict.CANCELED)

    def hand_back(self) -> None:
        """This worker leaves."""
        self._tell(Verdict.HANDED_BACK)

    def lose(self) -> None:
        """The task has ended, mostly by the child itself, or another attempt holds it."""
        self._tell(Verdict.LOST)

    def _tell(self, verdict: Verdict) -> None:
        self.verdict = self.verdict or verdict
        self.told.set()


class Solitary:
    """Makes one more attempt at a task, alone."""

    def __init__(
        self, log: EventLog, factory: Factory, watch: Watch, *, how: Isolation, worker: str
    ) -> None:
        self._log = log
        self._factory = factory
        self._watch = watch
        self._how = how
        self._worker = worker

    async def attempt(self, task: Task, team: TeamId) -> bool:
        """The attempt has ended or died, and the log says so; whether the task is over with it.

        Raises:
            Conflict: The task moved on meanwhile; look at it again.
            Unavailable: The log is out of reach, or the task is another attempt's by now.
        """
        if deaths(task) >= MOST_DEATHS:
            await self._bury(task, team)
            return True
        async with self._how.limiter:
            claim = await self._start(task, team)
            seconds = await self._seconds(task)
            guarded = Guarded(claim, version=task.version)
            self._watch.add(guarded)
            try:
                death = await self._run(guarded, seconds)
            finally:
                self._watch.remove(guarded)
        if death is None or guarded.verdict is Verdict.LOST:
            await self._see_its_end(claim)
            return True
        return await self._settle(guarded, death, deaths(task) + 1, task)

    async def _start(self, task: Task, team: TeamId) -> Claim:
        """The dead attempt's end and this one's beginning, in one append that fences the dead.

        At this version only: one that is not dead may have given the task back meanwhile.
        """
        claim = claim_of(task, team, task.attempt + 1)
        started = AttemptStarted(worker=self._worker, alone=True)
        await self._log.append(
            Append(
                stream=claim.task,
                team=team,
                kind=TASK,
                actor=claim.actor,
                data=(*_last_death(task), started),
                expected=task.version,
                attempt=claim.attempt,
                key=uuid.uuid4(),
            ),
        )
        return claim

    async def _seconds(self, task: Task) -> float:
        try:
            agent = await self._factory.agent(task.agent, task.agent_version)
        except FactoryError:
            return SETTLE_SECONDS  # the child will say why, and end
        return agent.spec.limits.seconds + SETTLE_SECONDS

    async def _run(self, guarded: Guarded, seconds: float) -> Death | None:
        """Waits for the child; None when it ended as it should."""
        claim = guarded.claim
        arguments = (claim.task, str(claim.team), str(claim.attempt))
        environment = self._how.environment()
        async with isolation.child(
            arguments, environment=environment, command=self._how.command
        ) as process:
            is_late = True
            with anyio.move_on_after(seconds):
                await _wait(process, guarded)
                is_late = False
            if is_late:
                return isolation.overdue(seconds)
            if process.returncode is None:
                await _end(process, guarded)
            code = process.returncode
        return None if code == 0 else isolation.death(-9 if code is None else code)

    async def _see_its_end(self, claim: Claim) -> None:
        """The log has the end that the child left with."""
        head = await self._log.head(claim.task)
        if head is not None and head.state == _WORKING:
            raise Unavailable(f"attempt {claim.attempt} lost task {claim.task}")

    async def _settle(self, guarded: Guarded, death: Death, count: int, task: Task) -> bool:
        """Says for a dead child what it cannot say any more.

        As a decision at this version: the child's last append may still be on its way, and would
        have the same number.
        """
        claim = guarded.claim
        head = await self._log.head(claim.task)
        if head is None or head.attempt != claim.attempt or head.state != _WORKING:
            return True  # it ended the task, or gave it back, before it died
        died = AttemptFailed(code=death.code, reason=death.reason, deaths=count)
        data: tuple[AnyData, ...]
        state: TaskState | None
        jobs: tuple[Job, ...] = ()
        if guarded.verdict is Verdict.CANCELED:
            data, state = (TaskCanceled(usage=task.usage, cost=task.cost),), TaskState.CANCELED
        elif guarded.verdict is Verdict.HANDED_BACK:
            ending = handed_back(claim, self._worker)
            data, state, jobs = ending.data, ending.state, ending.jobs
        elif count >= MOST_DEATHS:
            reasons = [*_reasons(task), (claim.attempt, death.reason)]
            data, state = (died, _dead_letter(task, reasons)), TaskState.FAILED
        else:
            data, state = (died,), None
        await self._log.append(
            Append(
                stream=claim.task,
                team=claim.team,
                kind=TASK,
                actor=claim.actor,
                data=data,
                expected=head.version,
                to_state=None if state is None else STATE_CODES[state],
                jobs=jobs,
            ),
        )
        logger.warning(
            "An attempt died alone",
            extra={"task": claim.task, "attempt": claim.attempt, "code": death.code},
        )
        return state is not None

    async def _bury(self, task: Task, team: TeamId) -> None:
        """The fifth died together with its worker, so that nobody has said it yet."""
        claim = claim_of(task, team, task.attempt)
        last = _last_death(task)
        reasons = [*_reasons(task), *((task.attempt, one.reason) for one in last)]
        await self._log.append(
            Append(
                stream=claim.task,
                team=team,
                kind=TASK,
                actor=claim.actor,
                data=(*last, _dead_letter(task, reasons)),
                expected=task.version,
                to_state=STATE_CODES[TaskState.FAILED],
            ),
        )


_WORKING = STATE_CODES[TaskState.WORKING]


def deaths(task: Task) -> int:
    """How many attempts died alone; one that has no end when another is about to start is dead."""
    return sum(
        attempt.is_alone and (attempt.ended_at is None or attempt.outcome == "died")
        for attempt in task.attempts
    )


def _last_death(task: Task) -> tuple[AttemptFailed, ...]:
    """The end of an attempt that died with its worker, when nobody has said it."""
    last = task.attempts[-1] if task.attempts else None
    if last is None or last.ended_at is not None:
        return ()
    return (
        AttemptFailed(
            code="worker_lost",
            reason=f"its worker ({last.worker}) stopped answering",
            deaths=deaths(task),
        ),
    )


def _reasons(task: Task) -> list[tuple[int, str]]:
    return [
        (attempt.number, attempt.reason or "nobody knows why")
        for attempt in task.attempts
        if attempt.is_alone and attempt.outcome == "died"
    ]


def _dead_letter(task: Task, reasons: Sequence[tuple[int, str]]) -> TaskFailed:
    told = "; ".join(f"attempt {number}: {reason}" for number, reason in reasons)
    return TaskFailed(
        code=DEAD_LETTER,
        reason=f"{len(reasons)} attempts died, each in a process of its own. {told}",
        usage=task.usage,
        cost=task.cost,
        steps=len(task.steps),
    )


async def _wait(process: Process, guarded: Guarded) -> None:
    """Until the child has ended, or somebody wants it to."""
    async with anyio.create_task_group() as group:

        async def until(wait: Callable[[], object]) -> None:
            await wait()  # pyright: ignore[reportGeneralTypeIssues]
            group.cancel_scope.cancel()

        group.start_soon(until, process.wait)
        group.start_soon(until, guarded.told.wait)


async def _end(process: Process, guarded: Guarded) -> None:
    """The child ends by itself, or is killed when the block around it is left."""
    if guarded.verdict is Verdict.HANDED_BACK:
        await isolation.stop(process)
    else:
        with anyio.move_on_after(CANCEL_SECONDS):
            await process.wait()
