"""What is asked of the log, and what it answers: values, and the sentences of its refusals.

`Append` is what callers make. `Entry` is the same, encoded once, as the writer sends it and the
publication reads it. Rules and their order stand with the function `append` in the first migration.
Structs and not dataclasses, because they are made for every event: they cost a tenth, and the
garbage collector need not look into them.
"""

import asyncio
import re
import uuid
from datetime import datetime
from functools import lru_cache

import msgspec
import uuid_utils

from protocols import agents, tasks
from protocols.errors import (
    AlreadyExists,
    FactoryError,
    Fenced,
    Gap,
    InvalidRequest,
    InvalidTransition,
    LimitExceeded,
    NotFound,
    WrongVersion,
)
from protocols.event_encoding import split
from protocols.events import KINDS, AnyData, StreamId
from protocols.principals import Actor, TeamId

TASK = 1
AGENT = 2
NAMES = {TASK: "task", AGENT: "agent"}  # of the kinds of stream; also their channels' namespaces
MAX_APPEND_BYTES = 16 * 1024 * 1024
NEWLINE = ord("\n")  # a number is found in bytes in a fifth of the time that bytes are

# What the database's function answers for one append: plain numbers, compared for every event.
OK, DUPLICATE, WRONG_VERSION, FENCED, GAP, INVALID_TRANSITION, WRONG_TEAM, OTHER_REQUEST = range(8)

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# By the type itself, which is found sooner than its attributes are.
_KINDS = {kind: (kind.DELTA, name.encode()) for name, kind in KINDS.items()}
_STATES: dict[int, dict[int, str]] = {
    TASK: {code: state.value for state, code in tasks.STATE_CODES.items()},
    AGENT: {code: state.value for state, code in agents.STATE_CODES.items()},
}


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Work for the queue, there if and only if the append's events are. `args` is JSON."""

    queue: str
    task: str
    lock: str | None
    args: bytes


class Append(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events for the end of one stream, all of them or none.

    A decision names the version it was made at; an attempt its number and the number of its append.

    Attributes:
        expected: The head's version; 0: the stream must be new; None: any.
        attempt: 0: a decision. Else with `seq` 0 the start of that attempt, which raises the
            head's, and with `seq` n its n-th append.
        key: Unique in the team; a repeat gets the old answer instead of being done again.
        request_hash: Of what was asked; the same key with another hash is refused.
        to_state: The state it moves the stream to, checked against the allowed moves.
    """

    stream: StreamId
    team: TeamId
    kind: int
    actor: Actor
    data: tuple[AnyData, ...]
    expected: int | None = None
    attempt: int = 0
    seq: int = 0
    key: uuid.UUID | None = None
    request_hash: bytes | None = None
    to_state: int | None = None
    jobs: tuple[Job, ...] = ()


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Where an append's last event stands; the old place when it was a repeat.

    `stream` is another one than asked for when the key had been used for a stream before.
    """

    stream: StreamId
    version: int
    position: int
    time: datetime
    is_repeat: bool


class Answer(msgspec.Struct, frozen=True, gc=False):
    """As the database gives it; `stream` and `time` are only set on what was found already."""

    status: int
    version: int
    position: int
    stream: str | None
    time: datetime


# stream, team, kind, expected, attempt, seq, key, request hash, to_state, actor
EncodedAppend = tuple[bytes, int, int, int, int, int, bytes | None, bytes | None, int, bytes]
EncodedEvent = tuple[bool, bytes, bytes | None, bytes | None]  # is a delta, type, head, body
EncodedJob = tuple[bytes, bytes, bytes | None, bytes]  # queue, task, lock, arguments

_NO_JOBS: list[EncodedJob] = []


class Entry:
    """An append on its way: encoded, and with the future its caller waits for."""

    __slots__ = (
        "answer",
        "append",
        "deadline",
        "events",
        "jobs",
        "row",
        "size",
    )

    def __init__(self, append: Append) -> None:
        self.append = append
        self.row: EncodedAppend = (
            stream_bytes(append.stream),
            append.team,
            append.kind,
            -1 if append.expected is None else append.expected,
            append.attempt,
            append.seq,
            _key(append),
            append.request_hash,
            -1 if append.to_state is None else append.to_state,
            append.actor.encode(),
        )
        self.events, self.size = _encoded(append)
        self.jobs = [_encoded_job(job) for job in append.jobs] if append.jobs else _NO_JOBS
        self.deadline = 0.0  # set when the database is first found out of reach
        self.answer: asyncio.Future[Answer]


def appended(append: Append, answer: Answer) -> Appended:
    """What the caller gets.

    Raises:
        Conflict: One of its leaves, as the status says.
        NotFound: The stream is another team's.
    """
    if answer.status > DUPLICATE:
        raise _refusal(append, answer)
    stream = append.stream if answer.stream is None else StreamId(answer.stream)
    is_repeat = answer.status == DUPLICATE
    return Appended(stream, answer.version, answer.position, answer.time, is_repeat)


@lru_cache(maxsize=16_384)
def stream_bytes(stream: StreamId) -> bytes:
    """The id's 16 bytes.

    Raises:
        InvalidRequest: It is not a UUID in its usual spelling, so no channel of it would be found.
    """
    if _UUID.fullmatch(stream) is None:  # a fifth of the time that uuid.UUID takes
        raise InvalidRequest(f"{stream[:80]!r} is not the id of a stream")
    return bytes.fromhex(stream.replace("-", ""))


def _key(append: Append) -> bytes | None:
    """A key for all but an attempt's later appends, which are known by their numbers.

    So that an append whose answer was lost can be repeated without being done twice.
    """
    if append.key is not None:
        return append.key.bytes
    if append.attempt and append.seq:
        return None
    return uuid_utils.uuid7().bytes  # by time, so that the index grows at its end


def _encoded(append: Append) -> tuple[list[EncodedEvent], int]:
    """The events' halves, and the bytes in them."""
    events: list[EncodedEvent] = []
    size = 0
    for data in append.data:
        try:
            head, body = split(data)
        except UnicodeEncodeError:
            raise InvalidRequest(f"{data.TYPE} holds text that is not Unicode") from None
        if head:
            size += len(head)
        if body:
            if NEWLINE in body:  # white space of raw JSON; an event is one line
                body = body.replace(b"\n", b" ")
            size += len(body)
        is_delta, kind = _KINDS[type(data)]
        events.append((is_delta, kind, head, body))
    if not events:
        raise InvalidRequest(f"an append to {named(append)} holds no event")
    if size > MAX_APPEND_BYTES:
        raise LimitExceeded(
            f"an append to {named(append)} has {size} bytes; the limit is {MAX_APPEND_BYTES} bytes",
            field="data",  # too large for good, while a full queue is not
        )
    return events, size


def _encoded_job(job: Job) -> EncodedJob:
    lock = None if job.lock is None else job.lock.encode()
    return job.queue.encode(), job.task.encode(), lock, job.args


def named(append: Append) -> str:
    """The stream, as sentences name it."""
    return f"{NAMES.get(append.kind, 'stream')} {append.stream}"


def _refusal(append: Append, answer: Answer) -> FactoryError:
    name, attempt = named(append), append.attempt
    state = _STATES.get(append.kind, {}).get(append.to_state or 0, append.to_state)
    if answer.status == WRONG_VERSION and append.expected == 0:
        return WrongVersion(f"{name} exists already, at version {answer.version}")
    refusals: dict[int, FactoryError] = {
        WRONG_VERSION: WrongVersion(
            f"{name} is at version {answer.version}, not at {append.expected}"
        ),
        FENCED: Fenced(f"attempt {attempt} may not write to {name}: it is over, or superseded"),
        GAP: Gap(f"append {append.seq} of attempt {attempt} comes too early in {name}"),
        INVALID_TRANSITION: InvalidTransition(f"{name} cannot become {state} now"),
        WRONG_TEAM: NotFound(f"there is no {name}"),
        OTHER_REQUEST: AlreadyExists("the key was used before, for another request"),
    }
    return refusals[answer.status]
