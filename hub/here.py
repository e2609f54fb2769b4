"""What this hub answers of its own connections, and does with them, when any hub asks.

At once, and in the order of the one who asks; what takes time (coming in to a channel) is left to
`errands.py`, and the answer does not wait for it.
"""

import fnmatch
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import msgspec

from hub.errands import Errands
from hub.fanout import Fanout
from protocols import channels
from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.connection import Connection
from protocols.centrifugal.grants import Overrides
from protocols.centrifugal.routes import Sockets
from protocols.centrifugal.terms import Terms
from protocols.channels import StreamPosition
from protocols.namespaces import Namespaces
from protocols.operations.connections import ConnectionRow, HubCounts, Stay, Which
from protocols.principals import TeamId
from store.redis.control import MAX_BYTES
from store.redis.messages import Message

MAX_NAMED = 100  # channels of one connection
TOO_MUCH = b'"too much"'
DONE = b"null"


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


class SubscribeConnections(msgspec.Struct, tag=True):
    """Put connections of the team into a channel."""

    team: TeamId
    which: Which
    channel: str
    stay: Stay


class UnsubscribeConnections(msgspec.Struct, tag=True):
    """Take connections of the team out of a channel."""

    team: TeamId
    which: Which
    channel: str


class RefreshConnections(msgspec.Struct, tag=True):
    """Let connections of the team stay."""

    team: TeamId
    which: Which
    expires_at: float | None
    has_expired: bool


Question = (
    CountChannels
    | ListConnections
    | CountHub
    | CloseConnections
    | SubscribeConnections
    | UnsubscribeConnections
    | RefreshConnections
)

_QUESTION = msgspec.json.Decoder(Question)
_ENCODER = msgspec.json.Encoder()


class Here:
    """What this hub answers, of its own connections.

    Args:
        node: What it is called.
        sockets: Its connections.
        fanout: The channels they are in.
        counts: What there is here.
        errands: Sees to what takes time.
        namespaces: Of application channels.
    """

    def __init__(
        self,
        node: str,
        sockets: Sockets,
        fanout: Fanout,
        *,
        counts: Callable[[], HubCounts],
        errands: Errands,
        namespaces: Namespaces,
    ) -> None:
        self._node = node
        self._sockets = sockets
        self._fanout = fanout
        self._counts = counts
        self._errands = errands
        self._namespaces = namespaces

    def hear(self, message: Message) -> bytes | None:
        """Do what another hub asks; None: it is of a version that asks other things."""
        try:
            question = _QUESTION.decode(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        answer = self.answer(question)
        return answer if len(answer) <= MAX_BYTES else TOO_MUCH

    def answer(self, question: Question) -> bytes:
        """Do it, and say what there is to say."""
        match question:
            case CountChannels(team, pattern):
                return _ENCODER.encode(self._channels(team, pattern))
            case ListConnections(team, which):
                return _ENCODER.encode([self._row(one) for one in self._those(team, which)])
            case CountHub():
                return _ENCODER.encode(self._counts())
            case SubscribeConnections(team, which, channel, stay):
                return self._send(team, which, partial(self._join, channel, stay))
            case UnsubscribeConnections(team, which, channel):
                return self._send(team, which, partial(_leave, channel))
            case CloseConnections() | RefreshConnections():
                for one in self._those(question.team, question.which):
                    _end_or_renew(one, question)
                return DONE

    def _send(
        self, team: TeamId, which: Which, errand: Callable[[Connection], Awaitable[None]]
    ) -> bytes:
        """See to it for each of them, or for none where there is no room for all."""
        those = list(self._those(team, which))
        if not self._errands.has_room(len(those)):
            return TOO_MUCH
        for one in those:
            self._errands.put(one, partial(errand, one))
        return DONE

    async def _join(self, name: str, stay: Stay, connection: Connection) -> None:
        channel = channels.parse(name, self._namespaces)
        since = StreamPosition(*stay.since) if stay.since else None
        await connection.server_side.add(channel, _terms(stay), since=since)

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


def _end_or_renew(connection: Connection, question: CloseConnections | RefreshConnections) -> None:
    match question:
        case CloseConnections():
            if connection.client not in question.but:
                connection.close(Disconnect(question.code, question.reason))
        case RefreshConnections(has_expired=True):
            connection.close(codes.EXPIRED)
        case RefreshConnections():
            connection.renew(question.expires_at)


async def _leave(name: str, connection: Connection) -> None:
    await connection.server_side.remove(name)


def _terms(stay: Stay) -> Terms:
    return Terms(
        is_by_server=True,
        info=stay.info.encode(),
        data=stay.data.encode(),
        expires_in=None if stay.expires_at is None else stay.expires_at - time.time(),
        overrides=Overrides(**stay.overrides),
    )
