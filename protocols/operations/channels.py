"""What may be watched: a channel, from a position, without a gap. Kept by the hub.

A binding brings a `Reader`, the near end of its socket or stream; the hub hands it publications in
order and never waits for it. A reader that is full loses nothing: its subscription falls back to
reading the channel's history at the reader's own pace.
"""

from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from protocols.channels import Channel, Publication, StreamPosition
from protocols.namespaces import Namespaces
from protocols.operations.presence import Attendances, Coming
from protocols.principals import Principal

T = TypeVar("T")
Form = Callable[[str, Sequence[Publication]], bytes]  # how a binding spells publications


@dataclass(frozen=True, slots=True)
class Reset:
    """What was missed cannot be proved complete: load the state anew, then go on from here."""

    position: StreamPosition


class Batch:
    """Consecutive publications of one channel; what is made of them is made once for all readers.

    Attributes:
        channel: Its name.
        publications: Oldest first.
        previous: The data of the channel's publication right before them, if it is at hand.
    """

    __slots__ = ("_made", "_spelled", "channel", "previous", "publications")

    def __init__(
        self, channel: str, publications: Sequence[Publication], *, previous: bytes | None = None
    ) -> None:
        self.channel = channel
        self.publications = publications
        self.previous = previous
        self._spelled: dict[Form, bytes] = {}
        self._made: dict[Hashable, object] = {}

    def spelled(self, form: Form) -> bytes:
        """The publications in this form."""
        found = self._spelled.get(form)
        if found is None:
            found = self._spelled[form] = form(self.channel, self.publications)
        return found

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made of them under this key, by whoever asked first."""
        if key not in self._made:
            self._made[key] = make()
        return cast("T", self._made[key])


class Reader(Protocol):
    """The near end of a socket or stream: a bounded queue that somebody drains."""

    def offer(self, batch: Batch) -> bool:
        """Queue the whole batch, or nothing of it because the queue is full."""
        ...

    def notice(self, coming: Coming) -> None:
        """Tell, if it wants to know, that somebody has come in to the channel or left it."""
        ...

    async def room(self) -> None:
        """Return once the queue is nearly empty, so that a page fits; or it is closed."""
        ...

    def lose(self, channel: str) -> None:
        """The subscription ended because its position cannot be continued; nothing follows."""
        ...


class Subscription(Protocol):
    """One reader on one channel.

    Attributes:
        epoch: Of the channel.
        offset: The reader's own one when it recovered, else the channel's top.
        recovered: Whether `publications` and what follows continue the asked position.
        publications: The first page of what was missed, oldest first; more comes by the reader.
    """

    @property
    def epoch(self) -> str: ...  # noqa: D102  see Attributes
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def recovered(self) -> bool: ...  # noqa: D102
    @property
    def publications(self) -> Sequence[Publication]: ...  # noqa: D102

    def start(self) -> None:
        """Let publications flow; called once the answer to the subscriber is queued."""
        ...

    def close(self) -> None:
        """No more publications; may be called again."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a channel's history, and the channel's top."""

    position: StreamPosition
    publications: Sequence[Publication]


class Channels(Protocol):
    """Everything that can be watched, for who may watch it.

    Attributes:
        namespaces: Of application channels.
        attendance: Who is in those.
    """

    @property
    def namespaces(self) -> Namespaces: ...  # noqa: D102  see Attributes
    @property
    def attendance(self) -> Attendances: ...  # noqa: D102

    async def subscribe(
        self,
        principal: Principal,
        reader: Reader,
        *,
        channel: Channel,
        since: StreamPosition | None,
    ) -> Subscription:
        """Join a channel at its top, or after `since`; nothing flows before `start()`.

        An empty epoch in `since` counts as the channel's own. A channel without history is joined
        now, whatever `since` says.

        Raises:
            NotFound: There is no such channel in the principal's team.
            Unavailable: The channel's top is out of reach.
        """
        ...

    def follow(
        self, principal: Principal, channel: Channel, *, after: StreamPosition | None
    ) -> AbstractAsyncContextManager[AsyncIterator[Publication | Reset]]:
        """The publications after a position, then live ones as they come, in order, each once.

        A `Reset` comes first if the position cannot be continued; one that comes later is the
        last item. The iteration ends when the hub stops.

        Raises:
            NotFound: There is no such channel in the principal's team.
            Unavailable: The channel's top is out of reach.
        """
        ...

    async def history(
        self,
        principal: Principal,
        channel: Channel,
        *,
        since: StreamPosition | None,
        limit: int,
        reverse: bool,
    ) -> HistoryPage | None:
        """Publications after `since` (before it, newest first, when reversed), and the top.

        Args:
            principal: Who asks.
            channel: Whose history.
            since: Exclusive; None: from the beginning, or from the top when reversed.
            limit: At most so many; 0: only the position.
            reverse: Newest first.

        Returns:
            None when `since` is of another epoch, or above the top.

        Raises:
            NotFound, Unavailable: As `subscribe`.
        """
        ...

    async def publish(
        self,
        principal: Principal,
        channel: Channel,
        *,
        data: bytes,
        info: bytes,
        is_subscribed: bool,
    ) -> None:
        """Publish to an application's channel of the principal's team, for everybody who watches.

        Args:
            principal: Who publishes.
            channel: Where to.
            data: One line of JSON.
            info: Of the client that publishes, one line of JSON.
            is_subscribed: Whether that client watches the channel.

        Raises:
            Forbidden: The channel is not the application's, or its rules do not let them.
            LimitExceeded: The data is too large.
            Unavailable: It may have been published, or not.
        """
        ...
