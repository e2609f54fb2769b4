"""Routes of tasks. A task and its events are answered as the ready bytes the log keeps."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, status
from starlette.responses import Response

from protocols.event_encoding import envelope
from protocols.operations.listings import Listing
from protocols.operations.tasks import EventPage, SubmitTask, TaskQuery, TaskReceipt, TaskRow
from protocols.rest.backing import Asked, TaskPath
from protocols.rest.bodies import StrictRoute
from protocols.tasks import Task

MAX_VERSION = 2**31 - 1
JSON = "application/json"

router = APIRouter(route_class=StrictRoute, tags=["tasks"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any unique text; the same key with the same request gives the same task.",
    ),
]
After = Annotated[int, Query(ge=0, le=MAX_VERSION, description="Events above this version.")]
Before = Annotated[
    int | None,
    Query(ge=1, le=MAX_VERSION, description="The events just below this version, instead."),
]
EventLimit = Annotated[int, Query(ge=1, le=1000)]
TASK: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON: {"schema": {"$ref": "#/components/schemas/TaskAtHead"}}}}
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {JSON: {"schema": {"$ref": "#/components/schemas/EventPage"}}}}
}


@router.post("/tasks", status_code=status.HTTP_202_ACCEPTED, summary="Ask an agent")
async def submit(
    request: SubmitTask, asked: Asked, idempotency_key: IdempotencyKey = None
) -> TaskReceipt:
    """A task exists and is queued, both or neither.

    Watch it from the receipt on: subscribe to `channel`, open its stream, or read its events.
    """
    return await asked.tasks.submit(request, key=idempotency_key)


@router.get("/tasks", summary="List tasks")
async def tasks(query: Annotated[TaskQuery, Query()], asked: Asked) -> Listing[TaskRow]:
    """Tasks of the team, newest first. Follow `next` as `cursor` for older ones."""
    return await asked.tasks.list(query)


@router.get("/tasks/{task_id}", summary="Read a task", response_class=Response, responses=TASK)
async def task(task_id: TaskPath, asked: Asked) -> Response:
    """The task folded from its events, at the head of its stream."""
    folded, epoch = await asked.tasks.get(task_id)
    return Response(encode_task(folded, epoch), media_type=JSON)


@router.get("/tasks/{task_id}/receipt", summary="Where a task stands")
async def receipt(task_id: TaskPath, asked: Asked) -> TaskReceipt:
    """State, version, position and epoch, without reading a single event."""
    return await asked.tasks.receipt(task_id)


@router.get(
    "/tasks/{task_id}/events",
    summary="Read a task's events",
    response_class=Response,
    responses=EVENTS,
)
async def task_events(
    task_id: TaskPath,
    asked: Asked,
    after: After = 0,
    before: Before = None,
    limit: EventLimit = 500,
) -> Response:
    """Part of the stream, oldest first. Page with the last version as `after`."""
    if before is not None:
        page = await asked.tasks.events_before(task_id, before=before, limit=limit)
    else:
        page = await asked.tasks.events(task_id, after=after, limit=limit)
    return Response(encode_events(page), media_type=JSON)


@router.post("/tasks/{task_id}/cancel", summary="Cancel a task")
async def cancel(task_id: TaskPath, asked: Asked) -> TaskReceipt:
    """A waiting task is canceled; one at work is asked to stop and answers within a second."""
    return await asked.tasks.cancel(task_id)


def encode_task(task: Task, epoch: str) -> bytes:
    """The task as JSON with the epoch its version belongs to."""
    return msgspec.json.encode(task)[:-1] + b',"epoch":' + msgspec.json.encode(epoch) + b"}"


def encode_events(page: EventPage) -> bytes:
    """The page as JSON; each event is its envelope, byte for byte as every transport carries it."""
    return b'{"events":[%b],"version":%d,"epoch":%b}' % (
        b",".join(envelope(event) for event in page.events),
        page.version,
        msgspec.json.encode(page.epoch),
    )
