"""The live half of the hub: everything that can be watched, for whoever may watch it.

`async with open_hub(store, realtime, namespaces) as live:` runs as long as the process serves;
`live` keeps the `Channels` promise for every binding. All of it lives in one task group.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from hub import recovery
from hub.application_history import published
from hub.fanout import Fanout
from hub.follower import Follower
from hub.history import publication_of
from hub.recovery import Recoveries
from hub.relay import Relay
from hub.subscriber import Subscriber, Watched
from protocols.channels import Channel, Publication, StreamPosition
from protocols.errors import Forbidden, NotFound, Unavailable
from protocols.events import Event, StreamId
from protocols.namespaces import NO_NAMESPACES, Namespaces
from protocols.operations.channels import HistoryPage, Reader, Reset
from protocols.principals import Principal, TeamId
from store.connect import Store
from store.redis.listener import Listener
from store.redis.publications import NewPublication, PublishOptions
from store.redis.realtime import Realtime

MAX_WIDTH = 5000  # versions looked at in one statement


class Live:
    """Keeps the `Channels` promise.

    Attributes:
        namespaces: Of application channels.
        fanout: Watched channels, and its counters.
        recoveries: How readers came back.
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
            if since is not None and channel.has_history:
                await recovery.begin(subscriber, since, self.recoveries)
        except BaseException:
            subscriber.close()
            raise
        if subscriber.is_closed:
            raise Unavailable(f"positions of {watched.name} have just changed; subscribe again")
        self.fanout.aim(watched, watched.target)
        return subscriber

    async def _join(self, channel: Channel, team: TeamId) -> Watched | None:
        try:
            return await self.fanout.join(channel, team)
        except NotFound:
            return None

    def _catch_up(self, subscriber: Subscriber) -> None:
        if not subscriber.is_closed:
            if subscriber.has_been_live:
                self.recoveries.fell_behind += 1
            self._group.start_soon(recovery.catch_up, subscriber)

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
        if channel.is_logged:
            return await self._stream_history(
                principal, channel, since=since, limit=limit, reverse=reverse
            )
        if channel.application:
            return await self._application_history(
                principal.team, channel, since=since, limit=limit, reverse=reverse
            )
        return await self._feed_history(channel, since=since, limit=limit, reverse=reverse)

    async def _stream_history(
        self,
        principal: Principal,
        channel: Channel,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        stream = StreamId(channel.key)
        head = await self._log.head(stream)
        if head is None or head.team != principal.team:
            raise NotFound(f"there is no channel {str(channel)!r}")
        position = StreamPosition(self._log.epoch, head.version)
        if not _is_within(since, position):
            return None
        if limit == 0:
            return HistoryPage(position, [])
        if reverse:
            before = since.offset if since else head.version + 1
            events = await self._before(stream, before, limit=limit)
        else:
            events = await self._log.read(stream, after=since.offset if since else 0, limit=limit)
        return HistoryPage(position, [publication_of(event) for event in events])

    async def _before(self, stream: StreamId, version: int, *, limit: int) -> list[Event]:
        """Newest first; looks further back where deltas were dropped."""
        found: list[Event] = []
        end, width = version, limit
        while end > 1 and len(found) < limit:
            start = max(end - width, 1)
            events = await self._log.read(stream, after=start - 1, limit=end - start)
            found += reversed([event for event in events if event.version < end])
            end, width = start, min(width * 4, MAX_WIDTH)
        return found[:limit]

    async def _feed_history(
        self, channel: Channel, *, since: StreamPosition | None, limit: int, reverse: bool
    ) -> HistoryPage | None:
        after = since if since and not reverse else StreamPosition("", 0)
        page = await self._broker.read_feed(str(channel), after=after)
        position = StreamPosition(page.epoch, page.top)
        if not _is_within(since, position):
            return None
        found = page.publications
        if reverse:
            found = [one for one in reversed(found) if not since or one.offset < since.offset]
        return HistoryPage(position, found[:limit])

    async def _application_history(
        self,
        team: TeamId,
        channel: Channel,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        page = await self._application.read(
            team, str(channel), since=since, limit=limit, reverse=reverse
        )
        if not _is_within(since, page.position):
            return None
        return HistoryPage(page.position, [published(one) for one in page.publications])

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


def _is_within(since: StreamPosition | None, top: StreamPosition) -> bool:
    return since is None or (since.epoch in ("", top.epoch) and since.offset <= top.offset + 1)


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
        relay = Relay(store.log, realtime.application, listener, live.fanout)
        group.start_soon(relay.hear)
        group.start_soon(relay.look)
        try:
            yield live
        finally:
            live.end_followers()
            group.cancel_scope.cancel()
