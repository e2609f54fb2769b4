"""Tasks over HTTP: keeps `protocols.operations.tasks.Tasks`."""

from uuid import uuid4

import msgspec

from protocols.errors import Unavailable
from protocols.events import Event
from protocols.operations.listings import Listing
from protocols.operations.tasks import EventPage, SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.rest.client_http import Http, Query, part, query_of
from protocols.rest.client_repeats import IDEMPOTENCY_KEY
from protocols.tasks import Task


class _Epoch(msgspec.Struct):
    epoch: str


class _Events(msgspec.Struct):
    events: list[Event]
    version: int
    epoch: str


_TASK = msgspec.json.Decoder(Task)
_EPOCH = msgspec.json.Decoder(_Epoch)
_EVENTS = msgspec.json.Decoder(_Events)


class RestTasks:
    """Requests to agents, over HTTP."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def submit(self, request: SubmitTask, *, key: str | None = None) -> TaskReceipt:
        """A task exists and is queued, both or neither; one task, however often it is repeated."""
        headers = {IDEMPOTENCY_KEY: key or uuid4().hex}
        return await self._http.model("POST", "/tasks", TaskReceipt, body=request, headers=headers)

    async def get(self, task_id: str) -> tuple[Task, str]:
        """The task folded at its head, and the epoch of the log."""
        raw = await self._http.raw("GET", f"/tasks/{part(task_id)}")
        try:
            return _TASK.decode(raw), _EPOCH.decode(raw).epoch
        except msgspec.MsgspecError as error:
            raise Unavailable(f"the hub's answer was not understood: {error}") from None

    async def receipt(self, task_id: str) -> TaskReceipt:
        """Where a task stands."""
        return await self._http.model("GET", f"/tasks/{part(task_id)}/receipt", TaskReceipt)

    async def list(self, query: TaskQuery) -> Listing[TaskRow]:
        """Tasks of the team, newest first."""
        return await self._http.model("GET", "/tasks", Listing[TaskRow], query=query_of(query))

    async def events(self, task_id: str, *, after: int = 0, limit: int = 500) -> EventPage:
        """Events with a version above `after`, oldest first."""
        return await self._events(task_id, {"after": after, "limit": limit})

    async def events_before(self, task_id: str, *, before: int, limit: int = 500) -> EventPage:
        """The events just below `before`, in version order."""
        return await self._events(task_id, {"before": before, "limit": limit})

    async def cancel(self, task_id: str) -> TaskReceipt:
        """The task is canceled, or asked to stop."""
        return await self._http.model("POST", f"/tasks/{part(task_id)}/cancel", TaskReceipt)

    async def _events(self, task_id: str, query: Query) -> EventPage:
        raw = await self._http.raw("GET", f"/tasks/{part(task_id)}/events", query=query)
        try:
            page = _EVENTS.decode(raw)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"the hub's answer was not understood: {error}") from None
        return EventPage(events=page.events, version=page.version, epoch=page.epoch)
