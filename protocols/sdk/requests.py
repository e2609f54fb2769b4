"""From what a caller writes to the requests of the operations, with the SDK's own errors."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from protocols.errors import InvalidRequest
from protocols.events import Event
from protocols.messages import Message
from protocols.operations.listings import Listing

Model = TypeVar("Model", bound=BaseModel)
Row = TypeVar("Row")
PAGE = 100  # rows asked for at once
EVENTS = 1000


def valid(kind: type[Model], fields: Mapping[str, object]) -> Model:
    """The request with these fields.

    Raises:
        InvalidRequest: A field breaks a rule; it is named.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise InvalidRequest(f"{field}: {first['msg']}", field=field or None) from None


def asked(text: str | Sequence[Message]) -> object:
    """What is asked of an agent, as a request carries it."""
    return text if isinstance(text, str) else [msgspec.to_builtins(one) for one in text]


async def all_events(
    page: Callable[[int, int], Awaitable[Sequence[Event]]], *, after: int, limit: int | None
) -> AsyncGenerator[Event]:
    """Events above `after`, page by page, until there are no more now; at most `limit`."""
    left = limit
    while left is None or left > 0:
        size = EVENTS if left is None else min(left, EVENTS)
        events = await page(after, size)
        for event in events:
            yield event
            after = event.version
        if len(events) < size:
            return
        if left is not None:
            left -= len(events)


async def all_rows(
    page: Callable[[str | None, int], Awaitable[Listing[Row]]], *, limit: int | None
) -> AsyncGenerator[Row]:
    """Rows of all pages, each page asked for when its first row is; at most `limit`."""
    cursor, left = None, limit
    while left is None or left > 0:
        listing = await page(cursor, PAGE if left is None else min(left, PAGE))
        for row in listing.items:
            yield row
        cursor = listing.next
        if cursor is None:
            return
        if left is not None:
            left -= len(listing.items)
