"""What stood right before a batch, as deltas are made against it."""

from hub.application_history import NoHistory
from hub.subscriber import Subscriber, Watched
from protocols import channels, namespaces
from protocols.channels import Publication
from protocols.operations.channels import Batch
from protocols.principals import FIRST_TEAM
from tests.hub.conftest import Collected

NAMESPACES = namespaces.parse(
    '[{"name":"price","history_size":9,"history_seconds":9,"delta":true},'
    '{"name":"plain","history_size":9,"history_seconds":9}]'
)


class Kept(Collected):
    """A reader that keeps the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[list[int], bytes | None]] = []

    def offer(self, batch: Batch) -> bool:
        self.batches.append(([one.offset for one in batch.publications], batch.previous))
        return True


def watched(channel: str) -> Watched:
    return Watched(channels.parse(channel, NAMESPACES), NoHistory(FIRST_TEAM), key=channel)


def reader_at(channel: Watched, offset: int) -> Kept:
    reader = Kept()
    subscriber = Subscriber(channel, reader, catch_up=lambda _: None, leave=lambda _: None)
    subscriber.reached = offset
    subscriber.is_live = True
    channel.subscribers[subscriber] = None
    return reader


def publications(first: int, last: int) -> list[Publication]:
    return [Publication(n, b"%d" % n) for n in range(first, last + 1)]


def test_a_batch_says_what_stood_before_it_also_for_who_has_its_beginning():
    channel = watched("price:a")
    first, ahead = reader_at(channel, 0), reader_at(channel, 3)

    channel.deliver(publications(1, 2))
    channel.deliver(publications(3, 5))
    channel.deliver(publications(6, 6))

    assert first.batches == [([1, 2], None), ([3, 4, 5], b"2"), ([6], b"5")]
    assert ahead.batches == [([4, 5], b"3"), ([6], b"5")]


def test_what_is_beside_the_history_is_before_nothing():
    channel = watched("price:a")
    reader = reader_at(channel, 0)
    channel.deliver(publications(1, 1))
    channel.deliver_beside(publications(0, 0))
    channel.deliver(publications(2, 2))
    assert reader.batches == [([1], None), ([0], None), ([2], b"1")]


def test_where_there_are_no_deltas_nothing_is_kept_for_them():
    channel = watched("plain:a")
    reader = reader_at(channel, 0)
    for number in (1, 2):
        channel.deliver(publications(number, number))
    assert reader.batches == [([1], None), ([2], None)]
