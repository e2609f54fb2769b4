"""Who a connection is of, as others in its channels see them. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from protocols.centrifugal.grants import ConnectionGrants, ServerSideSubscription
from protocols.centrifugal.wire.values import ABSENT, ClientInfo
from protocols.principals import Actor, Principal, Role, TeamId

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A member of a team, or a guest: somebody let in by a token.

    Attributes:
        principal: As operations judge them.
        user: What others see, and tokens are for: a guest's own name, empty for an anonymous one;
            a member's actor.
        info: What others see besides, one line of JSON.
        subscriptions: Channels the token subscribes them to.
    """

    principal: Principal
    user: str
    info: bytes | None = None
    subscriptions: Mapping[str, ServerSideSubscription] = field(
        default_factory=dict[str, ServerSideSubscription]
    )

    @property
    def is_guest(self) -> bool:
        """Whether they are no member."""
        return self.principal.role is Role.GUEST

    @property
    def is_anonymous(self) -> bool:
        """Whether they are nobody in particular: two of them may be different people."""
        return not self.user

    def info_of(self, client: str, *, channel_info: bytes | None = None) -> ClientInfo:
        """What others see of this connection, and in one channel besides."""
        return ClientInfo(
            user=self.user,
            client=client,
            conn_info=_raw(self.info),
            chan_info=_raw(channel_info),
        )


def _raw(text: bytes | None) -> msgspec.Raw:
    return msgspec.Raw(text) if text else ABSENT


def member(principal: Principal) -> Visitor:
    """Somebody who came with a key or a session."""
    return Visitor(principal=principal, user=principal.actor)


def guest(team: TeamId, grants: ConnectionGrants) -> Visitor:
    """Somebody who came with a token of the team's application."""
    principal = Principal(
        actor=Actor(f"guest:{grants.user}"),
        team=team,
        role=Role.GUEST,
        name=grants.user or ANONYMOUS,
        expires_at=grants.expires_at,
    )
    return Visitor(
        principal=principal,
        user=grants.user,
        info=grants.info,
        subscriptions=grants.subscriptions,
    )
