"""Many appends as one call of the database's function `append`, and its one row as many answers.

The statement is always the same, so that a connection prepares it once. No connection in here, and
no waiting.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import repeat

from store.postgres.log.appends import Answer, Entry
from store.postgres.log.arrays import (
    blobs,
    flags,
    integers,
    optional_uuids,
    small_integer,
    small_integers,
    texts,
    uuids,
    words,
)

ARGUMENTS = 23
APPEND = b"""
SELECT status, version, position, stream::text[], old_time, written_at
FROM append(
  $1,
  $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
  $13, $14, $15, $16, $17, $18,
  $19, $20, $21, $22, $23)
"""

Row = tuple[
    list[int],
    list[int],
    list[int],
    list[str | None] | None,
    list[datetime | None] | None,
    datetime,
]


def arguments(entries: Sequence[Entry], *, shard: int) -> tuple[bytes, ...]:
    """What APPEND is called with."""
    events = [event for entry in entries for event in entry.events]
    last, owner = _owners(entries, len(events))
    delta, kind, head, body = zip(*events, strict=True)
    stream, team, stream_kind, expected, attempt, seq, key, request_hash, to_state, actor = zip(
        *[entry.row for entry in entries], strict=True
    )
    return (
        small_integer(shard),
        uuids(stream),
        integers(team),
        small_integers(stream_kind),
        integers(expected),
        integers(attempt),
        integers(seq),
        optional_uuids(key),
        blobs(request_hash),
        small_integers(to_state),
        words(actor),
        last,
        owner,
        flags(delta),
        words(kind),
        texts(head),
        _zeros(len(events)),  # key ids: bodies are clear
        blobs(body),
        *_jobs(entries),
    )


def answers(row: Row) -> list[Answer]:
    """One for each append, in their order."""
    status, version, position, stream, old_time, written_at = row
    if stream is None and old_time is None:  # nothing was found already: the usual case
        return list(map(Answer, status, version, position, repeat(None), repeat(written_at)))
    # Arrays filled at single places end at the last of them.
    streams = [*(stream or ()), *repeat(None, len(status) - len(stream or ()))]
    times = [*(old_time or ()), *repeat(None, len(status) - len(old_time or ()))]
    whens = [time or written_at for time in times]
    return list(map(Answer, status, version, position, streams, whens))


def _owners(entries: Sequence[Entry], events: int) -> tuple[bytes, bytes]:
    """Of each append the number of its last event, of each event the number of its append."""
    if events == len(entries):
        return _numbers(events), _numbers(events)
    last: list[int] = []
    owner: list[int] = []
    for number, entry in enumerate(entries, 1):
        owner += [number] * len(entry.events)
        last.append(len(owner))
    return integers(last), integers(owner)


@lru_cache(maxsize=1024)
def _numbers(count: int) -> bytes:
    return integers(range(1, count + 1))


@lru_cache(maxsize=1024)
def _zeros(count: int) -> bytes:
    return integers([0] * count)


def _jobs(entries: Sequence[Entry]) -> tuple[bytes, ...]:
    jobs = [(number, *job) for number, entry in enumerate(entries, 1) for job in entry.jobs]
    if not jobs:
        return _NO_JOBS
    owner, queue, task, lock, args = zip(*jobs, strict=True)
    return integers(owner), texts(queue), texts(task), texts(lock), texts(args)


_NO_JOBS = (integers(()), texts(()), texts(()), texts(()), texts(()))
