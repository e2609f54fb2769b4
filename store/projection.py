"""What a projection is: tables folded from the events of the log, as `store/projections/` keeps it.

A projection never moves itself: `projector.py` calls it inside the transaction that also moves its
position, so each event is folded exactly once. It reads heads, never bodies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from protocols.channels import Namespace
from protocols.event_encoding import UNREADABLE
from protocols.events import StreamId
from protocols.principals import TeamId
from store.postgres.log.event_log import Followed

Connection = AsyncConnection[TupleRow]
Record = TypeVar("Record")

UNFOLDABLE = (*UNREADABLE, ValueError)  # what folding an event raises that no repeat will mend


@dataclass(frozen=True, slots=True)
class Touched:
    """A row of a feed that is another one now.

    Attributes:
        feed: Whose feed shows it.
        team: Whose row it is.
        key: The row's id; empty where the team has only one.
        is_urgent: Its state changed: people see it at once, other changes a few times a second.
    """

    feed: Namespace
    team: TeamId
    key: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Unfoldable:
    """The event at which a stream cannot be folded any further, and why."""

    event: Followed
    reason: str


@dataclass(slots=True)
class Folded:
    """What a batch of events did."""

    touched: list[Touched] = field(default_factory=list[Touched])
    unfoldable: list[Unfoldable] = field(default_factory=list[Unfoldable])


MOST_AMOUNT = 10**12  # of tokens or micro-dollars in one event, so that no sum leaves a bigint


def amount(told: int | None) -> int:
    """What an event says was used, within bounds: a provider's nonsense stops no projection."""
    return min(max(told or 0, 0), MOST_AMOUNT)


class Projection(Protocol):
    """Tables folded from the log; none knows another."""

    @property
    def name(self) -> str:
        """As in `projection_position` and on the command line."""
        ...

    async def fold(self, connection: Connection, events: Sequence[Followed]) -> Folded:
        """The tables show these events too.

        Events come in the order of the log, each once. A stream that cannot be folded stops at its
        event and is told in the answer; it comes no more. Whatever else goes wrong is raised, and
        nothing of the batch stays.
        """
        ...

    async def clear(self, connection: Connection) -> None:
        """The tables are as they were before the first event."""
        ...


def by_stream(events: Sequence[Followed]) -> dict[StreamId, list[Followed]]:
    """The events of each stream, in order."""
    streams: dict[StreamId, list[Followed]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    return streams


def fold_stream(
    record: Record | None,
    history: Sequence[Followed],
    advance: Callable[[Record | None, Followed], Record | None],
) -> tuple[Record | None, Unfoldable | None]:
    """The row after these events of one stream, up to the first that cannot be folded."""
    for event in history:
        try:
            record = advance(record, event)
        except UNFOLDABLE as error:
            return record, Unfoldable(event, str(error))
    return record, None


def as_json(rows: Sequence[object]) -> str:
    """Rows for `jsonb_populate_recordset`: one parameter for any number of them."""
    return msgspec.json.encode(rows).decode()
