"""The steady writer of the hub's fault rounds: log channels and application channels, numbered.

It goes on whatever happens: what was not acknowledged is not repeated, the next number is tried.
At the end it says what is kept. See `hub_judge.py` for the lines it writes down.
"""

import json
import uuid
from time import monotonic
from typing import IO

import anyio

from protocols.errors import FactoryError
from protocols.events import MessageDelta, StreamId
from protocols.principals import system
from store.connect import Store
from store.postgres.log.event_log import TASK, Append
from store.redis.publications import NewPublication, PublishOptions
from store.redis.realtime import Realtime

KEPT = PublishOptions(history_size=10_000, history_seconds=3600)
STAYS = "what stays as it is, so that what changed is short " * 3
PATIENCE_SECONDS = 60.0


class Writer:
    """Writes to each of its channels until it is cancelled.

    Attributes:
        channels: Their names.
    """

    def __init__(
        self,
        store: Store,
        realtime: Realtime,
        record: IO[str],
        *,
        logged: int,
        published: int,
        seconds: float,
    ) -> None:
        self.logged = [f"task:{uuid.uuid4()}" for _ in range(logged)]
        self.published = [f"news:{number}" for number in range(published)]
        self._store = store
        self._realtime = realtime
        self._record = record
        self._seconds = seconds

    async def begin(self) -> None:
        """One event or publication in each channel: they exist."""
        for channel in self.logged:
            await self._append(channel, 1)
        for channel in self.published:
            await self._publish(channel, 1)

    async def write(self) -> None:
        """To all of them, until cancelled."""
        async with anyio.create_task_group() as group:
            for place, channel in enumerate([*self.logged, *self.published]):
                group.start_soon(self._go_on, channel, place)

    async def conclude(self) -> None:
        """Write down what there is at the end."""
        epoch = self._store.log.epoch
        for channel in self.logged:
            after = 0
            while events := await self._store.log.read(StreamId(channel[5:]), after=after):
                for event in events:
                    number = int(json.loads(bytes(event.data))["text"].split()[0])
                    self.note("kept", channel, epoch, event.version, number)
                after = events[-1].version
            self.note("top", channel, epoch, after)
        for channel in self.published:
            page = await self._realtime.application.read(
                system().team, channel, since=None, limit=10_000
            )
            for one in page.publications:
                number = json.loads(one.data)["n"]
                self.note("kept", channel, page.position.epoch, one.offset, number)
            self.note("top", channel, page.position.epoch, page.position.offset)

    def note(self, kind: str, *words: object) -> None:
        self._record.write(json.dumps([kind, *words]) + "\n")

    async def _go_on(self, channel: str, place: int) -> None:
        number = 1
        await anyio.sleep(self._seconds * (place % 16) / 16)
        while True:
            number += 1
            try:
                with anyio.move_on_after(PATIENCE_SECONDS):
                    await self._write(channel, number)
            except FactoryError:
                await anyio.sleep(self._seconds)
            await anyio.sleep(self._seconds)

    async def _write(self, channel: str, number: int) -> None:
        if channel.startswith("task:"):
            await self._append(channel, number)
        else:
            await self._publish(channel, number)

    async def _append(self, channel: str, number: int) -> None:
        appended = await self._store.log.append(
            Append(
                stream=StreamId(channel.removeprefix("task:")),
                team=system().team,
                kind=TASK,
                actor=system().actor,
                data=(MessageDelta(message="m", text=f"{number} word"),),
                to_state=1 if number == 1 else None,
            )
        )
        self.note("wrote", channel, self._store.log.epoch, appended.version, number, _now())

    async def _publish(self, channel: str, number: int) -> None:
        data = {"n": number, "stays": STAYS}
        publication = NewPublication(data=json.dumps(data).encode())
        done = await self._realtime.application.publish(system().team, channel, publication, KEPT)
        position = done.position
        self.note("wrote", channel, position.epoch, position.offset, number, _now())


def _now() -> float:
    return round(monotonic(), 3)
