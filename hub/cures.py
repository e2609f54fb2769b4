"""What mends each thing that can be wrong: the page of the system and `pygent doctor` say the same.

Sentences and nothing else. They name commands, variables and parts, never a value of them.
"""

POSTGRES_URL = "PYGENT_DATABASE_URL"
REDIS_URL = "PYGENT_REDIS_URL"


def away(variable: str) -> str:
    """For a server of one's own that does not answer."""
    return f"start that server, or mend {variable}; without it `pygent up` brings its own"


def embedded_away(part: str) -> str:
    """For a server that `pygent up` has started."""
    return (
        f"`pygent up` starts its {part} again within seconds, by itself; if it stays away, read"
        " what `pygent up` prints, and run `pygent doctor` beside it"
    )


SLOW_POSTGRES = (
    "look at what its statements wait for (`pg_stat_activity`), at its disk, and whether somebody"
    " has locked its tables"
)
NO_WORKER = (
    "start one: `pygent worker`, with the same PYGENT_DATABASE_URL and PYGENT_REDIS_URL;"
    " `pygent up` starts one that ended again by itself, unless PYGENT_WORKERS is 0"
)
STALE_WORKER = (
    "nothing is lost: its tasks went to others after PYGENT_LEASE_SECONDS; look at what that"
    " process printed last, and end it if it still runs"
)
MANY_JOBS = "start more workers: `pygent worker`, or PYGENT_WORKERS for `pygent up`"
NO_SCHEDULER = (
    "start one: `pygent scheduler`, with the same PYGENT_DATABASE_URL and PYGENT_REDIS_URL;"
    " `pygent up` starts one that ended again by itself"
)
SLOW_FOLD = (
    "nothing is lost, lists are late; look whether the scheduler has a processor for itself and"
    " what it prints"
)
PARKED = "`pygent projections rebuild {name}` folds it anew; the scheduler's log says what broke it"
SLOW_COMMIT = (
    "look at the disk of Postgres, which every append waits for, and whether something else"
    " uses it; `pg_test_fsync` measures it"
)
FULL_LOG = "fewer or slower producers, or a faster disk for Postgres: appends wait for their turn"
