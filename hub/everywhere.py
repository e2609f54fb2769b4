"""Connections on all hubs: what is asked of each, and what they say together.

A question goes to every hub that listens, this one among them, and is waited for ANSWER_SECONDS.
A hub that hangs is an error; one that has ended has no connections any more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from hub.here import (
    TOO_MUCH,
    CloseConnections,
    CountChannels,
    CountHub,
    Here,
    ListConnections,
    Question,
    RefreshConnections,
    SubscribeConnections,
    UnsubscribeConnections,
)
from protocols.channels import Channel
from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from protocols.operations.connections import ConnectionRow, HubCounts, Stay, Which
from protocols.operations.presence import PresenceStats, Present
from protocols.principals import Principal
from store.access import Operation, allow
from store.redis.realtime import Realtime

KIND = "connections"
ANSWER_SECONDS = 3.0
MAX_PATTERN = 255
MAX_PRESENT = 10_000  # clients of one channel
CODES = range(3000, 5000)
MAX_REASON_BYTES = 123  # RFC 6455, 5.5.1

Answer = TypeVar("Answer")

_ENCODER = msgspec.json.Encoder()


class TeamConnections:
    """The connections of one principal's team. Keeps the `Connections` promise."""

    def __init__(self, realtime: Realtime, here: Here, principal: Principal) -> None:
        self._control = realtime.control
        self._presence = realtime.presence
        self._here = here
        self._principal = principal

    async def channels(self, pattern: str) -> Mapping[str, int]:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        if len(pattern) > MAX_PATTERN:
            raise InvalidRequest(f"a pattern has at most {MAX_PATTERN} characters")
        found = Counter[str]()
        question = CountChannels(self._principal.team, pattern)
        for one in await self._ask(question, dict[str, int]):
            found.update(one)
        return dict(sorted(found.items()))

    async def present(self, channel: Channel) -> list[Present]:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        found: list[Present] = []
        cursor: str | None = None
        while len(found) < MAX_PRESENT:
            page = await self._presence.read(self._principal.team, str(channel), cursor=cursor)
            found += page.members
            cursor = page.cursor
            if cursor is None:
                return found
        raise LimitExceeded(f"more than {MAX_PRESENT} clients are there; they can be counted")

    async def count_present(self, channel: Channel) -> PresenceStats:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        return await self._presence.stats(self._principal.team, str(channel))

    async def find(self, which: Which) -> list[ConnectionRow]:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        question = ListConnections(self._principal.team, which)
        parts = await self._ask(question, list[ConnectionRow])
        return sorted((row for rows in parts for row in rows), key=lambda row: -row.seconds)

    async def hubs(self) -> list[HubCounts]:
        """See the promise."""
        allow(self._principal, Operation.SYSTEM_READ)
        return await self._ask(CountHub(), HubCounts)

    async def disconnect(self, which: Which, *, code: int, reason: str, but: Sequence[str]) -> None:
        """See the promise."""
        self._allow_change(which)
        if code not in CODES:
            raise InvalidRequest(f"a code is from 3000 to 4999, not {code}", field="code")
        if len(reason.encode(errors="replace")) > MAX_REASON_BYTES:
            raise InvalidRequest(f"a reason has at most {MAX_REASON_BYTES} bytes", field="reason")
        team = self._principal.team
        await self._ask(CloseConnections(team, which, code, reason, list(but)), None)

    async def subscribe(self, which: Which, channel: Channel, stay: Stay) -> None:
        """See the promise."""
        self._allow_change(which)
        question = SubscribeConnections(self._principal.team, which, str(channel), stay)
        await self._ask(question, None)

    async def unsubscribe(self, which: Which, channel: Channel) -> None:
        """See the promise."""
        self._allow_change(which)
        await self._ask(UnsubscribeConnections(self._principal.team, which, str(channel)), None)

    async def refresh(self, which: Which, *, expires_at: float | None, has_expired: bool) -> None:
        """See the promise."""
        self._allow_change(which)
        team = self._principal.team
        await self._ask(RefreshConnections(team, which, expires_at, has_expired), None)

    def _allow_change(self, which: Which) -> None:
        allow(self._principal, Operation.CONNECTIONS_MANAGE)
        if which == Which():
            raise InvalidRequest("say whose connections: user, client or session", field="user")

    async def _ask(self, question: Question, kind: type[Answer] | None) -> list[Answer]:
        """What each hub says, this one first.

        Raises:
            LimitExceeded: One has more to say than can be told at once.
            Unavailable: One that listens did not answer, or Redis did not.
        """
        own = self._here.answer(question)  # first: what is done here needs no Redis
        survey = await self._control.ask_all(
            KIND, _ENCODER.encode(question), within_seconds=ANSWER_SECONDS
        )
        if late := [*survey.silent, *survey.refused]:
            raise Unavailable(f"hub {late[0]} did not answer; the others have done it")
        answers = [own, *survey.answers.values()]
        if TOO_MUCH in answers:
            raise LimitExceeded("there are too many to tell at once; ask for fewer")
        return [msgspec.json.decode(one, type=kind) for one in answers] if kind else []
