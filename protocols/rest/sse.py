"""A task's stream as server-sent events, resumable by the same number as everywhere else.

    id: <epoch>.<version>
    event: step.started
    data: {"type": "step.started", "version": 7, …}

`reset` says that the asked position cannot be proved: forget what came before, the stream begins
again. `end` follows the final event. `error` carries a problem when the stream has to stop early.
Events are never parsed: their line is ready, their type stands first in it.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.errors import FactoryError, InvalidRequest, LimitExceeded, Unavailable
from protocols.operations.channels import Reset
from protocols.operations.factory import Factory
from protocols.operations.tasks import TaskReceipt
from protocols.principals import Principal
from protocols.rest import problems
from protocols.rest.backing import Asked, Asking, Backed, Backing, TaskPath, address_of
from protocols.rest.bodies import StrictRoute
from protocols.tasks import FINAL

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15
CHECK_SECONDS = 3.0  # how often an open stream asks whether its reader may still read
SEND_SECONDS = 30.0  # a reader that takes longer to take one event is cut
STOP_SECONDS = 5.0  # a stopping hub ends its streams before; cut earlier, they would end broken
BUFFERED_MESSAGES = 16  # between the log and the socket; the log waits when it is full

_POSITION = re.compile(r"^([0-9a-f-]{36})\.([0-9]{1,10})$", re.ASCII)
_VERSION = re.compile(r"^[0-9]{1,10}$", re.ASCII)
_TYPE = re.compile(rb'^\{"type":"([a-z0-9_.]{1,80})"')
_FINAL = frozenset(f"task.{state.value}" for state in FINAL)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events as they are appended, then `end`.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": (
                    "id: 5f0c1d5e-1c52-4d3f-9a5e-6a1f0b8f2c11.1\n"
                    "event: task.submitted\n"
                    'data: {"type":"task.submitted","version":1}\n\n'
                ),
            },
        },
    },
}

router = APIRouter(route_class=StrictRoute, tags=["tasks"])


@router.get(
    "/tasks/{task_id}/stream",
    summary="Follow a task",
    response_class=Response,
    responses=STREAM,
)
async def stream(  # noqa: PLR0913  what a stream needs, and two ways to say the position
    task_id: TaskPath,
    request: Request,
    asking: Asking,
    asked: Asked,
    backed: Backed,
    after: Annotated[
        str,
        Query(max_length=64, description="A version, or `epoch.version` as in an event's id."),
    ] = "0",
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Response:
    """Server-sent events: all above a version, gap-free, live to the task's end.

    `Last-Event-ID` wins over `after`. Event names are the events' types; besides them come
    `reset` (what you have is of another log: begin anew), `end` and `error`.
    """
    receipt = await asked.tasks.receipt(task_id)
    position = parse_position(last_event_id or after, receipt.epoch)
    feed = _Feed(task_id=task_id, request=request, asking=asking, asked=asked, backed=backed)
    place = backed.quotas.stream(asking, address_of(request))
    return _Placed(lambda: _answer(feed, receipt, position), place)


class _Placed(Response):
    """An answer that holds a place while it is sent, and is refused when there is none.

    Entered where it is sent, and nowhere before: whatever ends the sending gives the place back.
    """

    def __init__(self, answer: Callable[[], Response], place: AbstractContextManager[None]) -> None:
        super().__init__()
        self._answer = answer
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as held:
            try:
                held.enter_context(self._place)
            except LimitExceeded as error:
                answer = problems.response_to(error, scope)
            else:
                answer = self._answer()
            try:
                await answer(scope, receive, send)
            except* SendTimeoutError:  # its server has cut it before, or will
                logger.info("a reader of a stream was too slow", extra={"path": scope["path"]})


def _answer(feed: "_Feed", receipt: TaskReceipt, position: StreamPosition) -> Response:
    sender, receiver = anyio.create_memory_object_stream[bytes](BUFFERED_MESSAGES)

    async def send() -> None:
        async with sender:
            await feed.run(receipt, position, sender)

    return EventSourceResponse(
        _received(receiver),
        data_sender_callable=send,
        ping=KEEP_ALIVE_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
        send_timeout=SEND_SECONDS,
        shutdown_grace_period=STOP_SECONDS,
    )


def parse_position(text: str, epoch: str) -> StreamPosition:
    """The position a reader resumes from; a bare version is taken to be of this epoch.

    Raises:
        InvalidRequest: It is neither form.
    """
    if _VERSION.match(text):
        return StreamPosition(epoch, int(text))
    if match := _POSITION.match(text):
        return StreamPosition(match[1], int(match[2]))
    raise InvalidRequest(
        f"a stream resumes after a version or an epoch.version, not after {text[:64]!a}",
        field="after",
    )


async def _received(receiver: MemoryObjectReceiveStream[bytes]) -> AsyncIterator[bytes]:
    async with receiver:
        async for chunk in receiver:
            yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    """Writes one task's stream into a bounded queue that the response drains."""

    task_id: str
    request: Request
    asking: Principal
    asked: Factory
    backed: Backing

    async def run(
        self, receipt: TaskReceipt, position: StreamPosition, sender: MemoryObjectSendStream[bytes]
    ) -> None:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._check_reader)
                await self._write(receipt, position, sender)
                group.cancel_scope.cancel()
        except* FactoryError as stopped:
            error = next(_leaves(stopped))
            problem = {"code": error.code, "detail": error.message, "retryable": error.retryable}
            await sender.send(_message("error", problem))
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the reader has gone

    async def _check_reader(self) -> None:
        """A revoked key or an ended session ends its open streams, too."""
        while True:
            await anyio.sleep(CHECK_SECONDS)
            with suppress(Unavailable):  # nobody can be asked now: what is open stays open
                await self.backed.authenticate(self.request)

    async def _write(
        self, receipt: TaskReceipt, position: StreamPosition, sender: MemoryObjectSendStream[bytes]
    ) -> None:
        if receipt.state.is_final and position == StreamPosition(receipt.epoch, receipt.version):
            await sender.send(_end(receipt))
            return
        reset = await self._follow(position, sender)
        if reset is not None:
            start = StreamPosition(reset.position.epoch, 0)
            await sender.send(_message("reset", {"epoch": start.epoch}, position=start))
            await self._follow(start, sender)

    async def _follow(
        self, after: StreamPosition, sender: MemoryObjectSendStream[bytes]
    ) -> Reset | None:
        """Write until the task is over or the hub stops; or until nothing can be proved."""
        channel = Channel(Namespace.TASK, self.task_id)
        async with self.backed.channels.follow(self.asking, channel, after=after) as items:
            async for item in items:
                if isinstance(item, Reset):
                    return item
                kind = type_of(item.data)
                await sender.send(_event(after.epoch, item, kind))
                if kind in _FINAL:
                    await sender.send(_end(await self.asked.tasks.receipt(self.task_id)))
                    return None
        return None


def type_of(line: bytes) -> str:
    """The type of an event, from its ready line."""
    match = _TYPE.match(line)
    return match[1].decode() if match else "message"


def _event(epoch: str, publication: Publication, kind: str) -> bytes:
    return b"id: %b.%d\nevent: %b\ndata: %b\n\n" % (
        epoch.encode(),
        publication.offset,
        kind.encode(),
        publication.data,
    )


def _end(receipt: TaskReceipt) -> bytes:
    return _message("end", {"state": receipt.state.value, "version": receipt.version})


def _message(name: str, data: object, *, position: StreamPosition | None = None) -> bytes:
    place = f"id: {position.epoch}.{position.offset}\n" if position else ""
    return f"{place}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _leaves(group: BaseExceptionGroup[FactoryError]) -> Iterator[FactoryError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
