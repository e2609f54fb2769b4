"""What befalls the stage of the hub's fault rounds: one kind of trouble each.

Each takes something away at once, gives it back, and returns when it was back, on the monotonic
clock. How long it lasts is drawn between the bounds of `Lengths`.
"""

import random
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import anyio
import anyio.to_thread
import psutil

from tests.faults.one_way import Direction
from tests.faults.stage import HubProcess, Stage

OLDER_SECONDS = 1.5
EXIT_SECONDS = 30.0  # what the product promises of a stop


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How long things last, in seconds.

    Attributes:
        pause: Of a server or process that stands still, or is cut off.
        away: Of Postgres.
    """

    pause: tuple[float, float]
    away: float


LONG = Lengths(pause=(9.0, 11.0), away=30.0)
SHORT = Lengths(pause=(0.8, 1.6), away=1.5)

Trouble = Callable[[Stage, random.Random, Lengths], Awaitable[float]]


async def kill_every_hub(stage: Stage, dice: random.Random, _: Lengths) -> float:
    """As `kill -9` of the only one there is."""
    for hub in stage.hubs:
        await hub.kill()
    await anyio.sleep(dice.uniform(0, 1))
    async with anyio.create_task_group() as group:
        for hub in stage.hubs:
            group.start_soon(hub.start)
    return monotonic()


async def kill_one_hub(stage: Stage, dice: random.Random, _: Lengths) -> float:
    """The other one is there for its clients from the same moment on."""
    hub = dice.choice(stage.hubs)
    await hub.kill()
    back = monotonic()
    await anyio.sleep(dice.uniform(0.5, 3))
    await hub.start()
    return back


async def restart_hubs_one_by_one(stage: Stage, dice: random.Random, _: Lengths) -> float:
    """By SIGTERM, as an upgrade does."""
    for hub in dice.sample(stage.hubs, 2):
        began = monotonic()
        code = await hub.terminate()
        assert code == 0, f"{hub.name} ended with {code}"
        assert monotonic() - began <= EXIT_SECONDS, f"{hub.name} took {monotonic() - began:.0f} s"
        await hub.start()
    return monotonic()


async def stop_one_hub(stage: Stage, dice: random.Random, lengths: Lengths) -> float:
    """By SIGSTOP."""
    hub: HubProcess = dice.choice(stage.hubs)
    return await _stopped(stage.family(hub.pid), dice.uniform(*lengths.pause))


async def pause_redis(stage: Stage, dice: random.Random, lengths: Lengths) -> float:
    """By SIGSTOP."""
    return await _stopped(stage.family(stage.redis.pid), dice.uniform(*lengths.pause))


async def empty_redis(stage: Stage, dice: random.Random, _: Lengths) -> float:
    """Killed, and started again with nothing."""
    await stage.redis.kill()
    await anyio.sleep(dice.uniform(0, 0.5))
    await anyio.to_thread.run_sync(shutil.rmtree, stage.redis_data)
    await stage.redis.start()
    return monotonic()


async def fail_redis_over(stage: Stage, dice: random.Random, _: Lengths) -> float:
    """Killed, and started again from what it held a moment earlier, as a replica that lags."""
    older = stage.redis_data.with_name("older")
    await anyio.to_thread.run_sync(shutil.copytree, stage.redis_data, older)
    await anyio.sleep(dice.uniform(0.2, OLDER_SECONDS))
    await stage.redis.kill()
    await anyio.to_thread.run_sync(shutil.rmtree, stage.redis_data)
    older.rename(stage.redis_data)
    (stage.redis_data / "valkey.pid").unlink(missing_ok=True)
    await stage.redis.start()
    return monotonic()


async def cut_redis_one_way(stage: Stage, dice: random.Random, lengths: Lengths) -> float:
    """Hubs are not heard there, or hear nothing."""
    direction = dice.choice([Direction.THERE, Direction.BACK])
    with stage.way.held(direction):
        await anyio.sleep(dice.uniform(*lengths.pause))
    return monotonic()


async def restart_postgres(stage: Stage, _: random.Random, __: Lengths) -> float:
    """Stopped in order and started at once."""
    await stage.postgres.stop()
    await stage.postgres.start()
    return monotonic()


async def take_postgres_away(stage: Stage, _: random.Random, lengths: Lengths) -> float:
    """Killed, and started again after a while."""
    await stage.postgres.kill()
    await anyio.sleep(lengths.away)
    await stage.postgres.start()
    return monotonic()


async def stop_postgres(stage: Stage, dice: random.Random, lengths: Lengths) -> float:
    """By SIGSTOP."""
    return await _stopped(stage.family(stage.postgres.pid), dice.uniform(*lengths.pause))


TROUBLES: dict[str, Trouble] = {
    "hubs killed": kill_every_hub,
    "one hub killed": kill_one_hub,
    "hubs restarted one by one": restart_hubs_one_by_one,
    "one hub stopped": stop_one_hub,
    "Redis stopped": pause_redis,
    "Redis emptied": empty_redis,
    "Redis failed over": fail_redis_over,
    "Redis cut one way": cut_redis_one_way,
    "Postgres restarted": restart_postgres,
    "Postgres away": take_postgres_away,
    "Postgres stopped": stop_postgres,
}


async def _stopped(family: list[psutil.Process], seconds: float) -> float:
    _send(family, signal.SIGSTOP)
    try:
        await anyio.sleep(seconds)
    finally:
        _send(family, signal.SIGCONT)
    return monotonic()


def _send(family: list[psutil.Process], what: signal.Signals) -> None:
    for process in family:
        with suppress(psutil.Error):
            process.send_signal(what)
