"""What a connection may do with channels: by who it is of, and by tokens for single channels.

Members watch the factory's own channels and, as the namespace says, the application's. Guests, whom
an application let in by a token, have only the application's, and of the factory's those that a
token names. A token opens what it names in the team whose key signed it, whatever the namespace
says; a channel for certain users opens to these alone. That a channel exists, and is the team's, is
looked at by whoever joins it.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from protocols.centrifugal.decisions import Subscribe
from protocols.centrifugal.grants import ServerSideSubscription
from protocols.centrifugal.keyring import Keyring
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.visitor import Visitor
from protocols.channels import Channel
from protocols.errors import Forbidden


class Rights:
    """Those of one connection.

    Args:
        visitor: Who it is of.
        keyring: Whose tokens count.
        clock: Seconds since 1970.
    """

    def __init__(
        self, visitor: Visitor, keyring: Keyring, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._visitor = visitor
        self._keyring = keyring
        self._clock = clock

    def subscribe(self, wish: Subscribe, token: str) -> Subscribe:
        """What they wish for, on the terms on which they may have it.

        Args:
            wish: As they asked.
            token: For this channel; empty: there is none.

        Raises:
            ExpiredToken: The client has to get a new one.
            ForeignToken: It is another user's, or for another channel.
            InvalidToken, Forbidden: They may not.
        """
        if not token:
            self._refuse_closed(wish.channel)
            return wish
        granted = self.by_token(wish.channel, token)
        terms = replace(
            wish.terms,
            expires_in=granted.expires_in,
            info=granted.info,
            overrides=granted.overrides,
        )
        return replace(wish, terms=terms)

    def by_token(self, channel: Channel, token: str) -> Terms:
        """The terms of a token for this channel.

        Raises:
            ExpiredToken, ForeignToken, InvalidToken: As `subscribe`.
        """
        grant = self._keyring.subscription(
            token,
            team=self._visitor.principal.team,
            user=self._visitor.user,
            channel=str(channel),
        )
        left = None if grant.expires_at is None else grant.expires_at - self._clock()
        return Terms(expires_in=left, info=grant.info or b"", overrides=grant.overrides)

    def read(self, channel: Channel, *, is_subscribed: bool) -> None:
        """Return when they may look at what was published there, and at who is there.

        Raises:
            Forbidden: They are not subscribed, and could not be without a token.
        """
        if not is_subscribed:
            self._refuse_closed(channel)

    def _refuse_closed(self, channel: Channel) -> None:
        if not self._is_open(channel):
            raise Forbidden(f"a token is needed for channel {str(channel)!r}")

    def _is_open(self, channel: Channel) -> bool:
        rules = channel.application
        if rules is None:
            return not self._visitor.is_guest
        if users := channel.users:
            return self._visitor.user in users
        return rules.lets_subscribe(self._visitor.principal.role)


def given(subscription: ServerSideSubscription) -> Terms:
    """Those on which a connection token subscribes to a channel."""
    return Terms(
        is_by_server=True,
        info=subscription.info or b"",
        data=subscription.data or b"",
        overrides=subscription.overrides,
    )
