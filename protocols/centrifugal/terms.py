"""What a connection's being in a channel is like, whoever wanted it. Plain values."""

from dataclasses import dataclass

from protocols.centrifugal.grants import NO_OVERRIDES, Overrides
from protocols.centrifugal.tags import TagsFilter
from protocols.channels import Channel
from protocols.principals import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is wished, or decided for it.

    Attributes:
        is_by_server: No command asked for it: what ends it for want of state ends the connection.
        info: What others see of it in this channel, one line of JSON; empty: no more than of the
            connection.
        join_leave: Whether it wants to be told who comes and goes.
        expires_in: Seconds until it is over, unless a new token comes; None: never.
        data: Handed to the client with the subscription, one line of JSON; empty: nothing.
        tags: Only these publications are wanted; None: all.
        is_delta: Publications are what has changed since the one before.
        overrides: Options of the channel that are otherwise for this subscriber.
    """

    is_by_server: bool = False
    info: bytes = b""
    join_leave: bool = False
    expires_in: float | None = None
    data: bytes = b""
    tags: TagsFilter | None = None
    is_delta: bool = False
    overrides: Overrides = NO_OVERRIDES


BY_COMMAND = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What came of it by the channel's rules.

    Attributes:
        is_present: Others may ask whether it is there.
        is_announced: Others are told that it comes and goes.
        is_told: It is told who else does.
    """

    is_present: bool = False
    is_announced: bool = False
    is_told: bool = False


UNSEEN = Manner()


def manner(terms: Terms, channel: Channel, role: Role) -> Manner:
    """How somebody of this role is in the channel."""
    rules, overrides = channel.application, terms.overrides
    if rules is None:
        return UNSEEN
    is_announced = _first(overrides.join_leave, rules.join_leave)
    is_forced = _first(overrides.force_push_join_leave, rules.force_push_join_leave)
    may_ask = terms.join_leave and rules.lets_see_presence(role, is_subscribed=True)
    return Manner(
        is_present=_first(overrides.presence, rules.presence),
        is_announced=is_announced,
        is_told=is_forced or may_ask,
    )


def _first(override: bool | None, rule: bool) -> bool:  # noqa: FBT001  the two are alike
    return rule if override is None else override
