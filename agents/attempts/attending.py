"""A claimed task: what its state asks for, from a first attempt to one alone after a death.

The job says only which task; what is to be done stands in the log. So a job delivered twice, or
late, does no harm.
"""

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from agents.attempts.attempt import BROKEN, Attempt, Verdict, claim_of
from agents.attempts.solitary import Isolation, Solitary
from agents.attempts.watch import Watch
from agents.factory import Factory
from protocols.errors import Conflict, FactoryError, InvalidRequest, Unavailable, Unreadable
from protocols.event_encoding import UNREADABLE
from protocols.events import AttemptStarted, StreamId, TaskCanceled, TaskFailed, TaskRejected
from protocols.principals import Actor, TeamId
from protocols.task_fold import fold
from protocols.tasks import STATE_CODES, Task, TaskId, TaskState
from store.postgres.log.event_log import TASK, Append, EventLog
from store.postgres.queue import Claimed

logger = logging.getLogger(__name__)

TRIES = 20  # of a decision, while somebody else writes


class Attending:
    """Deals with the jobs of the queue `tasks`."""

    def __init__(
        self, log: EventLog, factory: Factory, watch: Watch, *, how: Isolation, worker: str
    ) -> None:
        self._log = log
        self._factory = factory
        self._watch = watch
        self._worker = worker
        self._solitary = Solitary(log, factory, watch, how=how, worker=worker)

    async def attend(self, job: Claimed) -> None:
        """The task is over, or given back; its job is done.

        Raises:
            Unavailable: The log is out of reach, or somebody else took the task; the job must be
                tried again. A job that others hold by now is not touched by that.
        """
        task_id, team = _of(job.arguments)
        for _ in range(TRIES):
            try:
                if await self._look(task_id, team):
                    return
            except Conflict as error:  # it moved on between the look and the append
                logger.debug("A task moved on", extra={"task": task_id, "code": error.code})
        raise Unavailable(f"task {task_id} moved on too often")

    async def _look(self, task_id: StreamId, team: TeamId) -> bool:
        try:
            task = fold(TaskId(task_id), await self._log.read_state(task_id))
        except UNREADABLE:
            logger.exception("A task cannot be folded", extra={"task": task_id})
            await self._end(task_id, team, Unreadable(_UNREADABLE))
            return True
        return await self._step(task, team)

    async def give_up(self, job: Claimed) -> None:
        """The task has failed: its job broke the worker each time.

        Raises:
            Unavailable: The log is out of reach, or somebody else took the task.
            InvalidRequest: The job names no task.
        """
        task_id, team = _of(job.arguments)
        try:
            await self._end(task_id, team, FactoryError(BROKEN))
        except Conflict as error:
            raise Unavailable(f"task {task_id} moved on: {error.code}") from None

    async def _end(self, task_id: StreamId, team: TeamId, error: FactoryError) -> None:
        """The task ends, by its head alone: else it would look open for ever, with no job."""
        head = await self._log.head(task_id)
        if head is None or head.kind != TASK or head.state not in _ENDS:
            return
        state = _ENDS[head.state]
        kind = TaskFailed if state is TaskState.FAILED else TaskRejected
        ending = kind(code=error.code, reason=error.message)
        await self._log.append(
            Append(
                stream=task_id,
                team=team,
                kind=TASK,
                actor=Actor("system"),
                data=(ending,),
                expected=head.version,
                to_state=STATE_CODES[state],
            ),
        )

    async def _step(self, task: Task, team: TeamId) -> bool:
        """Does what the task's state asks for; whether nothing is left to be done now."""
        if task.version == 0:
            logger.error("A job names a task that does not exist", extra={"task": task.id})
            return True
        if task.state not in {TaskState.SUBMITTED, TaskState.WORKING}:
            return True
        if task.cancel_requested_by is not None:
            await self._cancel(task, team)
            return True
        if task.state is TaskState.WORKING:  # its attempt died: a living one would hold the job
            return await self._solitary.attempt(task, team)
        await self._attempt(task, team)
        return True

    async def _cancel(self, task: Task, team: TeamId) -> None:
        canceled = TaskCanceled(usage=task.usage, cost=task.cost, steps=len(task.steps))
        await self._log.append(
            Append(
                stream=StreamId(task.id),
                team=team,
                kind=TASK,
                actor=Actor(task.cancel_requested_by or "system"),
                data=(canceled,),
                expected=task.version,
                to_state=STATE_CODES[TaskState.CANCELED],
            ),
        )

    async def _attempt(self, task: Task, team: TeamId) -> None:
        claim = claim_of(task, team, task.attempt + 1)
        appended = await self._log.append(
            Append(
                stream=claim.task,
                team=team,
                kind=TASK,
                actor=claim.actor,
                data=(AttemptStarted(worker=self._worker),),
                attempt=claim.attempt,
                key=uuid.uuid4(),
                to_state=STATE_CODES[TaskState.WORKING],
            ),
        )
        attempt = Attempt(task, claim, log=self._log, factory=self._factory, worker=self._worker)
        attempt.begin(appended)
        self._watch.add(attempt)
        try:
            verdict = await attempt.run()
        finally:
            self._watch.remove(attempt)
        if verdict is Verdict.LOST:
            # To one who lost the job, perhaps, and dropped the task since: the job is not done.
            raise Unavailable(f"attempt {claim.attempt} lost task {claim.task}")


_UNREADABLE = "what was recorded of it cannot be read by this version of the factory"
_ENDS = {  # a task that waits cannot fail, as it has not begun; it is rejected
    STATE_CODES[TaskState.SUBMITTED]: TaskState.REJECTED,
    STATE_CODES[TaskState.WORKING]: TaskState.FAILED,
}


def _of(arguments: Mapping[str, Any]) -> tuple[StreamId, TeamId]:
    match arguments:
        case {"task": str(task), "team": int(team)}:
            return StreamId(task), TeamId(team)
        case _:
            raise InvalidRequest(f"a job of the queue tasks has {json.dumps(arguments)}")
