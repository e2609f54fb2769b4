"""Who works: the queue and the workers, as the hub's health says; and who has which task.

The hub is asked every few seconds; only health is, since everything else is published.
"""

from dataclasses import dataclass

import httpx
import msgspec

from protocols.errors import FactoryError
from protocols.operations.tasks import TaskRow
from protocols.rest.client import RestClient
from protocols.tasks import TaskState

ANSWER_SECONDS = 4.0
MOST_LOOKS = 8  # tasks asked for at once for their worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The queue; None where the hub did not say."""

    workers: int | None = None
    todo: int | None = None
    doing: int | None = None
    unwell: tuple[str, ...] = ()  # parts of the hub


class _Part(msgspec.Struct):
    name: str
    is_well: bool
    detail: dict[str, float | int | str]


class _Deep(msgspec.Struct):
    parts: list[_Part]


async def read_health(client: httpx.AsyncClient) -> Health:
    """What `/health/deep` says; nothing when it says nothing."""
    try:
        answer = await client.get("/health/deep", timeout=ANSWER_SECONDS)
        parts = msgspec.json.decode(answer.content, type=_Deep).parts
    except (httpx.TransportError, msgspec.MsgspecError):
        return Health()
    queue = {
        name: value for part in parts if part.name == "queue" for name, value in part.detail.items()
    }
    return Health(
        workers=_count(queue.get("workers")),
        todo=_count(queue.get("todo")),
        doing=_count(queue.get("doing")),
        unwell=tuple(part.name for part in parts if not part.is_well),
    )


def _count(value: float | str | None) -> int | None:
    return value if isinstance(value, int) else None


class Hands:
    """Which worker has which task: asked once for each attempt that is shown at work."""

    def __init__(self) -> None:
        self._worker: dict[tuple[str, int], str] = {}

    async def look(self, client: RestClient, rows: list[TaskRow]) -> None:
        """Learn the workers of a few more of these rows."""
        at_work = {key(row): row for row in rows if row.state is TaskState.WORKING}
        self._worker = {known: name for known, name in self._worker.items() if known in at_work}
        unknown = [row for known, row in at_work.items() if known not in self._worker]
        for row in unknown[:MOST_LOOKS]:
            try:
                task, _ = await client.tasks.get(row.id)
            except FactoryError:
                return
            for attempt in task.attempts:
                self._worker[(row.id, attempt.number)] = attempt.worker

    def tasks_of(self, rows: list[TaskRow]) -> dict[str, int]:
        """How many of these tasks each worker has, the busiest first."""
        counts: dict[str, int] = {}
        for row in rows:
            if row.state is TaskState.WORKING and (name := self._worker.get(key(row))):
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def key(row: TaskRow) -> tuple[str, int]:
    """An attempt."""
    return row.id, row.attempt
