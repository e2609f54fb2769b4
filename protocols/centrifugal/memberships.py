"""What one connection does with channels: comes in, leaves, reads their past, publishes.

Commands ask for it, and so may the server: `join`, then whatever tells the client, then `start`.
Both may come at once; one comes in or leaves after the other. Answers are spelled by the session's
words; how they are written is the connection's business.
"""

import time
from collections.abc import Iterator

import anyio

from protocols.centrifugal import codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.caller import Caller
from protocols.centrifugal.decisions import (
    End,
    Publish,
    ReadHistory,
    RefreshSubscription,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.membership import Membership
from protocols.centrifugal.session import Session
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.publication import write_info
from protocols.channels import Channel, StreamPosition
from protocols.errors import AlreadyExists, FactoryError, Unavailable
from protocols.operations.channels import Channels


class Memberships:
    """The channels of one connection.

    Args:
        session: Its rules.
        caller: Who is at its other end.
        channels: What may be watched.
        teller: Tells its client.
    """

    def __init__(
        self,
        session: Session,
        caller: Caller,
        channels: Channels,
        teller: Teller,
    ) -> None:
        self._session = session
        self._rules = session.subscriptions
        self._caller = caller
        self._channels = channels
        self._teller = teller
        self._by_name: dict[str, Membership] = {}
        self._turn = anyio.Lock()

    def __iter__(self) -> Iterator[Membership]:
        """All of them."""
        return iter(list(self._by_name.values()))

    async def join(
        self, channel: Channel, *, since: StreamPosition | None, terms: Terms
    ) -> Membership:
        """Come in; nothing flows before `start`, which is called once the client was told.

        Args:
            channel: Where to.
            since: The position to continue; None: from now on.
            terms: What it is like.

        Raises:
            AlreadyExists: It is there.
            NotFound: There is no such channel in the team.
            Unavailable: The channel is out of reach, or took too long.
        """
        async with in_time(), self._turn:
            return await self._join(channel, since, terms)

    async def _join(
        self, channel: Channel, since: StreamPosition | None, terms: Terms
    ) -> Membership:
        if str(channel) in self._by_name:
            raise AlreadyExists(f"this connection is in channel {str(channel)!r}")
        membership = Membership(channel, terms, teller=self._teller, lost=self._lose)
        subscription = await self._channels.subscribe(
            self._caller.principal, membership, channel=channel, since=since
        )
        membership.hold(subscription)
        if membership.is_lost:
            raise Unavailable(f"positions of {membership.name} have just changed; subscribe again")
        self._by_name[membership.name] = membership
        return membership

    async def leave(self, name: str) -> Membership | None:
        """Leave a channel; nothing of it follows. None: it was not there."""
        async with self._turn:
            membership = self._by_name.pop(name, None)
            if membership:
                membership.close()
            return membership

    def close(self) -> None:
        """Leave all of them: the connection has ended."""
        for membership in self:
            membership.close()
        self._by_name.clear()

    def _lose(self, membership: Membership) -> None:
        """A client may subscribe again; to what the server wanted only a new connection leads."""
        if self._by_name.pop(membership.name, None) is None:
            return
        if membership.terms.is_by_server:
            self._teller.close(codes.NO_STATE)
        else:
            self._teller.tell(self._rules.ended(membership.name))

    async def subscribe(self, command: Subscribe) -> None:
        """Come in and answer."""
        await self._teller.outbox.room()  # an answer may hold a whole page
        try:
            membership = await self.join(command.channel, since=command.since, terms=command.terms)
        except FactoryError as error:
            self._teller.tell(self._session.refuse(command.id, error))
            return
        if command.must_recover and command.since and not membership.subscription.recovered:
            await self.leave(membership.name)
            self._teller.tell(self._rules.unrecoverable(command))
            return
        # No await from here: the answer goes out before anything of the channel.
        answer = self._rules.subscribed(command, membership.subscription, now=time.monotonic())
        self._teller.tell(answer)
        membership.start()

    async def unsubscribe(self, command: Unsubscribe) -> None:
        """Leave and answer."""
        await self.leave(command.channel)
        self._teller.tell(command.answer)

    async def end(self, command: End) -> None:
        """Leave because the server wants it so, and say why."""
        was_there = await self.leave(command.channel)
        answer = self._rules.ended(command.channel, command.why)
        if was_there:
            self._teller.tell(answer)

    def refresh(self, command: RefreshSubscription) -> None:
        """Stay, and answer."""
        self._teller.tell(self._rules.refreshed(command, now=time.monotonic()))

    async def history(self, command: ReadHistory) -> None:
        """Read a part of it and answer."""
        await self._teller.outbox.room()
        try:
            async with in_time():
                page = await self._channels.history(
                    self._caller.principal,
                    command.channel,
                    since=command.since,
                    limit=command.limit,
                    reverse=command.reverse,
                )
        except FactoryError as error:
            self._teller.tell(self._session.refuse(command.id, error))
            return
        if page is None:
            self._teller.tell(self._rules.unrecoverable(command))
        else:
            self._teller.tell(self._rules.history(command, page))

    async def publish(self, command: Publish) -> None:
        """Publish and answer."""
        principal = self._caller.principal
        info = write_info(self._caller.visitor.info_of(self._session.client))
        try:
            async with in_time():
                await self._channels.publish(
                    principal,
                    command.channel,
                    data=command.data,
                    info=info,
                    is_subscribed=command.is_subscribed,
                )
        except FactoryError as error:
            self._teller.tell(self._session.refuse(command.id, error))
            return
        self._teller.tell(self._rules.published(command))
