"""What may be asked about tasks: commands append to the log, a task is its fold, lists are rows."""

import logging
import uuid
from collections.abc import Sequence

import msgspec
import uuid_utils

from protocols.agents import STATE_CODES as AGENT_STATE_CODES
from protocols.agents import AgentState
from protocols.channels import task_channel
from protocols.errors import (
    Conflict,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    Unreadable,
    WrongVersion,
)
from protocols.event_encoding import UNREADABLE
from protocols.events import Event, StreamId, TaskCanceled, TaskCancelRequested, TaskSubmitted
from protocols.messages import Message
from protocols.operations.listings import Listing
from protocols.operations.tasks import EventPage, SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.principals import Principal
from protocols.tasks import STATE_CODES, STATES, Task, TaskState
from store.access import Operation, allow, see
from store.connect import Store
from store.operations import agent_specs, requests
from store.operations.agent_specs import Published
from store.operations.listings import cursor_of, position_of, reach
from store.operations.task_list import task_page
from store.postgres.log.appends import TASK, Append, Appended, Job
from store.postgres.log.event_log import Head
from store.projections.agents import STATES as AGENT_STATES

logger = logging.getLogger(__name__)

MAX_EVENTS = 1000
MAX_SPAN = 5000  # versions looked through at once
MAX_VERSION = 2**31 - 1
TRIES = 20  # of a cancel, while a worker writes deltas
_CANCELS = uuid.UUID("8f5b7f0e-42a1-5b6e-8f7e-1f3c7c2f9d55")


class StoredTasks:
    """Keeps the promise `protocols.operations.tasks.Tasks`."""

    def __init__(self, store: Store, principal: Principal) -> None:
        self._store = store
        self._principal = principal

    async def submit(self, request: SubmitTask, *, key: str | None = None) -> TaskReceipt:
        """See the promise."""
        allow(self._principal, Operation.TASKS_SUBMIT)
        said = requests.messages(request)
        append_key = requests.append_key(self._principal, "tasks.submit", key)
        head = await agent_specs.find(self._store.log, self._principal, request.agent)
        if head.state != AGENT_STATE_CODES[AgentState.ACTIVE]:
            raise InvalidRequest(
                f"agent {request.agent} is {AGENT_STATES[head.state]}; it takes no tasks",
                field="agent",
            )
        agent = await agent_specs.latest(self._store.log, head)
        appended = await self._store.log.append(
            self._submission(head, agent, said=said, context=request.context_id, key=append_key),
        )
        return await self._answer(appended, TaskState.SUBMITTED)

    async def get(self, task_id: str) -> tuple[Task, str]:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        head = await self._find(task_id)
        return await self._fold(head), self._store.log.epoch

    async def receipt(self, task_id: str) -> TaskReceipt:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        return self._receipt(await self._find(task_id))

    async def list(self, query: TaskQuery) -> Listing[TaskRow]:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        await reach(self._store.log_pool, "tasks", query.min_position)
        async with self._store.app.team(self._principal.team) as connection:
            position = await position_of(connection, "tasks")
            rows = await task_page(connection, self._principal.team, query, limit=query.limit + 1)
        items = rows[: query.limit]
        return Listing(
            items=items,
            next=cursor_of(items[-1].id) if len(rows) > query.limit else None,
            position=position,
        )

    async def events(self, task_id: str, *, after: int = 0, limit: int = 500) -> EventPage:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        _check_range(after, limit, field="after")
        head = await self._find(task_id)
        events = await self._store.log.read(head.stream, after=after, limit=limit)
        return self._page(head, events)

    async def events_before(self, task_id: str, *, before: int, limit: int = 500) -> EventPage:
        """See the promise."""
        allow(self._principal, Operation.TASKS_READ)
        _check_range(before, limit, field="before")
        head = await self._find(task_id)
        found: list[Event] = []
        top, span = min(before, head.version + 1), limit
        # Versions are dense but for deltas that were dropped: then look back, further each time.
        while top > 1 and len(found) < limit:
            after = max(0, top - 1 - span)
            events = await self._store.log.read(head.stream, after=after, limit=top - 1 - after)
            found = [event for event in events if event.version < top] + found
            top, span = after + 1, min(span * 2, MAX_SPAN)
        return self._page(head, found[-limit:])

    async def cancel(self, task_id: str) -> TaskReceipt:
        """See the promise."""
        allow(self._principal, Operation.TASKS_CANCEL)
        for _ in range(TRIES):
            head = await self._find(task_id)
            state = STATES[head.state]
            if state.is_final:
                raise InvalidTransition(f"task {task_id} is {state}; it cannot be canceled")
            try:
                if state is TaskState.WORKING:
                    appended = await self._store.log.append(self._cancel_request(head))
                    return await self._answer(appended, TaskState.WORKING)
                appended = await self._store.log.append(await self._cancellation(head))
                return await self._answer(appended, TaskState.CANCELED)
            except (WrongVersion, InvalidTransition):
                continue  # it moved on between the look and the append
        raise Conflict(f"task {task_id} moved on {TRIES} times meanwhile; cancel it again")

    def _submission(
        self,
        head: Head,
        agent: Published,
        *,
        said: tuple[Message, ...],
        context: str | None,
        key: uuid.UUID | None,
    ) -> Append:
        task_id = str(uuid_utils.uuid7())
        return Append(
            stream=StreamId(task_id),
            team=self._principal.team,
            kind=TASK,
            actor=self._principal.actor,
            data=(
                TaskSubmitted(
                    agent=head.stream,
                    agent_name=agent.data.name,
                    agent_version=agent.data.number,
                    model=agent.data.model,
                    title=requests.title(said),
                    input=said,
                    context_id=context,
                ),
            ),
            expected=0,
            key=key,
            request_hash=None if key is None else requests.request_hash(head.stream, said, context),
            to_state=STATE_CODES[TaskState.SUBMITTED],
            jobs=(_attempt_job(task_id, self._principal.team),),
        )

    def _cancel_request(self, head: Head) -> Append:
        # One key a task: asking again is told what asking did, and adds nothing to the stream.
        return Append(
            stream=head.stream,
            team=head.team,
            kind=TASK,
            actor=self._principal.actor,
            data=(TaskCancelRequested(),),
            expected=head.version,
            key=uuid.uuid5(_CANCELS, head.stream),
        )

    async def _cancellation(self, head: Head) -> Append:
        task = await self._fold(head) if head.attempt else Task(id=head.stream)
        return Append(
            stream=head.stream,
            team=head.team,
            kind=TASK,
            actor=self._principal.actor,
            data=(TaskCanceled(usage=task.usage, cost=task.cost, steps=len(task.steps)),),
            expected=head.version,
            to_state=STATE_CODES[TaskState.CANCELED],
        )

    async def _find(self, task_id: str) -> Head:
        thing = f"task {task_id[:80]!r}"
        head = await self._store.log.head(StreamId(task_id)) if agent_specs.is_id(task_id) else None
        if head is None or head.kind != TASK:
            raise NotFound(f"there is no {thing}")
        see(self._principal, head.team, thing=thing)
        return head

    async def _fold(self, head: Head) -> Task:
        try:
            return await self._store.folded.at(head)
        except UNREADABLE as error:
            logger.warning("a task cannot be folded", exc_info=error, extra={"task": head.stream})
            raise Unreadable(
                f"task {head.stream} cannot be folded by this version of the factory"
            ) from error

    async def _answer(self, appended: Appended, state: TaskState) -> TaskReceipt:
        if appended.is_repeat:
            return self._receipt(await self._find(appended.stream))
        return TaskReceipt(
            id=appended.stream,
            state=state,
            channel=task_channel(appended.stream),
            version=appended.version,
            position=appended.position,
            epoch=self._store.log.epoch,
        )

    def _receipt(self, head: Head) -> TaskReceipt:
        return TaskReceipt(
            id=head.stream,
            state=STATES[head.state],
            channel=task_channel(head.stream),
            version=head.version,
            position=head.last_position,
            epoch=self._store.log.epoch,
        )

    def _page(self, head: Head, events: Sequence[Event]) -> EventPage:
        version = max(head.version, events[-1].version if events else 0)
        return EventPage(events=events, version=version, epoch=self._store.log.epoch)


def _attempt_job(task_id: str, team: int) -> Job:
    args = msgspec.json.encode({"task": task_id, "team": team})
    return Job(queue="tasks", task="attempt", lock=f"task:{task_id}", args=args)


def _check_range(version: int, limit: int, *, field: str) -> None:
    if not 0 <= version <= MAX_VERSION:
        raise InvalidRequest(f"{field} is {version}; a version is 0 to {MAX_VERSION}", field=field)
    if not 1 <= limit <= MAX_EVENTS:
        raise InvalidRequest(f"limit is {limit}; it must be 1 to {MAX_EVENTS}", field="limit")
