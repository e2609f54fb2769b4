"""The parts that do the work, judged by what Postgres says of them: projections, queue, workers.

What cannot be known while Postgres does not say is unknown, not wrong. Nothing is asked here.
"""

from hub import cures
from protocols.operations.system import Part, PartState
from store.postgres import looks
from store.postgres.looks import Now
from store.projector import Lag

LATE_LAG_SECONDS = 2.0
MAX_LAG_SECONDS = 10.0
STALE_BEAT_SECONDS = 30.0
JOBS_A_WORKER = 200
UNKNOWN = "unknown: Postgres does not say"

State = PartState


def projections(lags: list[Lag] | None, seconds: float) -> Part:
    """Whether lists are up to date; told in so many seconds."""

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
        return part(State.UNKNOWN, UNKNOWN)
    parked = [one for one in lags if one.parked]
    if parked:
        streams = counted(parked[0].parked, "stream")
        left = f"{parked[0].name} goes on without {streams} it could not fold"
        return part(State.DOWN, left, cures.PARKED.format(name=parked[0].name))
    worst = max(lags, key=lambda one: one.seconds)
    if worst.seconds < LATE_LAG_SECONDS:
        return part(State.WELL, "at the log's head")
    behind = f"{worst.name} is {worst.seconds:.0f} s and {worst.events} events behind the log"
    state = State.DOWN if worst.seconds > MAX_LAG_SECONDS else State.LATE
    return part(state, behind, cures.SLOW_FOLD)


def queue(now: Now | None) -> Part:
    """How many jobs wait."""
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


def workers(now: Now | None) -> Part:
    """Whether somebody takes them."""
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


def scheduler(now: Now | None) -> Part:
    """Whether one leads."""
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


def counted(number: int, word: str) -> str:
    """The number and the word, in the plural where it is."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _unknown(name: str, title: str) -> Part:
    return Part(name=name, title=title, state=State.UNKNOWN, sentence=UNKNOWN)
