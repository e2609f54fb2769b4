"""One connection in one channel: the reader that its publications go to.

How it came to be there, by a command or by the server's will, is decided elsewhere.
"""

from collections.abc import Callable

from protocols.centrifugal.spelling import spelling
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.terms import Manner, Terms
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import Channel
from protocols.operations.channels import Batch, Subscription
from protocols.operations.presence import Coming, Present


class Membership:
    """A `Reader` of one subscription; what it is offered waits in the connection's outbox.

    Attributes:
        channel: The one it is in.
        terms: On which it is there.
        manner: What came of them.
        present: It, as others see it.
        is_started: Its client was told that it is there.
        is_lost: Its position cannot be continued: nothing follows.
    """

    __slots__ = (  # there may be a hundred thousand
        "_conflates",
        "_lost",
        "_outbox",
        "_publications",
        "_spelling",
        "_subscription",
        "_takes_all",
        "_teller",
        "channel",
        "is_lost",
        "is_started",
        "manner",
        "present",
        "terms",
    )

    def __init__(
        self,
        channel: Channel,
        terms: Terms,
        *,
        manner: Manner,
        present: Present,
        teller: Teller,
        lost: "Callable[[Membership], None]",
    ) -> None:
        self.channel = channel
        self.terms = terms
        self.manner = manner
        self.present = present
        self.is_lost = False
        self._teller = teller
        self._lost = lost
        self._outbox = teller.outbox
        self._publications = teller.form.publications
        self._conflates = bool(channel.application and channel.application.conflate)
        self._spelling = spelling(terms, teller.form, channel)
        self._takes_all = not (self._conflates or terms.tags or terms.is_delta)
        self.is_started = False
        self._subscription: Subscription | None = None

    @property
    def name(self) -> str:
        """Of the channel."""
        return str(self.channel)

    @property
    def subscription(self) -> Subscription:
        """What it holds of the channel, once it has come in."""
        if self._subscription is None:
            raise RuntimeError(f"nobody has come in to channel {self.name!r} yet")
        return self._subscription

    @property
    def recovered(self) -> bool:
        """Whether it continues the position it asked for."""
        return self.subscription.recovered

    def hold(self, subscription: Subscription) -> None:
        """It has come in."""
        self._subscription = subscription

    def start(self) -> None:
        """Let publications flow: whoever is told that it is there has been told.

        What was lost before is told of now.
        """
        self.is_started = True
        if self.is_lost:
            self._lost(self)
        else:
            self.subscription.start()

    def close(self) -> None:
        """No more publications; may be called again."""
        self._outbox.forget(self)
        if self._subscription is not None:
            self._subscription.close()

    def offer(self, batch: Batch) -> bool:
        """Queue what of it is for this client, or refuse it while too much waits."""
        if self._takes_all:  # as most do: a delivery costs least of all here
            return self._outbox.offer(lambda: batch.spelled(self._publications))
        wanted = self._spelling.wanted(batch)
        if not wanted:
            return True
        if self._conflates:
            self._conflate(batch, len(wanted))
            return True
        return self._outbox.offer(lambda: self._spelling.spelled(batch))

    def _conflate(self, batch: Batch, wanted: int) -> None:
        """All of it while there is room, then the newest alone; what is left out is counted."""
        outbox, spelling = self._outbox, self._spelling
        if outbox.has_room_for(self):
            outbox.offer(lambda: spelling.spelled(batch))
            return
        newest = spelling.newest(batch)
        is_instead = outbox.keep_newest(self, lambda: spelling.spelled(newest))
        outbox.skipped += wanted - 1 + is_instead

    def page(self) -> list[PublicationField]:
        """The first page of what was missed, for the answer; to be asked for once."""
        return self._spelling.page(self.subscription.publications)

    def notice(self, coming: Coming) -> None:
        """Tell of it, if it wants to know."""
        if self.manner.is_told and (message := coming.spelled(self._teller.form.coming)):
            self._teller.pass_on(message)

    async def room(self) -> None:
        """Return once a page fits."""
        await self._outbox.room()

    def lose(self, channel: str) -> None:
        """See `Reader`."""
        self.is_lost = True
        self._outbox.forget(self)
        if self.is_started:
            self._lost(self)
