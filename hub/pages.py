"""The past of a channel in pages, forwards and backwards, for who asks for it by name."""

from hub.application_history import published
from hub.history import publication_of
from protocols.channels import Channel, StreamPosition
from protocols.errors import NotFound
from protocols.events import Event, StreamId
from protocols.operations.channels import HistoryPage
from protocols.principals import TeamId
from store.postgres.log.event_log import EventLog
from store.redis.application import Application
from store.redis.broker import Broker

MAX_WIDTH = 5000  # versions looked at in one statement


class Pages:
    """Reads them where they are kept: the log, a feed, an application's channel."""

    def __init__(self, log: EventLog, broker: Broker, application: Application) -> None:
        self._log = log
        self._broker = broker
        self._application = application

    async def read(
        self,
        channel: Channel,
        team: TeamId,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        """See `Channels.history`; the feed is known to be the team's."""
        if channel.is_logged:
            return await self._of_stream(channel, team, since=since, limit=limit, reverse=reverse)
        if channel.application:
            return await self._of_application(
                channel, team, since=since, limit=limit, reverse=reverse
            )
        return await self._of_feed(channel, since=since, limit=limit, reverse=reverse)

    async def _of_stream(
        self,
        channel: Channel,
        team: TeamId,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        stream = StreamId(channel.key)
        head = await self._log.head(stream)
        if head is None or head.team != team:
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

    async def _of_feed(
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

    async def _of_application(
        self,
        channel: Channel,
        team: TeamId,
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


def _is_within(since: StreamPosition | None, top: StreamPosition) -> bool:
    return since is None or (since.epoch in ("", top.epoch) and since.offset <= top.offset + 1)
