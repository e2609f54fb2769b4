"""The past of an application's channel: what Redis keeps of it, or nothing at all."""

from collections.abc import Sequence

from hub.history import Top, cut
from protocols.channels import ApplicationPublication, Publication, StreamPosition
from protocols.principals import TeamId
from store.redis.application import Application
from store.redis.publications import ChannelPublication

PAGE_ENTRIES = 256


class ApplicationHistory:
    """A `History`: the last publications, as many and as long as the namespace says."""

    def __init__(self, application: Application, team: TeamId, name: str) -> None:
        self._application = application
        self._team = team
        self._name = name

    async def top(self) -> Top:
        """See `History`. A channel nobody has used yet begins here."""
        page = await self._application.read(self._team, self._name, since=None, limit=0)
        return Top(page.position.epoch, page.position.offset, self._team)

    async def page(self, *, epoch: str, after: int, top: int) -> Sequence[Publication] | None:
        """See `History`. Offsets that are kept are dense: the first one tells of a loss."""
        since = StreamPosition(epoch, after)
        page = await self._application.read(self._team, self._name, since=since, limit=PAGE_ENTRIES)
        if page.position.epoch != epoch or page.position.offset < top:
            return None
        if not page.publications or page.publications[0].offset != after + 1:
            return None
        return cut([published(one) for one in page.publications])

    async def newest(self) -> tuple[StreamPosition, Publication | None]:
        """Where it stands, and the publication there if it is still kept.

        Raises:
            Unavailable: Redis did not answer.
        """
        page = await self._application.read(
            self._team, self._name, since=None, limit=1, reverse=True
        )
        found = [one for one in page.publications if one.offset == page.position.offset]
        return page.position, published(found[0]) if found else None


class NoHistory:
    """A `History` of a channel that keeps none: it has no positions, only what comes now."""

    def __init__(self, team: TeamId) -> None:
        self._team = team

    async def top(self) -> Top:
        """See `History`."""
        return Top("", 0, self._team)

    async def page(self, *, epoch: str, after: int, top: int) -> Sequence[Publication] | None:
        """See `History`."""
        return None


def published(publication: ChannelPublication) -> ApplicationPublication:
    """What was published, as readers get it."""
    return ApplicationPublication(
        publication.offset,
        publication.data,
        publication.time,
        info=publication.info,
        tags=publication.tags,
    )
