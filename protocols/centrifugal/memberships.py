"""Where one connection is: it comes in to channels and leaves them, and others see that it does.

Commands ask for it, and so may the server: `join`, then whatever tells the client, then `start`.
Both may come at once; one comes in or leaves after the other.
"""

from collections.abc import Iterator

import anyio

from protocols.centrifugal import codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.caller import Caller
from protocols.centrifugal.membership import Membership
from protocols.centrifugal.session import Session
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.terms import BY_COMMAND, Terms, manner
from protocols.centrifugal.wire.publication import write_info
from protocols.centrifugal.wire.values import ClientInfo
from protocols.channels import Channel, StreamPosition
from protocols.errors import AlreadyExists, Conflict, LimitExceeded, Unavailable
from protocols.operations.channels import Channels
from protocols.operations.presence import Present

DEPART_SECONDS = 3.0  # then it is gone with its entry's minute
MAX_INFO_BYTES = 4096


class NotRecovered(Conflict):
    """What was missed is not all there, and only all of it would have done."""


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
        self._leaving: list[Membership] = []  # read no more, and present still
        self._turn = anyio.Lock()

    def __iter__(self) -> Iterator[Membership]:
        """All of them."""
        return iter(list(self._by_name.values()))

    async def join(
        self,
        channel: Channel,
        *,
        since: StreamPosition | None,
        terms: Terms,
        must_recover: bool = False,
    ) -> Membership:
        """Come in; nothing flows before `start`, which is called once the client was told.

        Args:
            channel: Where to.
            since: The position to continue; None: from now on.
            terms: What it is like.
            must_recover: Not to come in where the position cannot be continued.

        Raises:
            AlreadyExists: It is there.
            NotRecovered: The position cannot be continued, and must be.
            LimitExceeded: Too much is to be told of it.
            NotFound: There is no such channel in the team.
            Unavailable: The channel is out of reach, or took too long.
        """
        async with in_time(), self._turn:
            membership = await self._watch(channel, since, terms)
            if must_recover and since and not membership.recovered:
                membership.close()
                raise NotRecovered(f"channel {membership.name!r} cannot be continued from there")
            await self._come_in(membership)
            return membership

    def start(self, membership: Membership) -> None:
        """Let it flow, and tell others that it has come, itself included."""
        membership.start()
        if membership.manner.is_announced and not membership.is_lost:
            self._announce(membership, is_join=True)

    async def leave(self, name: str) -> Membership | None:
        """Leave a channel; nothing of it follows. None: it was not there."""
        async with self._turn:
            membership = self._by_name.pop(name, None)
            if membership:
                membership.close()
                self._leaving.append(membership)
            await self._go()
            return membership

    async def settle(self) -> None:
        """See to it that whoever was made to leave is no more present."""
        if self._leaving:
            async with self._turn:
                await self._go()

    def close(self) -> None:
        """Let nothing flow any more: the connection has ended."""
        for membership in self:
            membership.close()
            self._leaving.append(membership)
        self._by_name.clear()

    async def depart(self) -> None:
        """Be no more present anywhere, after `close`; takes DEPART_SECONDS at most."""
        with anyio.move_on_after(DEPART_SECONDS, shield=True):
            await self.settle()

    async def _watch(
        self, channel: Channel, since: StreamPosition | None, terms: Terms
    ) -> Membership:
        """The channel is read here, but nobody else knows."""
        if str(channel) in self._by_name:
            raise AlreadyExists(f"this connection is in channel {str(channel)!r}")
        membership = Membership(
            channel,
            terms,
            manner=manner(terms, channel, self._caller.principal.role),
            present=self._present(terms),
            teller=self._teller,
            lost=self._lose,
        )
        subscription = await self._channels.subscribe(
            self._caller.principal, membership, channel=channel, since=since
        )
        membership.hold(subscription)
        return membership

    async def _come_in(self, membership: Membership) -> None:
        """Others may know that it is there."""
        try:
            await self._go()  # who was made to leave and comes back leaves first
            if membership.manner.is_present:
                await self._channels.attendance.enter(
                    self._caller.principal.team, membership.channel, membership.present
                )
        except BaseException:
            membership.close()
            raise
        if membership.is_lost:
            self._leaving.append(membership)
            raise Unavailable(f"positions of {membership.name} have just changed; subscribe again")
        self._by_name[membership.name] = membership

    async def _go(self) -> None:
        """Be no more present where it has left, and say so."""
        gone, self._leaving = self._leaving, []
        team = self._caller.principal.team
        present = [(one.channel, one.present.client) for one in gone if one.manner.is_present]
        try:
            if present:
                await self._channels.attendance.leave(team, present)
        finally:
            for membership in gone:
                if membership.manner.is_announced and membership.is_started:
                    self._announce(membership, is_join=False)

    def _announce(self, membership: Membership, *, is_join: bool) -> None:
        self._channels.attendance.announce(
            self._caller.principal.team,
            membership.channel,
            membership.present.info,
            is_join=is_join,
        )

    def _present(self, terms: Terms) -> Present:
        info = self._info(terms)
        text = write_info(info)
        if len(text) > MAX_INFO_BYTES:
            raise LimitExceeded(
                f"what others are told of a client has at most {MAX_INFO_BYTES} bytes,"
                f" not {len(text)}"
            )
        return Present(info.client, info.user, text)

    def info(self, channel: Channel) -> ClientInfo:
        """What others see of the connection in this channel, whether or not it is in it."""
        membership = self._by_name.get(str(channel))
        return self._info(membership.terms if membership else BY_COMMAND)

    def _info(self, terms: Terms) -> ClientInfo:
        return self._caller.visitor.info_of(self._session.client, channel_info=terms.info)

    def _lose(self, membership: Membership) -> None:
        """A client may subscribe again; to what the server wanted only a new connection leads."""
        if self._by_name.pop(membership.name, None) is None:
            return
        self._leaving.append(membership)
        if membership.terms.is_by_server:
            self._teller.close(codes.NO_STATE)
        else:
            self._teller.tell(self._rules.ended(membership.name))
