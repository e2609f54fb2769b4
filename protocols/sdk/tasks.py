"""Tasks for async callers: asked for, followed, waited for, canceled."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import anyio

from protocols.errors import Unavailable, WrongVersion
from protocols.events import Event
from protocols.messages import Message
from protocols.operations.conversations import Conversation, ConversationQuery
from protocols.operations.listings import Listing
from protocols.operations.tasks import SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.rest.client import RestClient
from protocols.sdk.answers import Answer, answer_of, go_on
from protocols.sdk.errors import TimedOut
from protocols.sdk.requests import all_events, all_rows, asked, valid
from protocols.sdk.streams import AsyncStream, AsyncTextStream, Follow
from protocols.tasks import Task, TaskState

LOOK_SECONDS = 5.0  # for one look at a task, however short the wait may be


class AsyncTasks:
    """Requests to agents."""

    def __init__(self, rest: RestClient, follow: Follow) -> None:
        self._rest = rest
        self._follow = follow

    async def submit(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
    ) -> "AsyncTaskHandle":
        """A task exists and is queued; a worker will do it, whoever watches.

        Args:
            agent: Name or id.
            text: What is asked, or the messages of the conversation so far.
            key: Makes it safe to repeat: the same key with the same request is the same task.
            context_id: Of the conversation it continues: a name, or the id of its first task. The
                agent is given what was asked and answered there before.

        Raises:
            NotFound: There is no such agent.
            AlreadyExists: The key was used for another request.
            InvalidRequest: The text is empty, or the agent is retired.
        """
        given = {"agent": agent, "input": asked(text), "context_id": context_id}
        receipt = await self._rest.tasks.submit(valid(SubmitTask, given), key=key)
        return AsyncTaskHandle(self, receipt.id, context_id or receipt.id)

    def handle(self, task_id: str, context_id: str | None = None) -> "AsyncTaskHandle":
        """A task that exists already; asks nothing of the hub."""
        return AsyncTaskHandle(self, task_id, context_id)

    async def get(self, task_id: str) -> Task:
        """The task as it stands.

        Raises:
            NotFound: There is no such task.
        """
        task, _ = await self._rest.tasks.get(task_id)
        return task

    async def receipt(self, task_id: str) -> TaskReceipt:
        """Where the task stands: its state and version, without reading its events.

        Raises:
            NotFound: There is no such task.
        """
        return await self._rest.tasks.receipt(task_id)

    def list(  # noqa: PLR0913  one argument for each thing a list can be asked for
        self,
        *,
        state: TaskState | Sequence[TaskState] = (),
        agent: str | None = None,
        text: str | None = None,
        submitted_by: str | None = None,
        context_id: str | None = None,
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
            context_id: The tasks of one conversation.
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
            "context_id": context_id,
            "since": since,
            "until": until,
        }

        async def page(cursor: str | None, size: int) -> Listing[TaskRow]:
            query = valid(TaskQuery, {**given, "cursor": cursor, "limit": size})
            return await self._rest.tasks.list(query)

        return AsyncStream(all_rows(page, limit=limit))

    def conversations(
        self, *, agent: str | None = None, limit: int | None = None
    ) -> AsyncStream[Conversation]:
        """Exchanges over several tasks, the one that was continued last first.

        The tasks of one are `list(context_id=…)`; more are asked for while you go through them.

        Args:
            agent: Name or id.
            limit: At most so many; default all.
        """

        async def page(cursor: str | None, size: int) -> Listing[Conversation]:
            given = {"agent": agent, "cursor": cursor, "limit": size}
            return await self._rest.conversations.list(valid(ConversationQuery, given))

        return AsyncStream(all_rows(page, limit=limit))

    def events(
        self, task_id: str, *, after: int = 0, limit: int | None = None
    ) -> AsyncStream[Event]:
        """The task's events above version `after`, as far as it has come; `stream` waits for more.

        Raises:
            NotFound: There is no such task.
        """

        async def page(known: int, size: int) -> Sequence[Event]:
            return (await self._rest.tasks.events(task_id, after=known, limit=size)).events

        return AsyncStream(all_events(page, after=after, limit=limit))

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
        began = anyio.current_time()
        task = Task(id=task_id)
        longest = None if timeout is None else max(timeout, LOOK_SECONDS)
        # A hub that is away for a moment is no end: following has patience.
        with suppress(Unavailable), anyio.move_on_after(longest):
            task = await self.get(task_id)
        if task.state.is_final:
            return answer_of(task)
        left = None if timeout is None else timeout - (anyio.current_time() - began)
        with anyio.move_on_after(left):
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
    """One task, to be followed, waited for or canceled.

    Attributes:
        id: Of the task.
        context_id: Of its conversation, to submit the next task with; None where the handle was
            made without it, then `get` tells.
    """

    def __init__(self, tasks: AsyncTasks, task_id: str, context_id: str | None = None) -> None:
        self.id = task_id
        self.context_id = context_id
        self._tasks = tasks

    def __repr__(self) -> str:
        return f"<AsyncTaskHandle {self.id}>"

    async def get(self) -> Task:
        """As `AsyncTasks.get`."""
        return await self._tasks.get(self.id)

    async def receipt(self) -> TaskReceipt:
        """As `AsyncTasks.receipt`."""
        return await self._tasks.receipt(self.id)

    def events(self, *, after: int = 0, limit: int | None = None) -> AsyncStream[Event]:
        """As `AsyncTasks.events`."""
        return self._tasks.events(self.id, after=after, limit=limit)

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
