"""The pen of one attempt: appends its events in order, under its number, exactly once.

Text is coalesced on the way (`pace.py`) and goes out before any other event. What may wait for the
next append is `held`, so that a step's end and what follows it are one append. A database out of
reach makes the attempt wait, never fail. When the log shows events of others, `on_foreign` is told.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import anyio

from agents.recording.pace import Pace
from protocols.errors import FactoryError, LimitExceeded, Unavailable
from protocols.events import AnyData, MessageDelta, ReasoningDelta, StreamId
from protocols.principals import Actor, TeamId
from store.postgres.log.event_log import TASK, Append, Appended, EventLog, Job

logger = logging.getLogger(__name__)

WAITING_CHARACTERS = 256 * 1024  # of text not appended yet; then the model is made to wait
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which attempt writes, and where."""

    task: StreamId
    team: TeamId
    actor: Actor
    attempt: int


class Recorder:
    """Appends what one attempt does."""

    def __init__(
        self,
        log: EventLog,
        claim: Claim,
        *,
        version: int,
        seq: int = 0,
        on_foreign: Callable[[], None] = lambda: None,
    ) -> None:
        self.claim = claim
        self.version = version  # of the last event we know of
        self.seq = seq  # of the last append
        self._log = log
        self._on_foreign = on_foreign
        self._order = anyio.Lock()
        self._pace = Pace()
        self._text: list[AnyData] = []
        self._characters = 0
        self._held: list[AnyData] = []
        self._unsettled: Append | None = None  # sent, and its outcome not known
        self._written = anyio.Event()
        self._flushed = anyio.Event()

    async def record(
        self, *data: AnyData, to_state: int | None = None, jobs: tuple[Job, ...] = ()
    ) -> None:
        """The events are in the log, after all that was written and held before them.

        Raises:
            Fenced: A newer attempt holds the task, or it is over; stop.
            Gap: As Fenced.
            InvalidRequest: The log cannot hold this; nothing of it is written.
            LimitExceeded: It is too large; nothing of it is written.
        """
        async with self._order:
            await self._append(data, to_state=to_state, jobs=jobs)

    def hold(self, *data: AnyData) -> None:
        """The events go out with the next append, which must not be far."""
        self._held += self._taken()
        self._held += data

    async def write(self, data: AnyData) -> None:
        """Text, or the start of a message: in the log within the pace's interval.

        Waits while too much waits for a slow database.
        """
        while self._characters > WAITING_CHARACTERS:
            self._flushed = anyio.Event()
            await self._flushed.wait()
        if isinstance(data, MessageDelta | ReasoningDelta):
            self._characters += len(data.text)
        else:
            self._pace.restart()
        self._text.append(data)
        self._written.set()

    async def run(self) -> None:
        """Brings written text to the log, until cancelled.

        Raises:
            Fenced: As `record`.
            Gap: As `record`.
        """
        while True:
            await self._written.wait()
            self._written = anyio.Event()
            await anyio.sleep_until(self._pace.due)
            async with self._order:
                if self._text:
                    began = anyio.current_time()
                    await self._append(())
                    self._pace.committed(began=began, ended=anyio.current_time())

    async def _append(
        self,
        data: tuple[AnyData, ...],
        *,
        to_state: int | None = None,
        jobs: tuple[Job, ...] = (),
    ) -> None:
        """One append of everything; called with the order in hand."""
        if self._unsettled is not None:
            await self._settle(self._unsettled)
        everything = (*self._held, *self._taken(), *data)
        self._held.clear()
        if not everything:
            return
        await self._settle(
            Append(
                stream=self.claim.task,
                team=self.claim.team,
                kind=TASK,
                actor=self.claim.actor,
                data=everything,
                attempt=self.claim.attempt,
                seq=self.seq + 1,
                to_state=to_state,
                jobs=jobs,
            ),
        )

    def _taken(self) -> list[AnyData]:
        taken, self._text, self._characters = joined(self._text), [], 0
        self._flushed.set()
        return taken

    async def _settle(self, append: Append) -> None:
        """Sends the append until it has an answer; repeating it is harmless, by its number.

        What is refused for good leaves its number to the next append.
        """
        self._unsettled = append
        while True:
            # Not to be cancelled in the middle: an append whose number is used up and whose fate is
            # unknown must be asked about before the next one.
            with anyio.CancelScope(shield=True):
                try:
                    appended = await self._log.append(append)
                except FactoryError as error:
                    if not _is_passing(error):
                        self._unsettled = None
                        raise
                    logger.warning(
                        "An attempt waits for the log",
                        extra={"task": self.claim.task, "reason": error.code},
                    )
                else:
                    self._settled(append, appended)
                    return
            await anyio.sleep(RETRY_SECONDS)

    def _settled(self, append: Append, appended: Appended) -> None:
        self._unsettled = None
        self.seq = append.seq
        before, self.version = self.version, appended.version
        if appended.version - len(append.data) != before:
            self._on_foreign()


def _is_passing(error: FactoryError) -> bool:
    """Whether the log is out of reach or full; it also refuses what is too large, which stays."""
    return isinstance(error, Unavailable) or (
        isinstance(error, LimitExceeded) and error.field is None
    )


def joined(data: list[AnyData]) -> list[AnyData]:
    """Neighbouring deltas of one message as one."""
    made: list[AnyData] = []
    for neighbours in groupby(data, key=_delta_of):
        kind, message = neighbours[0]
        run = list(neighbours[1])
        if kind is None:
            made += run
        else:
            deltas = [one for one in run if isinstance(one, kind)]
            made.append(kind(message=message, text="".join(delta.text for delta in deltas)))
    return made


def _delta_of(data: AnyData) -> tuple[type[MessageDelta | ReasoningDelta] | None, str]:
    """What neighbours share that can be one; None for what stands alone."""
    if isinstance(data, MessageDelta | ReasoningDelta):
        return type(data), data.message
    return None, ""
