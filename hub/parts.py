"""Every part the hub stands on, looked at now: how it does, how fast it answers, what mends it.

All are asked at once, each with a limit, so that what hangs holds nothing up. What cannot be known
while Postgres is away is unknown, not wrong: one mistake is one finding. Who may read it is decided
by whoever asks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import anyio

from hub import cures
from hub.opened import Opened
from hub.settings import HubSettings
from hub.version import VERSION
from protocols.errors import FactoryError, Unavailable
from protocols.operations.system import HubProcess, Part, PartState
from store.embedded.directory import fingerprint
from store.postgres import looks, measures
from store.postgres.looks import Now
from store.projector import Lag, lag

PART_SECONDS = 2.0  # then a part counts as out of reach
LATE_LAG_SECONDS = 2.0
MAX_LAG_SECONDS = 10.0
STALE_BEAT_SECONDS = 30.0
JOBS_A_WORKER = 200
SLOW_COMMIT_SECONDS = 0.1
FULL_APPENDS = 1000
NO_FRAMES = "answers, and frames do not flow yet"
SILENT = "does not answer within {seconds:.0f} s"

State = PartState


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, or why there is none, and how long that took."""

    value: object
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The parts, and what they were judged by."""

    parts: list[Part]
    now: Now | None
    hubs: list[HubProcess]


async def look(opened: Opened, settings: HubSettings) -> Found:
    """All parts, within twice PART_SECONDS."""
    asked = await _ask_all(  # before the rest, which would be in the way of a fair time
        ping=lambda: measures.ping(opened.store.log_pool),
        redis=lambda: _redis(opened),
    )
    asked |= await _ask_all(
        now=lambda: looks.look(opened.store.log_pool),
        lags=lambda: lag(opened.store),
        hubs=opened.sampler.hubs,
    )
    now, lags = asked["now"].value, asked["lags"].value
    now = now if isinstance(now, Now) else None
    hubs = asked["hubs"].value
    rows: list[HubProcess] = hubs if isinstance(hubs, list) else [opened.sampler.row()]  # pyright: ignore[reportUnknownVariableType]  of hubs() alone
    behind: list[Lag] | None = lags if isinstance(lags, list) else None  # pyright: ignore[reportUnknownVariableType]  of lag() alone
    parts = [
        _hub(rows[0]),
        _postgres(asked["ping"], now, is_embedded=_is_ours(settings, settings.database_url)),
        _of_redis(asked["redis"], opened, is_embedded=_is_ours(settings, settings.redis_url)),
        _log(opened, now),
        _projections(behind, asked["lags"].seconds),
        _queue(now),
        _workers(now),
        _scheduler(now),
        _sockets(opened),
    ]
    return Found(parts, now, rows)


async def _ask_all(**asks: Callable[[], Awaitable[object]]) -> dict[str, Asked]:
    found: dict[str, Asked] = {}

    async def ask(name: str) -> None:
        began = monotonic()
        try:
            with anyio.fail_after(PART_SECONDS):
                value = await asks[name]()
            found[name] = Asked(value, monotonic() - began)
        except FactoryError as error:
            reason = error.message.removesuffix("; try again")
            found[name] = Asked(None, monotonic() - began, reason)
        except TimeoutError:
            found[name] = Asked(None, PART_SECONDS, SILENT.format(seconds=PART_SECONDS))

    async with anyio.create_task_group() as group:
        for name in asks:
            group.start_soon(ask, name)
    return found


def _is_ours(settings: HubSettings, url: str | None) -> bool:
    """Whether `pygent up` has started that server: its socket's folder is named after our data."""
    return url is not None and f"pygent-{fingerprint(settings.data_dir)}-" in url


async def _redis(opened: Opened) -> tuple[float, str]:
    seconds = await opened.store.broker.ping()
    if not opened.live.hears_redis:
        raise Unavailable(NO_FRAMES)
    return seconds, await opened.store.broker.server()


def _hub(row: HubProcess) -> Part:
    state = State.LATE if row.is_draining else State.WELL
    return Part(
        name="hub",
        title="Hub",
        state=state,
        sentence="is about to stop" if row.is_draining else "answers",
        version=VERSION,
        facts={"connections": row.connections, "memory_bytes": row.memory_bytes},
    )


def _postgres(asked: Asked, now: Now | None, *, is_embedded: bool) -> Part:
    if asked.reason or not isinstance(asked.value, float):
        cure = cures.embedded_away("Postgres") if is_embedded else cures.away(cures.POSTGRES_URL)
        return Part(
            name="postgres",
            title="Postgres",
            state=State.DOWN,
            sentence="does not answer: nothing can be written or read until it does",
            cure=cure,
        )
    return Part(
        name="postgres",
        title="Postgres",
        state=State.WELL,
        sentence=f"answers; pgvector {now.vector}" if now and now.vector else "answers",
        seconds=asked.value,
        version=now.version if now else None,
        facts={"pgvector": now.vector} if now and now.vector else {},
    )


def _of_redis(asked: Asked, opened: Opened, *, is_embedded: bool) -> Part:
    match asked.value:
        case (float(seconds), str(server)):
            title, _, version = server.partition(" ")
            return Part(
                name="redis",
                title=title,
                state=State.WELL,
                sentence="answers, frames flow",
                seconds=seconds,
                version=version,
            )
        case _:
            cure = cures.embedded_away("Valkey") if is_embedded else cures.away(cures.REDIS_URL)
            seen = asked.reason if asked.reason == NO_FRAMES else "does not answer"
            return Part(
                name="redis",
                title="Valkey" if is_embedded else "Redis",
                state=State.DOWN,
                sentence=f"{seen}: watchers of tasks read the log instead, up to 2 s late, and"
                " lists stand still",
                cure=cure,
                facts={"frames_lost": opened.store.broker.counters.frames_lost},
            )


def _log(opened: Opened, now: Now | None) -> Part:
    counters = opened.store.log.counters
    state, sentence, cure = State.WELL, "takes appends", None
    if now is None:
        state, sentence = State.UNKNOWN, "unknown while Postgres is away"
    elif counters.waiting >= FULL_APPENDS:
        state, sentence, cure = State.LATE, f"{counters.waiting} appends wait here", cures.FULL_LOG
    elif counters.last_commit_seconds > SLOW_COMMIT_SECONDS:
        shown = f"{counters.last_commit_seconds * 1000:.0f} ms"
        state, sentence, cure = State.LATE, f"the last commit took {shown}", cures.SLOW_COMMIT
    return Part(
        name="log",
        title="Event log",
        state=state,
        sentence=sentence,
        cure=cure,
        seconds=counters.last_commit_seconds or None,
        facts={
            "waiting": counters.waiting,
            "epoch": opened.store.log.epoch,
            **({"position": now.position} if now else {}),
        },
    )


def _projections(lags: list[Lag] | None, seconds: float) -> Part:
    def part(state: State, sentence: str, cure: str | None = None) -> Part:
        return Part(
            name="projections",
            title="Projections",
            state=state,
            sentence=sentence,
            cure=cure,
            seconds=None if lags is None else seconds,
            facts={
                "behind_seconds": round(max((one.seconds for one in lags or ()), default=0.0), 3),
                "behind_events": max((one.events for one in lags or ()), default=0),
                "parked": sum(one.parked for one in lags or ()),
            },
        )

    if lags is None:
        return part(State.UNKNOWN, "unknown while Postgres is away")
    parked = [one for one in lags if one.parked]
    if parked:
        streams = _counted(parked[0].parked, "stream")
        left = f"{parked[0].name} goes on without {streams} it could not fold"
        return part(State.DOWN, left, cures.PARKED.format(name=parked[0].name))
    worst = max(lags, key=lambda one: one.seconds)
    if worst.seconds < LATE_LAG_SECONDS:
        return part(State.WELL, "at the log's head")
    behind = f"{worst.name} is {worst.seconds:.0f} s and {worst.events} events behind the log"
    state = State.DOWN if worst.seconds > MAX_LAG_SECONDS else State.LATE
    return part(state, behind, cures.SLOW_FOLD)


def _queue(now: Now | None) -> Part:
    if now is None:
        return _unknown("queue", "Queue")
    waiting = sum(one.waiting for one in now.queues)
    running = sum(one.running for one in now.queues)
    is_long = waiting > JOBS_A_WORKER * max(len(_alive(now)), 1)
    return Part(
        name="queue",
        title="Queue",
        state=State.LATE if is_long else State.WELL,
        sentence=f"{waiting} waiting, {running} running",
        cure=cures.MANY_JOBS if is_long else None,
        facts={"todo": waiting, "doing": running, "workers": len(_alive(now))},
    )


def _workers(now: Now | None) -> Part:
    if now is None:
        return _unknown("workers", "Workers")
    alive = _alive(now)
    stale = len(now.workers) - len(alive)
    facts: dict[str, float | int | str] = {"alive": len(alive), "stale": stale}
    if not alive:
        return Part(
            name="workers",
            title="Workers",
            state=State.DOWN,
            sentence="none has given a sign of life for 30 s: tasks wait, and none is lost",
            cure=cures.NO_WORKER,
            facts=facts,
        )
    return Part(
        name="workers",
        title="Workers",
        state=State.LATE if stale else State.WELL,
        sentence=f"{len(alive)} at work" + (f", {stale} without a sign of life" if stale else ""),
        cure=cures.STALE_WORKER if stale else None,
        facts=facts,
    )


def _alive(now: Now) -> list[looks.Beat]:
    return [worker for worker in now.workers if worker.seconds < STALE_BEAT_SECONDS]


def _scheduler(now: Now | None) -> Part:
    if now is None:
        return _unknown("scheduler", "Scheduler")
    if now.leads:
        return Part(name="scheduler", title="Scheduler", state=State.WELL, sentence="one leads")
    return Part(
        name="scheduler",
        title="Scheduler",
        state=State.DOWN,
        sentence="none leads: lists stand still, and tasks of dead workers wait",
        cure=cures.NO_SCHEDULER,
    )


def _sockets(opened: Opened) -> Part:
    counters = opened.sockets.counters
    open_sockets, subscriptions = len(opened.sockets), opened.live.subscriptions
    return Part(
        name="sockets",
        title="Sockets",
        state=State.WELL,
        sentence=f"{open_sockets} open here, {_counted(subscriptions, 'subscription')}",
        facts={
            "open": open_sockets,
            "subscriptions": subscriptions,
            "slow_closes": counters.slow_closes,
        },
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _unknown(name: str, title: str) -> Part:
    sentence = "unknown while Postgres is away"
    return Part(name=name, title=title, state=State.UNKNOWN, sentence=sentence)
