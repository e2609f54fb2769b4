"""Who works: the queue and the workers, as the hub's own state says.

It is asked every few seconds; only this is, since everything else is published.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from protocols.errors import FactoryError
from protocols.operations.system import PartState, System, WorkerBeat
from protocols.rest.client import RestClient

ANSWER_SECONDS = 4.0
BAD = frozenset({PartState.LATE, PartState.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The queue and the workers, the busiest first; `is_known` is false when the hub says nothing.

    Whoever may only look is not told, and a hub that is away tells nobody.
    """

    is_known: bool = False
    workers: Sequence[WorkerBeat] = ()
    waiting: int = 0
    running: int = 0
    unwell: tuple[str, ...] = ()  # titles of parts


async def read_health(client: RestClient) -> Health:
    """What the hub says of itself; nothing when it says nothing in time."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            return health_of(await client.systems.system())
    except (FactoryError, TimeoutError):
        return Health()


def health_of(system: System) -> Health:
    """The part of it that is shown."""
    return Health(
        is_known=True,
        workers=sorted(system.workers, key=lambda worker: (-worker.running, worker.id)),
        waiting=sum(queue.waiting for queue in system.queues),
        running=sum(queue.running for queue in system.queues),
        unwell=tuple(part.title for part in system.parts if part.state in BAD),
    )
