"""What a session says, as messages: results, errors, and what it tells by itself."""

from collections.abc import Mapping

import msgspec

from protocols.centrifugal.codes import ErrorCode, Unsubscribed
from protocols.centrifugal.wire.publication import publication_field, read_info
from protocols.centrifugal.wire.replies import Push, Reply, SubscribePush, UnsubscribePush
from protocols.centrifugal.wire.results import (
    ConnectResult,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    PublishResult,
    RefreshResult,
    RPCResult,
    SubRefreshResult,
    SubscribeResult,
    UnsubscribeResult,
)
from protocols.centrifugal.wire.values import ABSENT, ErrorField, PublicationField
from protocols.operations.channels import HistoryPage, Subscription
from protocols.operations.presence import PresencePage, PresenceStats


def ttl_of(seconds: float | None) -> int | None:
    """As clients are told it: whole seconds, at least one."""
    return None if seconds is None else max(1, int(seconds))


def error(command_id: int, code: ErrorCode, message: str | None = None) -> Reply:
    """An answer that is an error, in the code's own words unless others are given."""
    field = ErrorField(code=code.code, message=message or code.message, temporary=code.temporary)
    return Reply(id=command_id, error=field)


def connected(
    command_id: int,
    client: str,
    *,
    version: str,
    ping: int,
    ttl: int | None,
    subs: Mapping[str, SubscribeResult],
) -> Reply:
    """To `connect`; `ttl` if the client has to refresh; `subs`: where the server put it."""
    result = ConnectResult(
        client=client,
        version=version,
        ping=ping,
        pong=True,
        expires=ttl is not None,
        ttl=ttl or 0,
        subs=dict(subs),
    )
    return Reply(id=command_id, connect=result)


def refreshed(command_id: int, client: str, *, version: str, ttl: int | None) -> Reply:
    """To `refresh`; `ttl` if it is not for good."""
    result = RefreshResult(client=client, version=version, expires=ttl is not None, ttl=ttl or 0)
    return Reply(id=command_id, refresh=result)


def subscription(
    held: Subscription,
    *,
    page: list[PublicationField] | None = None,
    has_history: bool,
    was_recovering: bool,
    is_delta: bool = False,
    ttl: int | None = None,
) -> SubscribeResult:
    """What a client learns of one; without history there are no positions; `ttl` as in `connected`.

    Args:
        held: The subscription.
        page: The first of what was missed, as this client is told it; None: as it was published.
        has_history: Of the channel.
        was_recovering: Whether it was asked for.
        is_delta: Whether publications are what changed.
        ttl: If it has to be refreshed.
    """
    if page is None:
        page = [publication_field(one) for one in held.publications]
    return SubscribeResult(
        recoverable=has_history,
        positioned=has_history,
        epoch=held.epoch,
        offset=held.offset,
        was_recovering=was_recovering,
        recovered=held.recovered,
        publications=page,
        delta=is_delta,
        expires=ttl is not None,
        ttl=ttl or 0,
    )


def subscribed(command_id: int, result: SubscribeResult) -> Reply:
    """To `subscribe`."""
    return Reply(id=command_id, subscribe=result)


def added(channel: str, held: Subscription, *, has_history: bool, data: bytes) -> Reply:
    """Tells that the server has put the client into a channel."""
    push = SubscribePush(
        recoverable=has_history,
        positioned=has_history,
        epoch=held.epoch,
        offset=held.offset,
        data=msgspec.Raw(data) if data else ABSENT,
    )
    return Reply(push=Push(channel, subscribe=push))


def subscription_refreshed(command_id: int, *, ttl: int | None) -> Reply:
    """To `sub_refresh`; `ttl` if it is not for good."""
    return Reply(id=command_id, sub_refresh=SubRefreshResult(expires=ttl is not None, ttl=ttl or 0))


def unsubscribed(command_id: int) -> Reply:
    """To `unsubscribe`, also of what was not subscribed."""
    return Reply(id=command_id, unsubscribe=UnsubscribeResult())


def published(command_id: int) -> Reply:
    """To `publish`."""
    return Reply(id=command_id, publish=PublishResult())


def history(command_id: int, page: HistoryPage) -> Reply:
    """To `history`."""
    result = HistoryResult(
        publications=[publication_field(one) for one in page.publications],
        epoch=page.position.epoch,
        offset=page.position.offset,
    )
    return Reply(id=command_id, history=result)


def presence(command_id: int, page: PresencePage) -> Reply:
    """To `presence`."""
    found = {one.client: info for one in page.members if (info := read_info(one.info))}
    return Reply(id=command_id, presence=PresenceResult(presence=found))


def presence_stats(command_id: int, stats: PresenceStats) -> Reply:
    """To `presence_stats`."""
    result = PresenceStatsResult(num_clients=stats.clients, num_users=stats.users)
    return Reply(id=command_id, presence_stats=result)


def called(command_id: int, answer: bytes) -> Reply:
    """To `rpc`; the answer is one line of JSON."""
    return Reply(id=command_id, rpc=RPCResult(data=msgspec.Raw(answer)))


def ended(channel: str, why: Unsubscribed) -> Reply:
    """Tells that a subscription has ended, without having been asked."""
    return Reply(push=Push(channel, unsubscribe=UnsubscribePush(why.code, why.reason)))
