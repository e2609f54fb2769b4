"""What this hub did in its last fifteen minutes, a sample a second; and its row on the roll.

Bounded: a sample is a few numbers, the oldest gives way. The database is asked every five seconds
and never waited for, so that a sample is there each second, whatever is away.
"""

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio
import psutil

from hub.delays import quantile
from hub.live import Live
from hub.version import VERSION
from protocols.centrifugal.routes import Sockets
from protocols.errors import FactoryError
from protocols.operations.connections import HubCounts
from protocols.operations.system import HubProcess, Samples
from store.connect import Store
from store.postgres import looks

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 1.0
KEPT = 900
LOOK_SECONDS = 5.0
ANSWER_SECONDS = 2.0
LATELY = 15  # samples
GONE_SECONDS = 15.0  # a row that old is of a process that died
STRUCK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One second."""

    number: int
    time: int
    p50: float | None
    p99: float | None
    deliveries: int
    connections: int
    waiting: int | None
    running: int | None


class Sampler:
    """Keeps the samples of this process; `run` takes them.

    Attributes:
        id: The node that this process is.
        name: Host and process id.
    """

    def __init__(
        self,
        store: Store,
        live: Live,
        sockets: Sockets,
        *,
        node: str,
        is_draining: Callable[[], bool],
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.id = node
        self._store = store
        self._live = live
        self._sockets = sockets
        self._is_draining = is_draining
        self._started_at = datetime.now(UTC)
        self._process = psutil.Process()
        self._kept: deque[Sample] = deque(maxlen=KEPT)
        self._lately: deque[list[float]] = deque(maxlen=LATELY)
        self._jobs: tuple[int, int] | None = None
        self._delivered = 0

    async def run(self) -> None:
        """Take samples, look and tell, until cancelled."""
        self._process.cpu_percent()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._take_samples)
                group.start_soon(self._look_again)
        finally:
            await self._leave()

    def samples(self, *, after: int) -> Samples:
        """Those from number `after` on."""
        kept = [sample for sample in self._kept if sample.number >= after]
        return Samples(
            hub=self.id,
            next=self._kept[-1].number + 1 if self._kept else 0,
            times=[one.time for one in kept],
            p50=[one.p50 for one in kept],
            p99=[one.p99 for one in kept],
            deliveries=[one.deliveries for one in kept],
            connections=[one.connections for one in kept],
            waiting=[one.waiting for one in kept],
            running=[one.running for one in kept],
        )

    def row(self) -> HubProcess:
        """This process, now."""
        recent = list(self._kept)[-LATELY:]
        found = sorted(delay for found in self._lately for delay in found)
        watched = [one for one in self._live.fanout if one.subscribers]
        with self._process.oneshot():
            cpu, memory = self._process.cpu_percent() / 100, self._process.memory_info().rss
        return HubProcess(
            id=self.id,
            name=self.name,
            version=VERSION,
            started_at=self._started_at,
            seen_at=self._now(),
            is_draining=self._is_draining(),
            connections=len(self._sockets),
            subscriptions=sum(len(one.subscribers) for one in watched),
            channels=len(watched),
            deliveries=sum(one.deliveries for one in recent) / max(len(recent), 1),
            p99_seconds=quantile(found, 0.99),
            cpu=cpu,
            memory_bytes=memory,
        )

    def counts(self) -> HubCounts:
        """What there is here, now."""
        watched = [one for one in self._live.fanout if one.subscribers]
        known = [one.visitor for one in self._sockets if one.visitor]
        return HubCounts(
            uid=self.id,
            name=self.name,
            version=VERSION,
            num_clients=len(self._sockets),
            num_users=len({(one.principal.team, one.user) for one in known}),
            num_channels=len(watched),
            num_subs=sum(len(one.subscribers) for one in watched),
            uptime=round((datetime.now(UTC) - self._started_at).total_seconds()),
        )

    async def hubs(self) -> list[HubProcess]:
        """Every hub that has told of itself lately; this one as it is now.

        Raises:
            Unavailable: Redis is out of reach.
        """
        rows = await self._store.broker.roll.rows()
        told = {name: _read(row) for name, row in rows.items() if name != self.id}
        now = self._now()
        gone = now - timedelta(seconds=STRUCK_SECONDS)
        await self._store.broker.roll.strike(
            *[name for name, row in told.items() if row is None or row.seen_at < gone]
        )
        alive = now - timedelta(seconds=GONE_SECONDS)
        others = [row for row in told.values() if row is not None and row.seen_at >= alive]
        return [self.row(), *sorted(others, key=lambda row: row.name)]

    def _now(self) -> datetime:
        """By the log's clock, which all hubs share."""
        return datetime.now(UTC) + timedelta(seconds=self._live.fanout.delays.ahead)

    async def _take_samples(self) -> None:
        due = anyio.current_time()
        number = 0
        self._delivered = self._live.fanout.counters.deliveries
        while True:
            due = max(due + PERIOD_SECONDS, anyio.current_time())  # what was slept over is left out
            await anyio.sleep_until(due)
            self._take(number)
            number += 1

    def _take(self, number: int) -> None:
        delays = self._live.fanout.delays.take()
        before, self._delivered = self._delivered, self._live.fanout.counters.deliveries
        waiting, running = self._jobs or (None, None)
        self._lately.append(delays)
        self._kept.append(
            Sample(
                number=number,
                time=round(time.time()),
                p50=_rounded(quantile(delays, 0.5)),
                p99=_rounded(quantile(delays, 0.99)),
                deliveries=self._delivered - before,
                connections=len(self._sockets),
                waiting=waiting,
                running=running,
            )
        )

    async def _look_again(self) -> None:
        while True:
            try:
                with anyio.fail_after(ANSWER_SECONDS):
                    self._jobs = await looks.jobs(self._store.log_pool)
                    ahead = await looks.clock_ahead(self._store.log_pool)
                    self._live.fanout.delays.ahead = ahead
            except (FactoryError, TimeoutError):
                self._jobs = None
            try:
                with anyio.fail_after(ANSWER_SECONDS):
                    row = self.row().model_dump_json().encode()
                    await self._store.broker.roll.say(self.id, row)
            except (FactoryError, TimeoutError) as error:
                logger.debug("the roll was not told", extra={"reason": str(error)})
            await anyio.sleep(LOOK_SECONDS)

    async def _leave(self) -> None:
        with anyio.move_on_after(1.0, shield=True):
            try:
                await self._store.broker.roll.strike(self.id)
            except FactoryError as error:
                logger.debug("the roll was not told", extra={"reason": error.code})


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 5)


def _read(row: bytes) -> HubProcess | None:
    """None: of a version that says other things."""
    try:
        return HubProcess.model_validate_json(row)
    except ValueError:
        return None
