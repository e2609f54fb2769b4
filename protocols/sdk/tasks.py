"""Tasks for async callers: asked for, followed, waited for, canceled."""

from collections.abc import Sequence
from datetime import datetime

import anyio

from protocols.errors import Unavailable, WrongVersion
from protocols.events import Event
from protocols.messages import Message
from protocols.operations.listings import Listing
from protocols.operations.tasks import SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.rest.client import RestClient
from protocols.sdk.answers import Answer, answer_of, go_on
from protocols.sdk.errors import TimedOut
from protocols.sdk.requests import all_rows, asked, valid
from protocols.sdk.streams import AsyncStream, AsyncTextStream, Follow
from protocols.tasks import Task, TaskState


class AsyncTasks:
    """Requests to agents."""

    def __init__(self, rest: RestClient, follow: Follow) -> None:
        self._rest = rest
        self._follow = follow

    async def submit(
        self, agent: str, text: str | Sequence[Message], *, key: str | None = None
    ) -> "AsyncTaskHandle":
        """A task exists and is queued; a worker will do it, whoever watches.

        Args:
            agent: Name or id.
            text: What is asked, or the messages of the conversation so far.
            key: Makes it safe to repeat: the same key with the same request is the same task.

        Raises:
            NotFound: There is no such agent.
            AlreadyExists: The key was used for another request.
            InvalidRequest: The text is empty, or the agent is retired.
        """
        request = valid(SubmitTask, {"agent": agent, "input": asked(text)})
        receipt = await self._rest.tasks.submit(request, key=key)
        return AsyncTaskHandle(self, receipt.id)

    def handle(self, task_id: str) -> "AsyncTaskHandle":
        """A task that exists already; asks nothing of the hub."""
        return AsyncTaskHandle(self, task_id)

    async def get(self, task_id: str) -> Task:
        """The task as it stands.

        Raises:
            NotFound: There is no such task.
        """
        task, _ = await self._rest.tasks.get(task_id)
        return task

    def list(  # noqa: PLR0913  one argument for each thing a list can be asked for
        self,
        *,
        state: TaskState | Sequence[TaskState] = (),
        agent: str | None = None,
        text: str | None = None,
        submitted_by: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> AsyncStream[TaskRow]:
        """Tasks of the team, newest first; more are asked for while you go through them.

        Args:
            state: One or several; default all.
            agent: Name or id.
            text: Words of the title.
            submitted_by: An actor, such as `user:ada`.
            since: Submitted then or later.
            until: Submitted before.
            limit: At most so many; default all.
        """
        states = (state,) if isinstance(state, TaskState) else tuple(state)
        given = {
            "state": states,
            "agent": agent,
            "text": text,
            "submitted_by": submitted_by,
            "since": since,
            "until": until,
        }

        async def page(cursor: str | None, size: int) -> Listing[TaskRow]:
            query = valid(TaskQuery, {**given, "cursor": cursor, "limit": size})
            return await self._rest.tasks.list(query)

        return AsyncStream(all_rows(page, limit=limit))

    def stream(self, task_id: str, *, after: int = 0) -> AsyncStream[Event]:
        """The task's events above version `after`, each once and in order, until it is over.

        Goes on by itself after a cut connection or a restart of the hub. `event.version` of the
        last event you have is all you need to go on later, or elsewhere.

        Raises:
            NotFound: There is no such task.
            WrongVersion: The log was restored and is shorter now: begin again after 0.
            Unavailable: The hub was away for longer than the client's patience.
        """
        return AsyncStream(self._follow.events(task_id, after=after))

    def text(self, task_id: str) -> AsyncTextStream:
        """The task's text from its beginning, as it is being written.

        Raises:
            NotFound: There is no such task.
            Unavailable: The hub was away for longer than the client's patience.
        """

        async def begin() -> str:
            return task_id

        return AsyncTextStream(self._follow, begin)

    async def wait(self, task_id: str, *, timeout: float | None = None) -> Answer:  # noqa: ASYNC109  whoever asks for an answer expects to say how long
        """The answer, once the task is over.

        Args:
            task_id: Of the task.
            timeout: Seconds; None waits for as long as it takes, 0 only looks.

        Raises:
            TaskFailed: It has none; TaskCanceled when it was stopped.
            TimedOut: It is not over; it goes on.
            NotFound: There is no such task.
        """
        try:
            task = await self.get(task_id)
        except Unavailable:  # away for a moment: following has patience
            task = Task(id=task_id)
        if task.state.is_final:
            return answer_of(task)
        with anyio.move_on_after(timeout):
            return answer_of(await self._ended(task))
        raise TimedOut(
            f"task {task_id} is not over after {timeout:g} s; it goes on", task_id=task_id
        )

    async def cancel(self, task_id: str) -> TaskReceipt:
        """A waiting task is canceled; one at work is asked to stop and does within a second.

        Raises:
            InvalidTransition: It is over.
            NotFound: There is no such task.
        """
        return await self._rest.tasks.cancel(task_id)

    async def _ended(self, task: Task) -> Task:
        while not task.state.is_final:
            try:
                async with self.stream(task.id, after=task.version) as events:
                    async for event in events:
                        go_on(task, event)
            except WrongVersion:  # the log was restored, perhaps to before what was read
                task = await self.get(task.id)
        return task


class AsyncTaskHandle:
    """One task, to be followed, waited for or canceled."""

    def __init__(self, tasks: AsyncTasks, task_id: str) -> None:
        self.id = task_id
        self._tasks = tasks

    def __repr__(self) -> str:
        return f"<AsyncTaskHandle {self.id}>"

    async def get(self) -> Task:
        """As `AsyncTasks.get`."""
        return await self._tasks.get(self.id)

    def stream(self, *, after: int = 0) -> AsyncStream[Event]:
        """As `AsyncTasks.stream`."""
        return self._tasks.stream(self.id, after=after)

    def text(self) -> AsyncTextStream:
        """As `AsyncTasks.text`."""
        return self._tasks.text(self.id)

    async def wait(self, *, timeout: float | None = None) -> Answer:  # noqa: ASYNC109  as above
        """As `AsyncTasks.wait`."""
        return await self._tasks.wait(self.id, timeout=timeout)

    async def cancel(self) -> TaskReceipt:
        """As `AsyncTasks.cancel`."""
        return await self._tasks.cancel(self.id)
