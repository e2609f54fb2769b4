"""Catching up: from a reader's position to the channel's top, by the history, without a gap.

What cannot be proved gap-free is said so: not recovered, or lost when it happens in mid-stream.
"""

import logging
from dataclasses import dataclass

import anyio

from hub.application_history import ApplicationHistory
from hub.history import StreamHistory
from hub.subscriber import Subscriber
from protocols.channels import StreamPosition
from protocols.errors import Unavailable
from protocols.operations.channels import Batch

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.25


@dataclass(slots=True)
class Recoveries:
    """How readers came back, by where what they missed was found."""

    nothing_missed: int = 0
    from_log: int = 0
    from_feed: int = 0  # or an application's channel
    not_recovered: int = 0
    fell_behind: int = 0


async def begin(subscriber: Subscriber, since: StreamPosition, recoveries: Recoveries) -> None:
    """Decide whether the subscriber continues `since`, and fetch the first page of what it missed.

    Raises:
        Unavailable: The history is out of reach.
    """
    watched = subscriber.watched
    if since.epoch not in ("", watched.epoch):
        return _not_recovered(subscriber, recoveries)
    if since.offset > watched.top:
        top = await watched.history.top()  # another hub may be ahead of this one
        if since.offset > top.offset or top.epoch != watched.epoch:
            return _not_recovered(subscriber, recoveries)
        watched.target = max(watched.target, top.offset)
        return _recovered(subscriber, since.offset, reached=since.offset)
    if since.offset == watched.top:
        recoveries.nothing_missed += 1
        return _recovered(subscriber, since.offset, reached=since.offset)

    page = await watched.history.page(epoch=watched.epoch, after=since.offset, top=watched.top)
    if page is None:
        return _not_recovered(subscriber, recoveries)
    if isinstance(watched.history, StreamHistory):
        recoveries.from_log += 1
    else:
        recoveries.from_feed += 1
    subscriber.publications = page
    return _recovered(subscriber, since.offset, reached=page[-1].offset)


async def begin_with_newest(
    subscriber: Subscriber, since: StreamPosition | None, recoveries: Recoveries
) -> None:
    """Fetch the newest publication, unless the subscriber has it, and go on from there.

    Raises:
        Unavailable: The history is out of reach.
    """
    watched = subscriber.watched
    if not isinstance(watched.history, ApplicationHistory):
        return _not_recovered(subscriber, recoveries)
    position, newest = await watched.history.newest()
    if newest is None or position.epoch != watched.epoch or newest.offset < watched.top:
        return _not_recovered(subscriber, recoveries)
    watched.target = max(watched.target, newest.offset)
    if since and (since.offset, since.epoch or position.epoch) == (newest.offset, position.epoch):
        recoveries.nothing_missed += 1
    else:
        recoveries.from_feed += 1
        subscriber.publications = [newest]
    return _recovered(subscriber, newest.offset, reached=newest.offset)


def _recovered(subscriber: Subscriber, offset: int, *, reached: int) -> None:
    subscriber.recovered = True
    subscriber.offset = offset
    subscriber.reached = reached


def _not_recovered(subscriber: Subscriber, recoveries: Recoveries) -> None:
    recoveries.not_recovered += 1
    subscriber.offset = subscriber.reached = subscriber.watched.top


async def catch_up(subscriber: Subscriber) -> None:
    """Read the history into the reader, page by page as it has room, until the subscriber is live.

    A store that is away is asked again for as long as the reader stays.
    """
    try:
        await _read_up(subscriber)
    except Exception:  # one reader's trouble must not end the hub
        logger.exception("a reader could not catch up", extra={"channel": subscriber.watched.name})
        subscriber.lose()


async def _read_up(subscriber: Subscriber) -> None:
    watched = subscriber.watched
    while True:
        await subscriber.reader.room()
        if subscriber.is_closed:
            return
        if subscriber.reached >= watched.top:
            subscriber.is_live = True
            return
        try:
            page = await watched.history.page(
                epoch=subscriber.epoch, after=subscriber.reached, top=watched.top
            )
        except Unavailable:
            await anyio.sleep(RETRY_SECONDS)
            continue
        if page is None:
            subscriber.lose()
            return
        if subscriber.is_closed:
            return
        if subscriber.reader.offer(Batch(watched.name, page)):
            subscriber.reached = page[-1].offset
        else:  # it filled up meanwhile, or has ended; pages may come without any wait
            await anyio.sleep(RETRY_SECONDS)
