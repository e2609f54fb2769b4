"""The subscriptions that no command asks for: those a client gets with its connection, and later.

They come from the connection's token, and from namespaces that give each user a channel of its own.
Others are added and taken away while it lives, by whoever may do that. How one comes in and leaves
stands in `memberships.py`.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from protocols import channels
from protocols.centrifugal import answers, asked, codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.codes import Unsubscribed
from protocols.centrifugal.membership import Membership
from protocols.centrifugal.memberships import Memberships
from protocols.centrifugal.rights import given
from protocols.centrifugal.subscriptions import Subscriptions
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.visitor import Visitor
from protocols.centrifugal.wire.results import SubscribeResult
from protocols.channels import Channel, Publication, StreamPosition
from protocols.errors import AlreadyExists, FactoryError, InvalidRequest, LimitExceeded, NotFound
from protocols.namespaces import Namespaces
from protocols.operations.channels import Batch

logger = logging.getLogger(__name__)

MAX_MISSED_BYTES = 256 * 1024  # in the answer to `connect`; what is more follows it
OWN = Terms(is_by_server=True)  # of a user's own channel


@dataclass(slots=True)
class Entered:
    """What a connection is in from its beginning.

    Attributes:
        results: What the client is told of each channel.
        memberships: To be started once it was told.
        later: What was missed in some of them and is told after that, by channel.
    """

    results: dict[str, SubscribeResult] = field(default_factory=dict[str, SubscribeResult])
    memberships: list[Membership] = field(default_factory=list[Membership])
    later: dict[str, list[Publication]] = field(default_factory=dict[str, list[Publication]])


class ServerSide:
    """Subscribes one connection where the server wants it to be.

    Args:
        rules: What holds of its channels.
        memberships: Where it is.
        teller: Tells its client.
        namespaces: Of application channels.
    """

    def __init__(
        self,
        rules: Subscriptions,
        memberships: Memberships,
        teller: Teller,
        *,
        namespaces: Namespaces,
    ) -> None:
        self._rules = rules
        self._memberships = memberships
        self._teller = teller
        self._namespaces = namespaces

    async def enter(self, visitor: Visitor, positions: Mapping[str, StreamPosition]) -> Entered:
        """Come in where the visitor is from the beginning; `start` follows the answer.

        A channel that does not exist, or is another team's, is left out.

        Args:
            visitor: Who connects.
            positions: The ones to continue, by channel.

        Raises:
            Unavailable: One of the channels is out of reach; then it is in none.
        """
        entered = Entered()
        room = MAX_MISSED_BYTES
        try:
            async with in_time():
                for channel, terms in self._wanted(visitor):
                    since = positions.get(str(channel))
                    if membership := await self._join(channel, since, terms):
                        room -= self._note(entered, membership, since, room=room)
        except BaseException:
            for membership in entered.memberships:
                await self._memberships.leave(membership.name)
                self._rules.left(membership.name)
            raise
        return entered

    def _wanted(self, visitor: Visitor) -> Iterator[tuple[Channel, Terms]]:
        own: set[str] = set()
        for namespace in self._namespaces:
            channel = channels.personal_channel(namespace, visitor.user)
            if namespace.personal and channel:
                own.add(str(channel))
                yield channel, OWN
        for name, subscription in visitor.subscriptions.items():
            if name in own:
                continue
            try:
                yield asked.channel(name, self._namespaces), given(subscription)
            except (NotFound, InvalidRequest) as error:
                _note_left_out(name, error)

    async def _join(
        self, channel: Channel, since: StreamPosition | None, terms: Terms
    ) -> Membership | None:
        try:
            return await self._memberships.join(channel, since=since, terms=terms)
        except (NotFound, LimitExceeded) as error:
            _note_left_out(str(channel), error)
            return None

    def _note(
        self,
        entered: Entered,
        membership: Membership,
        since: StreamPosition | None,
        *,
        room: int,
    ) -> int:
        """Keep what the client is told of it; how many bytes of the answer that takes."""
        subscription = membership.subscription
        missed = list(subscription.publications)
        size = sum(len(publication.data) for publication in missed)
        if size > room:
            entered.later[membership.name] = missed
            size = 0
        has_history = membership.channel.has_history
        result = answers.subscription(
            subscription,
            page=[] if membership.name in entered.later else membership.page(),
            has_history=has_history,
            was_recovering=has_history and since is not None,
        )
        if data := membership.terms.data:
            result.data = msgspec.Raw(data)
        entered.results[membership.name] = result
        entered.memberships.append(membership)
        self._rules.entered(membership.name, membership.terms, now=time.monotonic())
        return size

    async def start(self, entered: Entered) -> None:
        """Let all of them flow: the client was told."""
        for membership in entered.memberships:
            if membership.name not in entered.later:
                self._memberships.start(membership)
        for membership in entered.memberships:
            if missed := entered.later.get(membership.name):
                await self._teller.outbox.room()
                membership.offer(Batch(membership.name, missed))
                self._memberships.start(membership)

    async def add(
        self, channel: Channel, terms: Terms = OWN, *, since: StreamPosition | None = None
    ) -> None:
        """Subscribe the client while it is connected; nothing happens where it is already.

        Args:
            channel: Of the connection's team.
            terms: What it is like; by the server.
            since: The position to continue; None: from now on.

        Raises:
            NotFound: There is no such channel.
            Unavailable: It is out of reach.
        """
        await self._teller.outbox.room()
        try:
            membership = await self._memberships.join(channel, since=since, terms=terms)
        except AlreadyExists:
            return
        # No await from here: the push goes out before anything of the channel.
        self._rules.entered(membership.name, terms, now=time.monotonic())
        subscription = membership.subscription
        self._teller.tell(
            answers.added(
                membership.name, subscription, has_history=channel.has_history, data=terms.data
            )
        )
        if subscription.publications:
            membership.offer(Batch(membership.name, subscription.publications))
        self._memberships.start(membership)

    async def remove(self, channel: str, why: Unsubscribed = codes.BY_SERVER) -> None:
        """Take the client out of a channel, whoever wanted it there, and tell it why."""
        if await self._memberships.leave(channel):
            self._teller.tell(self._rules.ended(channel, why))


def _note_left_out(name: str, error: FactoryError) -> None:
    logger.warning(
        "a channel of a connection token is left out",
        extra={"channel": name[: channels.MAX_NAME_BYTES], "reason": error.message},
    )
