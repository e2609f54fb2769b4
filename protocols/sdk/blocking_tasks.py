"""Tasks for callers without an event loop: `tasks.py`, called through the portal."""

from collections.abc import Sequence
from datetime import datetime

from protocols.events import Event
from protocols.messages import Message
from protocols.operations.conversations import Conversation
from protocols.operations.tasks import TaskReceipt, TaskRow
from protocols.sdk.answers import Answer
from protocols.sdk.blocking_streams import Stream, TextStream
from protocols.sdk.portal import Portal
from protocols.sdk.tasks import AsyncTasks
from protocols.tasks import Task, TaskState


class Tasks:
    """Requests to agents."""

    def __init__(self, portal: Portal, tasks: AsyncTasks) -> None:
        self._portal = portal
        self._tasks = tasks

    def submit(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
    ) -> "TaskHandle":
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
        task = self._portal.call(
            lambda: self._tasks.submit(agent, text, key=key, context_id=context_id)
        )
        return TaskHandle(self, task.id, task.context_id)

    def handle(self, task_id: str, context_id: str | None = None) -> "TaskHandle":
        """A task that exists already; asks nothing of the hub."""
        return TaskHandle(self, task_id, context_id)

    def get(self, task_id: str) -> Task:
        """The task as it stands.

        Raises:
            NotFound: There is no such task.
        """
        return self._portal.call(lambda: self._tasks.get(task_id))

    def receipt(self, task_id: str) -> TaskReceipt:
        """Where the task stands: its state and version, without reading its events.

        Raises:
            NotFound: There is no such task.
        """
        return self._portal.call(lambda: self._tasks.receipt(task_id))

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
    ) -> Stream[TaskRow]:
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
        rows = self._tasks.list(
            state=state,
            agent=agent,
            text=text,
            submitted_by=submitted_by,
            context_id=context_id,
            since=since,
            until=until,
            limit=limit,
        )
        return Stream(self._portal, rows)

    def conversations(
        self, *, agent: str | None = None, limit: int | None = None
    ) -> Stream[Conversation]:
        """Exchanges over several tasks, the one that was continued last first.

        The tasks of one are `list(context_id=…)`; more are asked for while you go through them.

        Args:
            agent: Name or id.
            limit: At most so many; default all.
        """
        return Stream(self._portal, self._tasks.conversations(agent=agent, limit=limit))

    def events(self, task_id: str, *, after: int = 0, limit: int | None = None) -> Stream[Event]:
        """The task's events above version `after`, as far as it has come; `stream` waits for more.

        Raises:
            NotFound: There is no such task.
        """
        return Stream(self._portal, self._tasks.events(task_id, after=after, limit=limit))

    def stream(self, task_id: str, *, after: int = 0) -> Stream[Event]:
        """The task's events above version `after`, each once and in order, until it is over.

        Goes on by itself after a cut connection or a restart of the hub. `event.version` of the
        last event you have is all you need to go on later, or elsewhere.

        Raises:
            NotFound: There is no such task.
            WrongVersion: The log was restored and is shorter now: begin again after 0.
            Unavailable: The hub was away for longer than the client's patience.
        """
        return Stream(self._portal, self._tasks.stream(task_id, after=after))

    def text(self, task_id: str) -> TextStream:
        """The task's text from its beginning, as it is being written.

        Raises:
            NotFound: There is no such task.
            Unavailable: The hub was away for longer than the client's patience.
        """
        return TextStream(self._portal, self._tasks.text(task_id))

    def wait(self, task_id: str, *, timeout: float | None = None) -> Answer:
        """The answer, once the task is over.

        Args:
            task_id: Of the task.
            timeout: Seconds; None waits for as long as it takes, 0 only looks.

        Raises:
            TaskFailed: It has none; TaskCanceled when it was stopped.
            TimedOut: It is not over; it goes on.
            NotFound: There is no such task.
        """
        return self._portal.call(lambda: self._tasks.wait(task_id, timeout=timeout))

    def cancel(self, task_id: str) -> TaskReceipt:
        """A waiting task is canceled; one at work is asked to stop and does within a second.

        Raises:
            InvalidTransition: It is over.
            NotFound: There is no such task.
        """
        return self._portal.call(lambda: self._tasks.cancel(task_id))


class TaskHandle:
    """One task, to be followed, waited for or canceled.

    Attributes:
        id: Of the task.
        context_id: Of its conversation, to submit the next task with; None where the handle was
            made without it, then `get` tells.
    """

    def __init__(self, tasks: Tasks, task_id: str, context_id: str | None = None) -> None:
        self.id = task_id
        self.context_id = context_id
        self._tasks = tasks

    def __repr__(self) -> str:
        return f"<TaskHandle {self.id}>"

    def get(self) -> Task:
        """As `Tasks.get`."""
        return self._tasks.get(self.id)

    def receipt(self) -> TaskReceipt:
        """As `Tasks.receipt`."""
        return self._tasks.receipt(self.id)

    def events(self, *, after: int = 0, limit: int | None = None) -> Stream[Event]:
        """As `Tasks.events`."""
        return self._tasks.events(self.id, after=after, limit=limit)

    def stream(self, *, after: int = 0) -> Stream[Event]:
        """As `Tasks.stream`."""
        return self._tasks.stream(self.id, after=after)

    def text(self) -> TextStream:
        """As `Tasks.text`."""
        return self._tasks.text(self.id)

    def wait(self, *, timeout: float | None = None) -> Answer:
        """As `Tasks.wait`."""
        return self._tasks.wait(self.id, timeout=timeout)

    def cancel(self) -> TaskReceipt:
        """As `Tasks.cancel`."""
        return self._tasks.cancel(self.id)
