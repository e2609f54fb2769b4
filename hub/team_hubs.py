"""All hubs looked at for one team: each is asked, and what they say is put together.

A hub that does not answer within ANSWER_SECONDS is named in the answer and not waited for, unlike
in `hub/everywhere.py`, whose callers must know that all have heard. Without Redis the hub that was
asked tells of itself alone, and says so.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import anyio
import msgspec
from pydantic import BaseModel

from hub.inspection import MAX_SUBSCRIBERS, Inspection, kept_in
from hub.live import Live
from hub.looks import (
    KIND,
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
from hub.sampler import Sampler
from hub.tallies import namespace_of
from protocols.centrifugal import codes
from protocols.channels import (
    MAX_NAME_BYTES,
    ApplicationPublication,
    Channel,
    Publication,
    parse,
)
from protocols.errors import InvalidRequest, NotFound, Unavailable
from protocols.operations.channels import HistoryPage
from protocols.operations.hubs import (
    ChannelList,
    ChannelNow,
    ChannelsQuery,
    ClientList,
    ClientsQuery,
    CloseClients,
    Closed,
    HubActivity,
    HubsNow,
    LastPublication,
    OpenChannel,
    Reached,
    in_order,
)
from protocols.operations.system import HubProcess
from protocols.principals import Principal
from store.access import Operation, allow
from store.redis.control import Control

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0
HISTORY_SECONDS = 4.0
LAST = 10
SHOWN = 2000  # characters of what was published

Answer = TypeVar("Answer", bound=BaseModel)


class TeamHubs:
    """Keeps the promise `protocols.operations.hubs.Hubs`, for one principal."""

    def __init__(
        self,
        control: Control,
        here: Inspection,
        live: Live,
        sampler: Sampler,
        principal: Principal,
    ) -> None:
        self._control = control
        self._here = here
        self._live = live
        self._sampler = sampler
        self._principal = principal

    async def now(self) -> HubsNow:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        activities, reached = await self._ask(CountNow(self._principal.team), HubActivity)
        return HubsNow(
            hub=self._sampler.id,
            time=datetime.now(UTC),
            processes=await self._processes(),
            activities=activities,
            **reached.model_dump(),
        )

    async def clients(self, query: ClientsQuery) -> ClientList:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        question = FindClients(self._principal.team, query.search, query.client, query.limit)
        parts, reached = await self._ask(question, Clients)
        return ClientList(
            items=in_order([one for part in parts for one in part.items], query.limit),
            total=sum(part.total for part in parts),
            **reached.model_dump(),
        )

    async def channels(self, query: ChannelsQuery) -> ChannelList:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        question = FindChannels(self._principal.team, query.search)
        parts, reached = await self._ask(question, OpenChannels)
        found = _together([one for part in parts for one in part.items])
        left_out = sum(part.total - len(part.items) for part in parts)
        return ChannelList(
            items=found[: query.limit], total=len(found) + left_out, **reached.model_dump()
        )

    async def channel(self, name: str) -> ChannelNow:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
            raise NotFound(f"there is no channel {name[:80]!r}")
        channel = parse(name, self._live.namespaces)
        page = await self._last(channel)
        question = FindSubscribers(self._principal.team, name)
        parts, reached = await self._ask(question, Clients)
        return ChannelNow(
            name=name,
            namespace=namespace_of(channel),
            kept=kept_in(channel),
            epoch=page.position.epoch if page else "",
            offset=page.position.offset if page else 0,
            last=[_shown(one) for one in page.publications] if page else [],
            subscribers=in_order([one for part in parts for one in part.items], MAX_SUBSCRIBERS),
            total=sum(part.total for part in parts),
            **reached.model_dump(),
        )

    async def _last(self, channel: Channel) -> HistoryPage | None:
        if not channel.has_history:
            return None
        try:
            with anyio.fail_after(HISTORY_SECONDS):
                return await self._live.history(
                    self._principal, channel, since=None, limit=LAST, reverse=True
                )
        except TimeoutError as error:
            raise Unavailable(f"channel {str(channel)!r} could not be read in time") from error

    async def close(self, request: CloseClients) -> Closed:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_MANAGE)
        if not request.client and not request.user:
            raise InvalidRequest("say whose connections: client or user", field="client")
        why = codes.FORCE_DISCONNECT if request.is_final else codes.FORCE_RECONNECT
        question = CloseThose(
            self._principal.team, request.client, request.user, why.code, why.reason
        )
        counts, reached = await self._ask(question, Count)
        closed = sum(one.count for one in counts)
        logger.info(
            "connections were closed",
            extra={
                "actor": self._principal.actor,
                "client": request.client,
                "user": request.user,
                "code": why.code,
                "closed": closed,
            },
        )
        return Closed(closed=closed, **reached.model_dump())

    async def _ask(self, question: Question, kind: type[Answer]) -> tuple[list[Answer], Reached]:
        """What each hub says, this one first, and which do not."""
        own = self._here.answer(question)
        try:
            with anyio.fail_after(2 * ANSWER_SECONDS):  # Redis has a second to take the question
                survey = await self._control.ask_all(
                    KIND, msgspec.json.encode(question), within_seconds=ANSWER_SECONDS
                )
        except (Unavailable, TimeoutError):
            return [kind.model_validate_json(own)], Reached(silent=[], is_whole=False)
        answers = [kind.model_validate_json(one) for one in (own, *survey.answers.values())]
        late = await self._named([*survey.silent, *survey.refused])
        return answers, Reached(silent=late, is_whole=not late)

    async def _named(self, nodes: Sequence[str]) -> list[str]:
        """By host and process, where they have told of themselves."""
        if not nodes:
            return []
        names = {one.id: one.name for one in await self._processes()}
        return sorted(names.get(node, node) for node in nodes)

    async def _processes(self) -> list[HubProcess]:
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                return await self._sampler.hubs()
        except (Unavailable, TimeoutError):
            return [self._sampler.row()]


def _together(found: Sequence[OpenChannel]) -> list[OpenChannel]:
    """Each channel once, those with most subscribers first."""
    by_name: dict[str, OpenChannel] = {}
    for one in found:
        known = by_name.get(one.name)
        if known is not None:
            ahead = one if one.offset > known.offset else known
            sums: dict[str, Any] = {
                "subscribers": one.subscribers + known.subscribers,
                "deliveries": one.deliveries + known.deliveries,
            }
            one = ahead.model_copy(update=sums)  # noqa: PLW2901
        by_name[one.name] = one
    return sorted(by_name.values(), key=lambda one: (-one.subscribers, one.name))


def _shown(publication: Publication) -> LastPublication:
    time = None
    if isinstance(publication, ApplicationPublication) and publication.time:
        time = datetime.fromtimestamp(publication.time / 1000, UTC)
    return LastPublication(
        offset=publication.offset,
        bytes=len(publication.data),
        data=publication.data[: 4 * SHOWN].decode(errors="replace")[:SHOWN],
        time=time,
    )
