"""One of many processes leads: the one whose session of its own holds a lock of the database.

Death ends the session at once, so that another leads within POLL_SECONDS. A leader that hangs, or
is cut off, loses its session after SILENT_SECONDS without a sign; it looks at its session more
often than that, and stops when it is gone. What a leader does must be safe while two believe they
lead, for that moment.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import psycopg

from protocols.errors import FactoryError
from store.postgres.pool import LOG_ROLE, Connection, conninfo, open_connection

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
CHECK_SECONDS = 2.0
ANSWER_SECONDS = 3.0
SILENT_SECONDS = 10
SETTINGS = {"statement_timeout": "3s", "idle_session_timeout": f"{SILENT_SECONDS}s"}

# In the space of a table of ours, so that several factories may share a database.
TRY_LOCK = "SELECT pg_try_advisory_lock('projection_position'::regclass::oid::int, 1)"
CHECK = "SELECT 1"


class LostLeadership(FactoryError):
    """The session that holds the lock is gone, so another may lead."""

    code = "unavailable"
    retryable = True


async def lead(url: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do the work whenever this process leads, until cancelled; it is cancelled when another leads.

    Args:
        url: Of the database; the lock's session is opened there as `pygent_log`.
        work: Runs until cancelled. What it raises ends this function.
    """
    info = conninfo(url, application="pygent-leader", role=LOG_ROLE, settings=SETTINGS)
    while True:
        try:
            async with open_connection(info) as connection:
                await _wait_for_lock(connection)
                logger.info("this scheduler leads")
                await _work_while_leading(connection, work)
        except* (psycopg.Error, LostLeadership) as errors:
            logger.warning("this scheduler does not lead", extra={"reason": _first(errors)})
        await anyio.sleep(POLL_SECONDS / 2)


async def _wait_for_lock(connection: Connection) -> None:
    while not await _ask(connection, TRY_LOCK):  # noqa: ASYNC110  the other process sets no event
        await anyio.sleep(POLL_SECONDS)


async def _work_while_leading(
    connection: Connection, work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work)
        while True:
            await anyio.sleep(CHECK_SECONDS)
            await _ask(connection, CHECK)


async def _ask(connection: Connection, statement: str) -> bool:
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            row = await (await connection.execute(statement.encode())).fetchone()
    except TimeoutError:
        raise LostLeadership("the session of the leader's lock does not answer") from None
    return bool(row and row[0])


def _first(errors: BaseExceptionGroup[Exception]) -> str:
    return type(errors.exceptions[0]).__name__
