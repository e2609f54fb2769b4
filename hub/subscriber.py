"""One reader on one channel, and the channel as this hub knows it.

A watched channel has one contiguous top: nothing up to it is missing here. A subscriber that stands
at the top is *live* and gets each batch as it comes; one that stands below reads the history at its
own pace until it is there. So no publication is ever buffered for a reader, only positions are.
"""

from collections.abc import Callable, Sequence
from time import monotonic

import anyio

from hub.history import History
from protocols.channels import Channel, Publication
from protocols.operations.channels import Batch, Reader
from protocols.operations.presence import Coming
from protocols.principals import TeamId


class Watched:
    """A channel that somebody here watches.

    Attributes:
        key: What it is called in this process and in Redis, where other teams have their own.
        top: The last offset up to which nothing is missing here.
        target: The highest offset heard of; above `top` while the history is being read.
        heard_at: When something came last, on the monotonic clock.
        deliveries: Publications that readers took since it was opened.
        idle_since: When the last subscriber left; None while there is one.
    """

    def __init__(self, channel: Channel, history: History, *, key: str) -> None:
        self.channel = channel
        self.name = str(channel)
        self.key = key
        self.history = history
        self.epoch = ""
        self.top = 0
        self.target = 0
        self.team = TeamId(0)
        self.heard_at = 0.0
        self.deliveries = 0
        self.is_filling = False
        self.is_closed = False
        self.idle_since: float | None = None
        self.subscribers: dict[Subscriber, None] = {}
        self.opened = anyio.Event()
        self.is_open = False
        self._keeps_last = bool(channel.application and channel.application.delta)
        self._last: bytes | None = None  # the data of the publication at the top

    def deliver(self, publications: Sequence[Publication]) -> int:
        """Move the top over these, which follow it, and hand them to who is live.

        Returns:
            How many publications were taken by readers.
        """
        before, self.top = self.top, publications[-1].offset
        self.target = max(self.target, self.top)
        self.heard_at = monotonic()
        batch = Batch(self.name, publications, previous=self._last)
        self._last = publications[-1].data if self._keeps_last else None
        live = [subscriber for subscriber in self.subscribers if subscriber.is_live]
        return sum(subscriber.take(batch, after=before) for subscriber in live)

    def deliver_beside(self, publications: Sequence[Publication]) -> int:
        """Hand these to who is live and has room; they have no place in the channel's history.

        Returns:
            How many publications were taken by readers.
        """
        batch = Batch(self.name, publications)
        live = [subscriber for subscriber in self.subscribers if subscriber.is_live]
        return sum(len(publications) for one in live if one.reader.offer(batch))

    def announce(self, coming: Coming) -> None:
        """Hand on who has come or gone, to whom publications flow, however far they are."""
        for subscriber in list(self.subscribers):
            if subscriber.is_started:
                subscriber.reader.notice(coming)


class Subscriber:
    """Keeps the `Subscription` promise: one reader's position on one channel.

    Args:
        watched: The channel, open.
        reader: Where publications go.
        catch_up: Starts reading the history for a subscriber that is behind.
        leave: Called once, at the end.
    """

    def __init__(
        self,
        watched: Watched,
        reader: Reader,
        *,
        catch_up: "Callable[[Subscriber], None]",
        leave: "Callable[[Subscriber], None]",
    ) -> None:
        self.watched = watched
        self.reader = reader
        self.epoch = watched.epoch
        self.offset = watched.top
        self.recovered = False
        self.publications: Sequence[Publication] = ()
        self.reached = watched.top  # the last offset given to the reader
        self.is_started = False
        self.is_live = False
        self.has_been_live = False
        self.is_closed = False
        self._catch_up = catch_up
        self._leave = leave

    def start(self) -> None:
        """Flow: at once when at the top, else by way of the history."""
        self.publications = ()
        if self.is_closed:
            return
        self.is_started = True
        if self.reached >= self.watched.top:
            self.is_live = True
        else:
            self.fall_behind()

    def fall_behind(self) -> None:
        """Read the history until the top is reached."""
        self.has_been_live = self.is_live
        self.is_live = False
        self._catch_up(self)

    def take(self, batch: Batch, *, after: int) -> int:
        """Pass a batch on that continues offset `after`; a full reader falls behind.

        Where no history is kept to fall back to, it is told that it has missed something.

        Returns:
            How many publications the reader took.
        """
        if self.reached > after:
            number = sum(one.offset <= self.reached for one in batch.publications)
            if number == len(batch.publications):
                return 0
            known, missing = batch.publications[number - 1], batch.publications[number:]
            batch = Batch(batch.channel, missing, previous=known.data)
        elif self.reached < after:
            self.fall_behind()
            return 0
        if not self.reader.offer(batch):
            if self.watched.channel.has_history:
                self.fall_behind()
            else:
                self.lose()
            return 0
        self.reached = batch.publications[-1].offset
        return len(batch.publications)

    def close(self) -> None:
        """Leave the channel."""
        if not self.is_closed:
            self.is_closed = True
            self.is_live = False
            self._leave(self)

    def lose(self) -> None:
        """Leave, and tell the reader that its position cannot be continued."""
        if not self.is_closed:
            self.close()
            self.reader.lose(self.watched.name)
