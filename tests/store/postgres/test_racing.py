"""Several writers at once: nobody overwrites anybody, and a follower misses nothing."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import anyio
from psycopg import AsyncConnection

from protocols.errors import Fenced, Gap, WrongVersion
from protocols.events import StreamId
from protocols.principals import TeamId
from store.postgres.log.event_log import Append, Appended, EventLog
from tests.store.postgres.streams import (
    DELTA,
    NOTE,
    START,
    STEP,
    append,
    assert_dense,
    counted,
    new_stream,
    opened_log,
    together,
)

WRITERS = 4
ROUNDS = 60
SHARED = TeamId(9)
Place = tuple[StreamId, int]


@dataclass
class Racer:
    """One writer: races the others for shared streams, and writes to its own undisturbed."""

    log: EventLog
    team: TeamId
    shared: Sequence[StreamId]
    chance: random.Random
    accepted: list[tuple[Append, Appended]] = field(default_factory=list[tuple[Append, Appended]])
    version: dict[StreamId, int] = field(default_factory=dict[StreamId, int])
    attempt: dict[StreamId, tuple[int, int]] = field(
        default_factory=dict[StreamId, tuple[int, int]]
    )

    async def run(self) -> None:
        own = [new_stream() for _ in range(8)]
        await self._all([append(s, expected=0, team=self.team) for s in own])
        await self._all([append(s, START, attempt=1, team=self.team) for s in own])
        for number in range(1, ROUNDS + 1):
            mine = [append(s, DELTA, attempt=1, seq=number, team=self.team) for s in own]
            await self._all([*map(self._grab, self.shared), *mine])
        mine = [one for one, _ in self.accepted if one.team == self.team]
        assert len(mine) == len(own) * (ROUNDS + 2)

    def _grab(self, stream: StreamId) -> Append:
        attempt, seq = self.attempt.get(stream, (1, 0))
        match self.chance.choice(["decide", "decide", "take over", "go on"]):
            case "decide":
                notes = [NOTE] * self.chance.randint(1, 3)
                version = self.version.get(stream, 1)
                return append(stream, *notes, expected=version, team=SHARED)
            case "take over":
                return append(stream, START, attempt=attempt + 1, team=SHARED)
            case _:
                return append(stream, DELTA, STEP, attempt=attempt, seq=seq + 1, team=SHARED)

    async def _all(self, appends: Sequence[Append]) -> None:
        for one, answer in zip(appends, await together(self.log, appends), strict=True):
            stream, attempt = one.stream, self.attempt.get(one.stream, (1, 0))
            if isinstance(answer, Appended):
                self.accepted.append((one, answer))
                self.version[stream] = answer.version
                if one.attempt:
                    self.attempt[stream] = (one.attempt, one.seq)
                continue
            assert one.team == SHARED
            assert isinstance(answer, Fenced | Gap | WrongVersion)
            head = await self.log.head(stream)
            assert head is not None
            self.version[stream] = head.version
            self.attempt[stream] = (max(head.attempt, 1), head.seq if head.attempt else attempt[1])

    def kept(self) -> set[Place]:
        return {
            (one.stream, answer.version - len(one.data) + number)
            for one, answer in self.accepted
            for number, data in enumerate(one.data, 1)
            if not data.DELTA
        }


async def test_racing_writers_leave_dense_streams_and_a_follower_misses_none(
    database: str,
) -> None:
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(opened_log(database)) for _ in range(WRITERS)]
        shared = [new_stream() for _ in range(4)]
        await together(logs[0], [append(stream, expected=0, team=SHARED) for stream in shared])
        racers = [
            Racer(log, TeamId(number), shared, random.Random(number))
            for number, log in enumerate(logs, 1)
        ]
        followed: list[Place] = []
        is_over = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_follow, logs[0], followed, is_over)
            async with anyio.create_task_group() as race:
                for racer in racers:
                    race.start_soon(racer.run)
            is_over.set()

        connection: AsyncConnection[Any] = await AsyncConnection.connect(database)
        async with connection:
            await assert_dense(connection)
            events, heads, *_ = await counted(connection)
        accepted = [one for racer in racers for one, _ in racer.accepted]
        assert events == len(shared) + sum(len(one.data) for one in accepted)
        assert heads == len(shared) + WRITERS * 8
        assert len(followed) == len(set(followed))
        kept = {(stream, 1) for stream in shared}.union(*[racer.kept() for racer in racers])
        assert set(followed) == kept
        raced = [one for one in accepted if one.team == SHARED]
        assert len(raced) < WRITERS * ROUNDS * len(shared)  # some lost


async def _follow(log: EventLog, followed: list[Place], is_over: anyio.Event) -> None:
    position = 0
    while True:
        was_over = is_over.is_set()
        page = await log.follow(after=position, limit=50)
        followed += [(event.stream, event.version) for event in page]
        if page:
            assert page[0].position > position
            position = page[-1].position
        elif was_over:
            return
        else:
            await anyio.sleep(0.001)
