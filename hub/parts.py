"""Every part the hub stands on, looked at now: how it does, how fast it answers, what mends it.

What cannot be known while Postgres is away is unknown, not wrong: one mistake is one finding. Who
may read it is decided by whoever asks; how it is asked, so that what hangs holds nothing up, stands
in questions.py.
"""

from dataclasses import dataclass
from time import monotonic

from hub import cures, working_parts
from hub.opened import Opened
from hub.questions import ANSWER_SECONDS, Asked, Question, ask
from hub.settings import HubSettings
from hub.version import VERSION
from hub.working_parts import UNKNOWN, counted
from protocols.errors import Unavailable
from protocols.operations.system import HubProcess, Part, PartState
from store.embedded.directory import fingerprint
from store.postgres import looks, measures
from store.postgres.looks import Now
from store.projector import Lag, lag

LOOK_SECONDS = 3.0  # for all of them
SLOW_COMMIT_SECONDS = 0.1
FULL_APPENDS = 1000
NO_FRAMES = "answers, and frames do not flow yet"

State = PartState


@dataclass(frozen=True, slots=True)
class Found:
    """The parts, and what they were judged by."""

    parts: list[Part]
    now: Now | None
    hubs: list[HubProcess]


async def look(opened: Opened, settings: HubSettings) -> Found:
    """All parts, within LOOK_SECONDS; who does not answer is not asked a second question."""
    began = monotonic()
    asked = await ask(  # before the rest, which would be in the way of a fair time
        seconds=ANSWER_SECONDS,
        ping=lambda: measures.ping(opened.store.log_pool),
        redis=lambda: _redis(opened),
    )
    asked |= await ask(
        seconds=LOOK_SECONDS - (monotonic() - began),
        **_of_postgres(opened, asked["ping"]),
        **_of_hubs(opened, asked["redis"]),
    )
    now, lags = asked.get("now", asked["ping"]).value, asked.get("lags", asked["ping"]).value
    now = now if isinstance(now, Now) else None
    hubs = asked.get("hubs", asked["redis"]).value
    rows: list[HubProcess] = hubs if isinstance(hubs, list) else [opened.sampler.row()]  # pyright: ignore[reportUnknownVariableType]  of hubs() alone
    behind: list[Lag] | None = lags if isinstance(lags, list) else None  # pyright: ignore[reportUnknownVariableType]  of lag() alone
    parts = [
        _hub(rows[0]),
        _postgres(asked["ping"], now, is_embedded=_is_ours(settings, settings.database_url)),
        _of_redis(asked["redis"], opened, is_embedded=_is_ours(settings, settings.redis_url)),
        _log(opened, now),
        working_parts.projections(behind, asked.get("lags", asked["ping"]).seconds),
        working_parts.queue(now),
        working_parts.workers(now),
        working_parts.scheduler(now),
        _sockets(opened),
    ]
    return Found(parts, now, rows)


def _of_postgres(opened: Opened, ping: Asked) -> dict[str, Question]:
    if ping.reason:
        return {}
    return {
        "now": lambda: looks.look(opened.store.log_pool),
        "lags": lambda: lag(opened.store),
    }


def _of_hubs(opened: Opened, redis: Asked) -> dict[str, Question]:
    is_away = bool(redis.reason) and redis.reason != NO_FRAMES
    return {} if is_away else {"hubs": opened.sampler.hubs}


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
    if now is None:
        return Part(
            name="postgres",
            title="Postgres",
            state=State.LATE,
            sentence="answers a ping, and no question within seconds",
            cure=cures.SLOW_POSTGRES,
            seconds=asked.value,
        )
    return Part(
        name="postgres",
        title="Postgres",
        state=State.WELL,
        sentence=f"answers; pgvector {now.vector}" if now.vector else "answers",
        seconds=asked.value,
        version=now.version,
        facts={"pgvector": now.vector} if now.vector else {},
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
        state, sentence = State.UNKNOWN, UNKNOWN
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


def _sockets(opened: Opened) -> Part:
    counters = opened.sockets.counters
    open_sockets, subscriptions = len(opened.sockets), opened.live.subscriptions
    return Part(
        name="sockets",
        title="Sockets",
        state=State.WELL,
        sentence=f"{open_sockets} open here, {counted(subscriptions, 'subscription')}",
        facts={
            "open": open_sockets,
            "subscriptions": subscriptions,
            "slow_closes": counters.slow_closes,
        },
    )
