"""Connections on all hubs: what is asked of each, what each does, and what they say together.

A question goes to every hub that listens, this one among them, and is waited for ANSWER_SECONDS.
Each does what it is told at once, in the order of the one who tells it. A hub that hangs is an
error; one that has ended has no connections any more.
"""

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from hub.fanout import Fanout
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.connection import Connection
from protocols.centrifugal.routes import Sockets
from protocols.channels import Channel
from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from protocols.operations.connections import ConnectionRow, HubCounts, Which
from protocols.operations.presence import PresenceStats, Present
from protocols.principals import Principal, TeamId
from store.access import Operation, allow
from store.redis.control import MAX_BYTES
from store.redis.messages import Message
from store.redis.realtime import Realtime

KIND = "connections"
ANSWER_SECONDS = 3.0
MAX_PATTERN = 255
MAX_PRESENT = 10_000  # clients of one channel
MAX_NAMED = 100  # channels of one connection
CODES = range(3000, 5000)
MAX_REASON_BYTES = 123  # RFC 6455, 5.5.1

Answer = TypeVar("Answer")


class CountChannels(msgspec.Struct, tag=True):
    """How many subscribers the team's channels have here."""

    team: TeamId
    pattern: str


class ListConnections(msgspec.Struct, tag=True):
    """The team's connections here."""

    team: TeamId
    which: Which


class CountHub(msgspec.Struct, tag=True):
    """What there is here."""


class CloseConnections(msgspec.Struct, tag=True):
    """Close connections of the team."""

    team: TeamId
    which: Which
    code: int
    reason: str
    but: list[str]


Question = CountChannels | ListConnections | CountHub | CloseConnections

_QUESTION = msgspec.json.Decoder(Question)
_ENCODER = msgspec.json.Encoder()
_TOO_MUCH = b'"too much"'


class Here:
    """What this hub answers, of its own connections.

    Args:
        node: What it is called.
        sockets: Its connections.
        fanout: The channels they are in.
        counts: What there is here.
    """

    def __init__(
        self,
        node: str,
        sockets: Sockets,
        fanout: Fanout,
        *,
        counts: Callable[[], HubCounts],
    ) -> None:
        self._node = node
        self._sockets = sockets
        self._fanout = fanout
        self._counts = counts

    def hear(self, message: Message) -> bytes | None:
        """Do what another hub asks; None: it is of a version that asks other things."""
        try:
            question = _QUESTION.decode(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        answer = self.answer(question)
        return answer if len(answer) <= MAX_BYTES else _TOO_MUCH

    def answer(self, question: Question) -> bytes:
        """Do it, and say what there is to say."""
        match question:
            case CountChannels(team, pattern):
                return _ENCODER.encode(self._channels(team, pattern))
            case ListConnections(team, which):
                return _ENCODER.encode([self._row(one) for one in self._those(team, which)])
            case CountHub():
                return _ENCODER.encode(self._counts())
            case CloseConnections(team, which, code, reason, but):
                for one in self._those(team, which):
                    if one.client not in but:
                        one.close(Disconnect(code, reason))
                return b"null"

    def _channels(self, team: TeamId, pattern: str) -> dict[str, int]:
        matches = re.compile(fnmatch.translate(pattern or "*")).match
        return {
            one.name: len(one.subscribers)
            for one in self._fanout
            if one.team == team and one.subscribers and matches(one.name)
        }

    def _those(self, team: TeamId, which: Which) -> Iterator[Connection]:
        for one in self._sockets:
            who = one.visitor
            is_ours = who and who.principal.team == team and which.user in ("", who.user)
            is_one = which.client in ("", one.client)
            if is_ours and is_one and which.session in ("", one.arrival.session):
                yield one

    def _row(self, connection: Connection) -> ConnectionRow:
        names = sorted(connection.channels)
        visitor = connection.visitor
        return ConnectionRow(
            client=connection.client,
            user=visitor.user if visitor else "",
            hub=self._node,
            transport=connection.arrival.transport,
            protocol="protobuf" if connection.is_binary else "json",
            channels=names[:MAX_NAMED],
            subscriptions=len(names),
            seconds=connection.arrival.seconds,
        )


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
        allow(self._principal, Operation.CONNECTIONS_MANAGE)
        if which == Which():
            raise InvalidRequest("say whose connections: user, client or session", field="user")
        if code not in CODES:
            raise InvalidRequest(f"a code is from 3000 to 4999, not {code}", field="code")
        if len(reason.encode(errors="replace")) > MAX_REASON_BYTES:
            raise InvalidRequest(f"a reason has at most {MAX_REASON_BYTES} bytes", field="reason")
        team = self._principal.team
        await self._ask(CloseConnections(team, which, code, reason, list(but)), None)

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
        if _TOO_MUCH in answers:
            raise LimitExceeded("there are too many to tell at once; ask for fewer")
        return [msgspec.json.decode(one, type=kind) for one in answers] if kind else []
