"""What is to be done with connections on somebody's word: in order for each, many at a time.

Whoever gives the word does not wait for it. Bounded; what fails for one connection is logged.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from protocols.centrifugal.connection import Connection
from protocols.errors import FactoryError

logger = logging.getLogger(__name__)

MAX_WAITING = 10_000  # on all connections together
AT_ONCE = 64

Errand = Callable[[], Awaitable[None]]


class Errands:
    """Those of one hub.

    Args:
        group: Where they are run; ended by whoever opened it.
    """

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._waiting: dict[Connection, deque[Errand]] = {}
        self._places = anyio.Semaphore(AT_ONCE)
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def has_room(self, number: int) -> bool:
        """Whether so many more may wait."""
        return self._count + number <= MAX_WAITING

    def put(self, connection: Connection, errand: Errand) -> None:
        """See to it, after what waits for this connection already."""
        self._count += 1
        waiting = self._waiting.get(connection)
        if waiting is not None:
            waiting.append(errand)
            return
        self._waiting[connection] = deque([errand])
        self._group.start_soon(self._run, connection)

    async def _run(self, connection: Connection) -> None:
        waiting = self._waiting[connection]
        while waiting:
            async with self._places:
                errand = waiting.popleft()
                self._count -= 1
                if connection.why is None:
                    await _carry_out(connection, errand)
        del self._waiting[connection]


async def _carry_out(connection: Connection, errand: Errand) -> None:
    try:
        await errand()
    except FactoryError as error:
        logger.info(
            "a connection was not put where a server wants it",
            extra={"client": connection.client, "reason": error.message},
        )
    except Exception:  # one connection's trouble must not end the hub
        logger.exception("an errand failed", extra={"client": connection.client})
