"""What a client asks of channels, carried out and answered, one request after another."""

import time

from protocols.centrifugal import answers
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.caller import Caller
from protocols.centrifugal.decisions import (
    ChannelRequest,
    CountPresence,
    End,
    Publish,
    ReadHistory,
    ReadPresence,
    RefreshSubscription,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.memberships import Memberships, NotRecovered
from protocols.centrifugal.session import Session
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.wire.publication import write_info
from protocols.errors import FactoryError, LimitExceeded
from protocols.operations.channels import Channels

MAX_PRESENT = 1000  # clients in an answer
MAX_PRESENT_BYTES = 512 * 1024


class ChannelRequests:
    """Those of one connection.

    Args:
        session: Its rules.
        caller: Who asks.
        channels: What may be watched.
        memberships: Where it is.
        teller: Answers.
    """

    def __init__(
        self,
        session: Session,
        caller: Caller,
        channels: Channels,
        memberships: Memberships,
        teller: Teller,
    ) -> None:
        self._session = session
        self._rules = session.subscriptions
        self._caller = caller
        self._channels = channels
        self._memberships = memberships
        self._teller = teller

    async def carry_out(self, request: ChannelRequest) -> None:
        """Do it and answer, with an error if it cannot be done."""
        try:
            await self._carry_out(request)
        except FactoryError as error:
            self._teller.tell(self._session.refuse(request.id, error))

    async def unsubscribe(self, request: Unsubscribe) -> None:
        """Leave and answer."""
        await self._memberships.leave(request.channel)
        self._teller.tell(request.answer)

    async def end(self, decision: End) -> None:
        """Leave because the server wants it so, and say why."""
        was_there = await self._memberships.leave(decision.channel)
        answer = self._rules.ended(decision.channel, decision.why)
        if was_there:
            self._teller.tell(answer)

    def refresh(self, request: RefreshSubscription) -> None:
        """Stay, and answer."""
        self._teller.tell(self._rules.refreshed(request, now=time.monotonic()))

    async def _carry_out(self, request: ChannelRequest) -> None:
        match request:
            case Subscribe():
                await self._subscribe(request)
            case ReadHistory():
                await self._history(request)
            case ReadPresence():
                await self._presence(request)
            case CountPresence():
                await self._presence_stats(request)
            case Publish():
                await self._publish(request)

    async def _subscribe(self, request: Subscribe) -> None:
        await self._teller.outbox.room()  # an answer may hold a whole page
        try:
            membership = await self._memberships.join(
                request.channel,
                since=request.since,
                terms=request.terms,
                must_recover=request.must_recover,
            )
        except NotRecovered:
            self._teller.tell(self._rules.unrecoverable(request))
            return
        # No await from here: the answer goes out before anything of the channel.
        self._teller.tell(
            self._rules.subscribed(
                request,
                membership.subscription,
                page=membership.page(),
                now=time.monotonic(),
            )
        )
        self._memberships.start(membership)

    async def _history(self, request: ReadHistory) -> None:
        await self._teller.outbox.room()
        async with in_time():
            page = await self._channels.history(
                self._caller.principal,
                request.channel,
                since=request.since,
                limit=request.limit,
                reverse=request.reverse,
            )
        if page is None:
            self._teller.tell(self._rules.unrecoverable(request))
        else:
            self._teller.tell(self._rules.history(request, page))

    async def _presence(self, request: ReadPresence) -> None:
        await self._teller.outbox.room()
        async with in_time():
            page = await self._channels.attendance.read(
                self._caller.principal,
                request.channel,
                is_subscribed=request.is_subscribed,
                limit=MAX_PRESENT,
            )
        size = sum(len(one.info) for one in page.members)
        if page.cursor or size > MAX_PRESENT_BYTES:
            raise LimitExceeded(
                f"an answer holds at most {MAX_PRESENT} clients and {MAX_PRESENT_BYTES} bytes of"
                f" what is told of them; more are in channel {str(request.channel)!r}"
            )
        self._teller.tell(answers.presence(request.id, page))

    async def _presence_stats(self, request: CountPresence) -> None:
        async with in_time():
            stats = await self._channels.attendance.count(
                self._caller.principal, request.channel, is_subscribed=request.is_subscribed
            )
        self._teller.tell(answers.presence_stats(request.id, stats))

    async def _publish(self, request: Publish) -> None:
        async with in_time():
            await self._channels.publish(
                self._caller.principal,
                request.channel,
                data=request.data,
                info=write_info(self._memberships.info(request.channel)),
                is_subscribed=request.is_subscribed,
            )
        self._teller.tell(self._rules.published(request))
