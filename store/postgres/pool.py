"""Connections to Postgres: what each is allowed, and how long it may take.

One URL serves every role: a connection gets its role, search path and time limits when it starts.
`TeamPool` is for everything that happens for one team, under row security; `LogPool` for what works
across teams (projector, queue, follower). The writer has a connection of its own, from `conninfo`.
"""

import logging
import select
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from anyio import CancelScope, move_on_after
from psycopg import AsyncConnection, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from protocols.errors import FactoryError, InvalidRequest, Unavailable
from protocols.principals import TeamId
from store.postgres.failures import translated

logger = logging.getLogger(__name__)

SEARCH_PATH = "pygent, public"
LOG_ROLE = "pygent_log"
APP_ROLE = "pygent_app"
CONNECT_SECONDS = 5  # to one address
UNANSWERED_SECONDS = 15  # by the other end's network; then the connection is given up
WAIT_SECONDS = 10.0  # for a connection of a pool
IDLE_SECONDS = 300.0
RECONNECT_SECONDS = 10.0  # then the pool shrinks, and grows again when somebody asks
CLOSE_SECONDS = 2.0
# For a connection and what is asked on it, where somebody waits: the limits below are kept by the
# server, and a server that hangs keeps none.
ANSWER_SECONDS = 20.0

# `idle_in_transaction` ends a connection whose process was stopped in the middle of a block.
LOG_LIMITS: Mapping[str, str] = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
APP_LIMITS: Mapping[str, str] = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}

Connection = AsyncConnection[Any]  # what rows hold is for each statement to say
Opened = Callable[[Connection], Awaitable[None]]


def conninfo(
    url: str,
    *,
    application: str,
    role: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> str:
    """The URL with role, search path, limits and a name for `pg_stat_activity` added.

    Raises:
        InvalidRequest: It is no URL of a Postgres.
    """
    values = {"search_path": SEARCH_PATH.replace(" ", ""), "timezone": "UTC", **(settings or {})}
    if role:
        values["role"] = role
    words = [f"-c {name}={value}" for name, value in values.items()]
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InvalidRequest(
            "the database URL cannot be read; see postgresql://user@host/name"
        ) from None
    options = " ".join([str(given.get("options") or ""), *words]).strip()
    return make_conninfo(
        url,
        options=options,
        application_name=application,
        connect_timeout=given.get("connect_timeout") or CONNECT_SECONDS,
        tcp_user_timeout=UNANSWERED_SECONDS * 1000,
        keepalives_idle=given.get("keepalives_idle") or UNANSWERED_SECONDS,  # else two hours
        keepalives_interval=given.get("keepalives_interval") or UNANSWERED_SECONDS // 3,
    )


class LogPool(AsyncConnectionPool[Connection]):
    """Connections of the role `pygent_log`, which sees every team; each statement commits alone.

    Who wants several statements to be one step opens `async with connection.transaction()`.
    """

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncGenerator[Connection]:  # noqa: ASYNC109  the pool's
        """A connection for the block; the driver's errors leave it as the factory's.

        Raises:
            Unavailable: The database is out of reach, or gave no connection in time.
        """
        with translated():
            async with super().connection(timeout) as connection:
                yield connection

    @asynccontextmanager
    async def answering(self) -> AsyncGenerator[Connection]:
        """As `connection`, for a block that somebody waits for: ended when the server hangs.

        Raises:
            Unavailable: As `connection`, or the block took longer than ANSWER_SECONDS.
        """
        with move_on_after(ANSWER_SECONDS) as scope:
            async with self.connection() as connection:
                yield connection
        if scope.cancelled_caught:
            raise Unavailable("the database did not answer within the time limit; try again")

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109  the pool's
        """One that was not cut while it lay in the pool, as a restart of Postgres cuts all.

        The pool's own `check` would cost a round trip each time, and a second after a restart.
        """
        while True:
            try:
                connection = await super().getconn(timeout)
            except PoolTimeout:
                logger.warning("no connection in time", extra={"pool": self.get_stats()})
                raise
            if not _is_cut(connection):
                return connection
            await connection.close()
            await self.putconn(connection)


class TeamPool:
    """Connections of the role `pygent_app`, each block a transaction for one team."""

    def __init__(self, pool: LogPool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def team(self, team: TeamId) -> AsyncGenerator[Connection]:
        """A transaction in which row security shows this team's rows and no others.

        Committed at the end of the block, rolled back when it raises. The driver's errors leave it
        as the factory's.

        Raises:
            Unavailable: The database is out of reach, or gave no connection in time.
        """
        # One message to the server for both; `:d` lets nothing but a number through.
        begin = f"BEGIN; SELECT set_config('pygent.team', '{team:d}', true)".encode()
        async with self._pool.answering() as connection:
            await connection.execute(begin)
            yield connection
            if connection.info.transaction_status is pq.TransactionStatus.INERROR:
                raise FactoryError("a statement of a transaction failed, and its error was dropped")


@asynccontextmanager
async def open_connection(info: str) -> AsyncGenerator[Connection]:
    """A connection of its own, outside every pool, closed whatever ends the block.

    The driver's own block rolls back before it closes, and a cancelled wait would end it there.

    Raises:
        psycopg.Error: It could not be opened.
    """
    connection: Connection = await AsyncConnection.connect(info, autocommit=True)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def open_log_pool(url: str, *, size: int, opened: Opened) -> AsyncGenerator[LogPool]:
    """At most `size` connections for the role `pygent_log`.

    Args:
        url: Of the database; its user is the role, or a member of it.
        size: Up to so many connections; one is opened at once.
        opened: Called with each new connection before anybody gets it.

    Raises:
        InvalidRequest: The URL cannot be read.
        Unavailable: The database is out of reach.
    """
    info = conninfo(url, application="pygent-log", role=LOG_ROLE, settings=LOG_LIMITS)
    async with _open(info, size=size, opened=opened) as pool:
        yield pool


@asynccontextmanager
async def open_team_pool(url: str, *, size: int) -> AsyncGenerator[TeamPool]:
    """At most `size` connections for the role `pygent_app`; as `open_log_pool`."""
    info = conninfo(url, application="pygent-app", role=APP_ROLE, settings=APP_LIMITS)
    async with _open(info, size=size) as pool:
        yield TeamPool(pool)


@asynccontextmanager
async def _open(info: str, *, size: int, opened: Opened | None = None) -> AsyncGenerator[LogPool]:
    pool = LogPool(
        info,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=size,
        timeout=WAIT_SECONDS,
        max_idle=IDLE_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        num_workers=2,
        configure=opened,
        open=False,
    )
    # Not by waiting for the pool, which tries again and again: what is wrong is said at once.
    with translated():
        async with open_connection(info):
            pass
    try:
        await pool.open()
        yield pool
    finally:
        with CancelScope(shield=True):
            await pool.close(timeout=CLOSE_SECONDS)


def _is_cut(connection: Connection) -> bool:
    """Whether the server has closed it: an idle connection has nothing to read until then."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
