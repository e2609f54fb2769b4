"""The live half of the hub: everything that can be watched, for whoever may watch it.

`async with open_hub(store, realtime, namespaces) as live:` runs as long as the process serves;
`live` keeps the `Channels` promise for every binding. All of it lives in one task group.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from hub import recovery
from hub.attendance import Attendance
from hub.fanout import Fanout
from hub.follower import Follower
from hub.pages import Pages
from hub.recovery import Recoveries
from hub.relay import Relay
from hub.subscriber import Subscriber, Watched
from protocols.channels import Channel, Publication, StreamPosition
from protocols.errors import Forbidden, NotFound, Unavailable
from protocols.namespaces import NO_NAMESPACES, Namespaces
from protocols.operations.channels import HistoryPage, Reader, Reset
from protocols.principals import Principal, TeamId
from store.connect import Store
from store.redis.listener import Listener
from store.redis.publications import NewPublication, PublishOptions
from store.redis.realtime import Realtime


class Live:
    """Keeps the `Channels` promise.

    Attributes:
        namespaces: Of application channels.
        fanout: Watched channels, and its counters.
        recoveries: How readers came back.
        attendance: Who is in application channels.
        behind: Those that read what is kept, to come up to their channels' tops.
    """

    def __init__(
        self,
        store: Store,
        realtime: Realtime,
        listener: Listener,
        group: TaskGroup,
        *,
        namespaces: Namespaces,
    ) -> None:
        self._log = store.log
        self._broker = store.broker
        self._application = realtime.application
        self._listener = listener
        self._group = group
        self.namespaces = namespaces
        self.fanout = Fanout(store.log, store.broker, realtime.application, listener, group)
        self.recoveries = Recoveries()
        self.attendance = Attendance(realtime.presence, realtime.application)
        self.behind: set[Subscriber] = set()
        self._pages = Pages(store.log, store.broker, realtime.application)
        self._followers: set[Follower] = set()

    @property
    def subscriptions(self) -> int:
        """How many readers there are on all channels together."""
        return sum(len(watched.subscribers) for watched in self.fanout)

    @property
    def hears_redis(self) -> bool:
        """Whether frames flow; otherwise everything is a little late."""
        return self._listener.is_connected

    async def subscribe(
        self,
        principal: Principal,
        reader: Reader,
        *,
        channel: Channel,
        since: StreamPosition | None,
    ) -> Subscriber:
        """See `Channels`."""
        _same_team(principal, channel)
        watched = await self._join(channel, principal.team)
        if watched is None or watched.team != principal.team:  # absent and foreign sound the same
            raise NotFound(f"there is no channel {str(channel)!r}")
        subscriber = Subscriber(watched, reader, catch_up=self._catch_up, leave=self.fanout.leave)
        self.fanout.enter(subscriber)
        try:
            await self._recover(subscriber, since)
        except BaseException:
            subscriber.close()
            raise
        if subscriber.is_closed:
            raise Unavailable(f"positions of {watched.name} have just changed; subscribe again")
        self.fanout.aim(watched, watched.target)
        return subscriber

    async def _recover(self, subscriber: Subscriber, since: StreamPosition | None) -> None:
        channel = subscriber.watched.channel
        rules = channel.application
        if channel.recovers_newest:
            if since is None and not (rules and rules.auto_cache_recover):
                return
            await recovery.begin_with_newest(subscriber, since, self.recoveries)
        elif since is not None and channel.has_history:
            await recovery.begin(subscriber, since, self.recoveries)
        else:
            return
        self.fanout.tallies.came_back(subscriber)

    async def _join(self, channel: Channel, team: TeamId) -> Watched | None:
        try:
            return await self.fanout.join(channel, team)
        except NotFound:
            return None

    def _catch_up(self, subscriber: Subscriber) -> None:
        if not subscriber.is_closed:
            if subscriber.has_been_live:
                self.recoveries.fell_behind += 1
                self.fanout.tallies.of(subscriber.watched).fell_behind += 1
            self._group.start_soon(self._read_up, subscriber)

    async def _read_up(self, subscriber: Subscriber) -> None:
        self.behind.add(subscriber)
        try:
            await recovery.catch_up(subscriber)
        finally:
            self.behind.discard(subscriber)

    def follow(
        self, principal: Principal, channel: Channel, *, after: StreamPosition | None
    ) -> AbstractAsyncContextManager[AsyncIterator[Publication | Reset]]:
        """See `Channels`."""
        return self._follow(principal, channel, after)

    @asynccontextmanager
    async def _follow(
        self, principal: Principal, channel: Channel, after: StreamPosition | None
    ) -> AsyncGenerator[AsyncIterator[Publication | Reset]]:
        follower = Follower(lambda: self.top(channel, principal.team))
        subscriber = await self.subscribe(principal, follower, channel=channel, since=after)
        self._followers.add(follower)
        try:
            async with aclosing(follower.items(subscriber, after=after)) as items:
                yield items
        finally:
            self._followers.discard(follower)
            subscriber.close()
            follower.close()

    async def top(self, channel: Channel, team: TeamId) -> StreamPosition:
        """Where the channel stands; an application's: the team's, others: whoever's it is.

        Raises:
            NotFound: There is no such stream.
            Unavailable: It is out of reach.
        """
        top = await self.fanout.history(channel, team).top()
        return StreamPosition(top.epoch, top.offset)

    def end_followers(self) -> None:
        """End every `follow` after what it holds; the hub is about to stop."""
        for follower in self._followers:
            follower.close()

    async def history(
        self,
        principal: Principal,
        channel: Channel,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        """See `Channels`."""
        _same_team(principal, channel)
        return await self._pages.read(
            channel, principal.team, since=since, limit=limit, reverse=reverse
        )

    async def publish(
        self,
        principal: Principal,
        channel: Channel,
        *,
        data: bytes,
        info: bytes,
        is_subscribed: bool,
    ) -> None:
        """See `Channels`."""
        rules = channel.application
        if rules is None or not rules.lets_publish(principal.role, is_subscribed=is_subscribed):
            raise Forbidden(f"you may not publish to channel {str(channel)!r}")
        options = PublishOptions(
            history_size=rules.history_size,
            history_seconds=rules.history_seconds,
            max_bytes=rules.max_bytes,
        )
        publication = NewPublication(data=data, info=info)
        await self._application.publish(principal.team, str(channel), publication, options)


def _same_team(principal: Principal, channel: Channel) -> None:
    if channel.team not in (None, principal.team):
        raise NotFound(f"there is no channel {str(channel)!r}")


@asynccontextmanager
async def open_hub(
    store: Store, realtime: Realtime, namespaces: Namespaces = NO_NAMESPACES
) -> AsyncGenerator[Live]:
    """Everything live, at work until the end of the block. Redis may be away.

    Args:
        store: Open.
        realtime: What Redis keeps beside logs and feeds.
        namespaces: Of application channels.
    """
    async with store.broker.listen() as listener, anyio.create_task_group() as group:
        live = Live(store, realtime, listener, group, namespaces=namespaces)
        relay = Relay(store.log, realtime.application, listener, live.fanout, live.attendance)
        group.start_soon(relay.hear)
        group.start_soon(relay.look)
        group.start_soon(live.attendance.run)
        try:
            yield live
        finally:
            live.end_followers()
            group.cancel_scope.cancel()
