"""The driver's errors, translated at the store's edge into those of the factory.

The driver's text stays in the chain, for logs; what is raised says in our words what to do. A block
that knows better (a name that is taken) catches the driver's error inside, where it still is one.
"""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from protocols.errors import FactoryError, InvalidRequest, Unavailable

# Classes of codes after which the same statement may succeed, on this connection or on another:
# connection, transaction state (a standby, a limit), rollback (deadlock), resources (disk, memory),
# object state (a lock), intervention (restart, a cancelled query), system.
PASSING = frozenset({"08", "25", "40", "53", "55", "57", "58"})
UNMIGRATED = (errors.UndefinedTable, errors.UndefinedFunction, errors.InvalidSchemaName)
REFUSED = (errors.InvalidPassword, errors.InvalidAuthorizationSpecification)
NOT_IN_TIME = (PoolTimeout, TooManyRequests)

_Kinds = tuple[type[psycopg.Error], ...]
_SENTENCES: tuple[tuple[_Kinds, type[FactoryError], str], ...] = (  # the first that fits
    (NOT_IN_TIME, Unavailable, "the database gave no connection in time; try again"),
    ((PoolClosed,), Unavailable, "the store is closed"),
    (
        (errors.QueryCanceled,),
        Unavailable,
        "the database did not answer within the time limit; try again",
    ),
    ((errors.DiskFull,), Unavailable, "the database's disk is full; nothing can be written"),
    (
        (psycopg.DataError, psycopg.IntegrityError),
        InvalidRequest,
        "the database refused a value of the request",
    ),
    (UNMIGRATED, Unavailable, "the database has not been migrated; run `pygent migrate`"),
    (REFUSED, Unavailable, "the database refuses the user or password of its URL"),
    (
        (errors.InsufficientPrivilege,),
        Unavailable,
        "the database's user lacks a right it needs; run `pygent migrate`",
    ),
)

# A connection that could not be made carries no code, only the server's words.
_REFUSALS: tuple[tuple[str, str], ...] = (
    ("password", "the database refuses the user or password of its URL"),
    ("no pg_hba.conf entry", "the database refuses connections from here"),
    ("does not exist", "the database refuses its URL: there is no such database, user or role"),
    ("permission denied to set role", "the database's user is not a member of the role it needs"),
)


def is_passing(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed later."""
    if error.sqlstate:
        return error.sqlstate[:2] in PASSING
    # The server has not spoken: the connection could not be made, or broke.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def translation(error: psycopg.Error) -> FactoryError:
    """The factory's error for the driver's, without a word of the driver's."""
    for kinds, factory_error, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return factory_error(sentence)
    if not is_passing(error):
        return FactoryError("the store failed")
    words = str(error)
    sentences = [sentence for mark, sentence in _REFUSALS if mark in words]
    return Unavailable(sentences[0] if sentences else "the database is out of reach; try again")


@contextmanager
def translated() -> Generator[None]:
    """Raises the factory's errors for the driver's that leave the block."""
    try:
        yield
    except psycopg.Error as error:
        raise translation(error) from error
