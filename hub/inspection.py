"""What this hub tells whoever looks at it: its connections and channels of one team, bounded.

A question is answered at once, from what is in memory: nothing is waited for. What several hubs
say is put together in `hub/team_hubs.py`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
from pydantic import BaseModel

from hub.live import Live
from hub.looks import (
    Clients,
    CloseThose,
    Count,
    CountNow,
    FindChannels,
    FindClients,
    FindSubscribers,
    OpenChannels,
    Question,
)
from hub.subscriber import Subscriber, Watched
from hub.tallies import Tally, namespace_of
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.connection import Connection
from protocols.centrifugal.membership import Membership
from protocols.centrifugal.outbox import LOW_BYTES
from protocols.centrifugal.routes import Sockets
from protocols.channels import Channel, Namespace
from protocols.operations.hubs import (
    Client,
    Comebacks,
    HubActivity,
    Kept,
    NamespaceActivity,
    OpenChannel,
    SlowReader,
    in_order,
)
from protocols.principals import TeamId
from store.redis.messages import Message

MAX_SLOW = 20
MAX_CHANNELS = 1000  # named to whoever puts the lists together
MAX_SUBSCRIBERS = 100
NAMED_OF_ONE = 50  # channels of a connection
NAMED_IN_LISTS = 5


_QUESTION = msgspec.json.Decoder(Question)
_OF_THE_FACTORY = frozenset(one.value for one in Namespace)


class Inspection:
    """One hub, looked at.

    Args:
        node: What it is called.
        sockets: Its connections.
        live: Its channels.
    """

    def __init__(self, node: str, sockets: Sockets, live: Live) -> None:
        self._node = node
        self._sockets = sockets
        self._live = live

    def hear(self, message: Message) -> bytes | None:
        """Answer another hub; None: it is of a version that asks other things."""
        try:
            question = _QUESTION.decode(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return self.answer(question)

    def answer(self, question: Question) -> bytes:
        """What there is to say."""
        match question:
            case CountNow(team):
                found: BaseModel = self._now(team)
            case FindClients(team, search, client, limit):
                found = self._clients(team, search, client, limit)
            case FindChannels(team, search):
                found = self._channels(team, search)
            case FindSubscribers(team, channel):
                found = self._subscribers(team, channel)
            case CloseThose():
                found = self._close(question)
        return found.model_dump_json().encode()

    def _now(self, team: TeamId) -> HubActivity:
        ours = list(self._ours(team))
        slow = self._slow(team, ours)
        return HubActivity(
            id=self._node,
            connections=len(ours),
            queued_bytes=sum(one.queued_bytes for one in ours),
            namespaces=self._namespaces(team),
            slow_readers=slow[:MAX_SLOW],
            slow_count=len(slow),
            slow_closes=self._sockets.counters.slow_closes,
        )

    def _namespaces(self, team: TeamId) -> list[NamespaceActivity]:
        tallies = self._live.fanout.tallies.of_team(team)
        kept: dict[str, Kept] = {}
        channels: dict[str, int] = {}
        subscribers: dict[str, int] = {}
        for watched in self._watched(team):
            name = namespace_of(watched.channel)
            kept[name] = kept_in(watched.channel)
            channels[name] = channels.get(name, 0) + 1
            subscribers[name] = subscribers.get(name, 0) + len(watched.subscribers)
        return [
            NamespaceActivity(
                name=name,
                kept=kept.get(name) or self._kept_by_rules(name),
                channels=channels.get(name, 0),
                subscribers=subscribers.get(name, 0),
                deliveries=tallies[name].deliveries if name in tallies else 0,
                recoveries=_comebacks(tallies.get(name, Tally())),
            )
            for name in sorted({*channels, *tallies})
        ]

    def _kept_by_rules(self, name: str) -> Kept:
        """Where nobody is in a channel of it now."""
        if name in _OF_THE_FACTORY:
            return kept_in(Channel(Namespace(name), ""))
        found = self._live.namespaces.of(f"{name}:x" if name else "x")
        return kept_in(Channel(*found)) if found else Kept.NOTHING

    def _slow(self, team: TeamId, ours: Iterable[Connection]) -> list[SlowReader]:
        behind: dict[str, Subscriber] = {}
        for subscriber in self._live.behind:
            reader, watched = subscriber.reader, subscriber.watched
            if watched.team == team and isinstance(reader, Membership) and _missing(subscriber):
                other = behind.get(reader.present.client)
                if other is None or _missing(subscriber) > _missing(other):
                    behind[reader.present.client] = subscriber
        found: list[SlowReader] = []
        for one in ours:
            subscriber = behind.get(one.client)
            if subscriber is None and one.queued_bytes < LOW_BYTES:
                continue
            found.append(
                SlowReader(
                    client=one.client,
                    user=one.visitor.user if one.visitor else "",
                    hub=self._node,
                    queued_bytes=one.queued_bytes,
                    channel=subscriber.watched.name if subscriber else "",
                    behind=_missing(subscriber) if subscriber else 0,
                )
            )
        return sorted(found, key=lambda one: (-one.queued_bytes, -one.behind, one.client))

    def _clients(self, team: TeamId, search: str, client: str, limit: int) -> Clients:
        inside = self._inside(team, search) if search else set[str]()
        wanted = search.lower()
        found = [
            one
            for one in self._ours(team)
            if client in ("", one.client)
            and (wanted in one.client or wanted in _user(one).lower() or one.client in inside)
        ]
        found.sort(key=lambda one: (-one.arrival.seconds, one.client))
        names = NAMED_OF_ONE if client else NAMED_IN_LISTS
        rows = [self._row(one, names) for one in found[:limit]]
        return Clients(items=rows, total=len(found))

    def _inside(self, team: TeamId, channel: str) -> set[str]:
        """The ids of connections that are in the channel of exactly this name."""
        return {
            subscriber.reader.present.client
            for watched in self._watched(team)
            if watched.name == channel
            for subscriber in watched.subscribers
            if isinstance(subscriber.reader, Membership)
        }

    def _channels(self, team: TeamId, search: str) -> OpenChannels:
        found = [one for one in self._watched(team) if search.lower() in one.name.lower()]
        found.sort(key=lambda one: (-len(one.subscribers), one.name))
        rows = [_open_channel(one) for one in found[:MAX_CHANNELS]]
        return OpenChannels(items=rows, total=len(found))

    def _subscribers(self, team: TeamId, channel: str) -> Clients:
        inside = self._inside(team, channel)
        rows = [self._row(one, NAMED_IN_LISTS) for one in self._ours(team) if one.client in inside]
        total = sum(len(one.subscribers) for one in self._watched(team) if one.name == channel)
        return Clients(items=in_order(rows, MAX_SUBSCRIBERS), total=total)

    def _close(self, asked: CloseThose) -> Count:
        closed = 0
        for one in self._ours(asked.team):
            is_one = asked.client in ("", one.client)
            if is_one and asked.user in ("", _user(one)) and one.why is None:
                one.close(Disconnect(asked.code, asked.reason))
                closed += 1
        return Count(count=closed)

    def _ours(self, team: TeamId) -> Iterator[Connection]:
        for one in self._sockets:
            if one.visitor and one.visitor.principal.team == team:
                yield one

    def _watched(self, team: TeamId) -> Iterator[Watched]:
        return (one for one in self._live.fanout if one.team == team and one.subscribers)

    def _row(self, connection: Connection, names: int) -> Client:
        channels = sorted(connection.channels)
        return Client(
            client=connection.client,
            user=_user(connection),
            hub=self._node,
            transport=connection.arrival.transport,
            protocol="protobuf" if connection.is_binary else "json",
            seconds=round(connection.arrival.seconds, 3),
            queued_bytes=connection.queued_bytes,
            subscriptions=len(channels),
            channels=list(islice(channels, names)),
        )


def kept_in(channel: Channel) -> Kept:
    """Where its past is."""
    if channel.is_logged:
        return Kept.LOG
    if channel.application is None:
        return Kept.FEED
    return Kept.HISTORY if channel.has_history else Kept.NOTHING


def _open_channel(watched: Watched) -> OpenChannel:
    return OpenChannel(
        name=watched.name,
        namespace=namespace_of(watched.channel),
        kept=kept_in(watched.channel),
        subscribers=len(watched.subscribers),
        deliveries=watched.deliveries,
        epoch=watched.epoch,
        offset=watched.top,
    )


def _comebacks(tally: Tally) -> Comebacks:
    return Comebacks(
        nothing_missed=tally.nothing_missed,
        from_log=tally.from_log,
        from_history=tally.from_history,
        from_feed=tally.from_feed,
        not_recovered=tally.not_recovered,
        fell_behind=tally.fell_behind,
    )


def _user(connection: Connection) -> str:
    return connection.visitor.user if connection.visitor else ""


def _missing(subscriber: Subscriber) -> int:
    return max(subscriber.watched.top - subscriber.reached, 0)
