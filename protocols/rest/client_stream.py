"""Following a task over SSE, through cut connections and restarts of the hub."""

import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx
import msgspec
from httpx_sse import EventSource, ServerSentEvent, SSEError

from protocols.errors import FactoryError, LimitExceeded, Unavailable, WrongVersion
from protocols.events import Event
from protocols.rest.client_http import ERRORS, error_of
from protocols.rest.client_repeats import AWAY

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 40.0  # the hub says something every 15
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
TIMEOUT = httpx.Timeout(10.0, connect=5.0, read=SILENCE_SECONDS)

_EVENT = msgspec.json.Decoder(Event)


class _Stopped(msgspec.Struct):
    """The data of an `error` message."""

    code: str
    detail: str = ""


@dataclass(slots=True)
class _Place:
    """Where a reader stands: the id to resume from, and what it has."""

    version: int
    last_id: str | None = None
    is_over: bool = False


def follow(
    client: httpx.AsyncClient,
    path: str,
    *,
    after: int,
    on_wait: Callable[[float], None] | None = None,
) -> AbstractAsyncContextManager[AsyncGenerator[Event]]:
    """Events above `after`, each once and in order, until the task is over."""
    return _closing(_events(client, path, _Place(after), on_wait))


@asynccontextmanager
async def _closing(events: AsyncGenerator[Event]) -> AsyncGenerator[AsyncGenerator[Event]]:
    async with aclosing(events):
        yield events


async def _events(
    client: httpx.AsyncClient,
    path: str,
    place: _Place,
    on_wait: Callable[[float], None] | None,
) -> AsyncGenerator[Event]:
    wait = FIRST_WAIT_SECONDS
    while True:
        before = place.version
        try:
            async with aclosing(_connection(client, path, place)) as received:
                async for event in received:
                    yield event
        except (Unavailable, LimitExceeded, httpx.TransportError, SSEError) as error:
            logger.debug("the stream was cut", extra={"reason": type(error).__name__})
        if place.is_over:
            return
        wait = FIRST_WAIT_SECONDS if place.version > before else min(wait * 2, LONGEST_WAIT_SECONDS)
        seconds = wait * random.uniform(0.5, 1.0)  # noqa: S311  spreads reconnects, guards nothing
        if on_wait is not None:
            on_wait(seconds)
        await anyio.sleep(seconds)


async def _connection(client: httpx.AsyncClient, path: str, place: _Place) -> AsyncGenerator[Event]:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if place.last_id is not None:
        headers["Last-Event-ID"] = place.last_id
    query = {"after": place.version}
    async with client.stream("GET", path, headers=headers, params=query, timeout=TIMEOUT) as answer:
        if not answer.is_success:
            raise await _refusal(answer)
        async with aclosing(EventSource(answer).aiter_sse()) as messages:
            async for message in messages:
                event = _read(message, place)
                if event is not None:
                    yield event
                if place.is_over:
                    return


async def _refusal(answer: httpx.Response) -> FactoryError:
    content = await answer.aread()
    if answer.status_code in AWAY:
        return Unavailable("the hub is away for a moment")
    return error_of(answer.status_code, answer.headers, content)


def _read(message: ServerSentEvent, place: _Place) -> Event | None:
    """The event of a message, if it is a new one; moves the place."""
    if message.event == "end":
        place.is_over = True
        return None
    if message.event == "reset":
        if place.version == 0:
            return None
        raise WrongVersion(
            f"nothing proves version {place.version} of this stream; read it from the start"
        )
    if message.event == "error":
        raise _stop(message.data)
    if not message.data:
        return None
    event = _EVENT.decode(message.data)
    if event.version <= place.version:
        return None
    place.version, place.last_id = event.version, message.id or None
    return event


def _stop(data: str) -> FactoryError:
    stopped = msgspec.json.decode(data, type=_Stopped)
    return ERRORS.get(stopped.code, Unavailable)(stopped.detail)
