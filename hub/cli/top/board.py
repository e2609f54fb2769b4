"""What `pygent top` knows: rows of tasks, minutes, counts. Values in, values out; nothing is asked.

A row or minute counts when it is newer than the one that is known, so that what was published while
the state was being read may be told twice, or late.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from protocols.operations.listings import Listing
from protocols.operations.overview import Bucket, Overview
from protocols.operations.tasks import TaskRow
from protocols.tasks import TaskState

MOST_ROWS = 500  # the newest ended ones beyond what is open
MINUTES = 60

ORDER = {  # open ones first; those that wait for a person before everything
    TaskState.INPUT_REQUIRED: 0,
    TaskState.AUTH_REQUIRED: 0,
    TaskState.WORKING: 1,
    TaskState.SUBMITTED: 2,
}
ENDED = 3


class Moment(BaseModel):
    """What the feed `overview:<team>` publishes: a minute as it is now, and what is open."""

    model_config = ConfigDict(frozen=True)

    bucket: Bucket
    submitted: int
    working: int
    waiting: int


class Sums(BaseModel):
    """The last hour."""

    model_config = ConfigDict(frozen=True)

    ended: int
    failed: int
    cost: int
    input_tokens: int
    output_tokens: int


class Board:
    """Everything that is shown of a team's tasks."""

    def __init__(self) -> None:
        self.rows: dict[str, TaskRow] = {}
        self.minutes: dict[datetime, Bucket] = {}
        self.submitted = self.working = self.waiting = 0
        self.p50: float | None = None
        self.p95: float | None = None

    def load(self, overview: Overview, listings: Sequence[Listing[TaskRow]]) -> None:
        """The state as it was read; older knowledge goes."""
        self.rows = {}
        for row in [*overview.open, *(row for listing in listings for row in listing.items)]:
            self.put(row)
        self.minutes = {bucket.start: bucket for bucket in overview.buckets}
        self.submitted, self.working = overview.submitted, overview.working
        self.waiting = overview.waiting
        self.p50, self.p95 = overview.p50_seconds, overview.p95_seconds

    def put(self, row: TaskRow) -> None:
        """A row of the feed."""
        known = self.rows.get(row.id)
        if known is not None and known.version > row.version:
            return
        self.rows[row.id] = row
        if len(self.rows) > MOST_ROWS * 2:
            kept = sorted(self.rows.values(), key=rank)[:MOST_ROWS]
            self.rows = {row.id: row for row in kept}

    def tell(self, moment: Moment) -> None:
        """A minute of the feed."""
        self.minutes[moment.bucket.start] = moment.bucket
        self.submitted, self.working = moment.submitted, moment.working
        self.waiting = moment.waiting

    def ended_by_minute(self, now: datetime) -> list[tuple[int, int]]:
        """How many ended in each of the last MINUTES, oldest first; and how many of them badly."""
        last = now.astimezone(UTC).replace(second=0, microsecond=0)
        starts = [last - timedelta(minutes=ago) for ago in reversed(range(MINUTES))]
        self.minutes = {at: one for at, one in self.minutes.items() if at >= starts[0]}
        return [_ended(self.minutes.get(start)) for start in starts]

    def per_minute(self, now: datetime) -> float:
        """Tasks that ended within a minute: this one, and of the one before as much as is left."""
        *_, before, current = self.ended_by_minute(now)
        return current[0] + before[0] * (1 - now.second / 60)

    def sums(self, now: datetime) -> Sums:
        """Everything of the last MINUTES."""
        ended = self.ended_by_minute(now)
        minutes = self.minutes.values()
        return Sums(
            ended=sum(count for count, _ in ended),
            failed=sum(bad for _, bad in ended),
            cost=sum(minute.cost for minute in minutes),
            input_tokens=sum(minute.input_tokens for minute in minutes),
            output_tokens=sum(minute.output_tokens for minute in minutes),
        )

    def shown(self, words: str, *, open_only: bool) -> list[TaskRow]:
        """Rows that have all the words, in the order in which they are shown."""
        wanted = words.lower().split()
        rows = (
            row
            for row in self.rows.values()
            if not (open_only and row.state.is_final) and _has(row, wanted)
        )
        return sorted(rows, key=rank)[:MOST_ROWS]


def rank(row: TaskRow) -> tuple[int, float]:
    """Where a row stands: by state, the newest first."""
    place = ORDER.get(row.state, ENDED)
    at = (row.ended_at or row.submitted_at) if place == ENDED else row.submitted_at
    return place, -at.timestamp()


def _ended(minute: Bucket | None) -> tuple[int, int]:
    if minute is None:
        return 0, 0
    return minute.completed + minute.failed + minute.canceled, minute.failed


def _has(row: TaskRow, words: Sequence[str]) -> bool:
    text = f"{row.id} {row.state} {row.agent_name} {row.title} {row.activity or ''}".lower()
    return all(word in text for word in words)
