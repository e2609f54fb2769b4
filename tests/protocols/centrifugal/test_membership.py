"""What a slow reader of a conflating channel is told: the newest alone, once there is room."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from protocols import channels, namespaces
from protocols.centrifugal import tags
from protocols.centrifugal.membership import Membership
from protocols.centrifugal.outbox import HIGH_BYTES, Outbox
from protocols.centrifugal.teller import Teller
from protocols.centrifugal.terms import Manner, Terms
from protocols.centrifugal.wire.commands import FilterNode
from protocols.centrifugal.wire.json_form import JSON
from protocols.channels import ApplicationPublication
from protocols.operations.channels import Batch
from protocols.operations.presence import Present

NAMESPACES = namespaces.parse(
    '[{"name":"now","conflate":true},{"name":"all"},'
    '{"name":"price","history_size":9,"history_seconds":9,"conflate":true,"delta":true}]'
)
EVEN = tags.parse(FilterNode(key="even", cmp="eq", val="true"))
BLOCK = b"x" * (HIGH_BYTES + 1)


def batch(first: int, last: int, *, channel: str = "now:a", previous: bytes | None = None) -> Batch:
    found = [
        ApplicationPublication(
            n, b'"%d, and what stays as it is, as it is"' % n, 5, tags=tags_of(n)
        )
        for n in range(first, last + 1)
    ]
    return Batch(channel, found, previous=previous)


def tags_of(number: int) -> dict[str, str]:
    return {"even": "true"} if number % 2 == 0 else {}


class Slow:
    """A reader in whose outbox too much waits, until it is written."""

    def __init__(self, channel: str = "now:a", terms: Terms | None = None) -> None:
        self.outbox = Outbox(b"\n")
        self.pubs: list[dict[str, Any]] = []
        self.membership = Membership(
            channels.parse(channel, NAMESPACES),
            terms or Terms(),
            manner=Manner(),
            present=Present("c1", "", b"{}"),
            teller=Teller(JSON, self.outbox, lambda _: pytest.fail("it was closed")),
            lost=lambda _: pytest.fail("it was lost"),
        )
        self.fill()

    def fill(self) -> None:
        assert self.outbox.put(BLOCK)

    async def read(self) -> list[int]:
        before = len(self.pubs)
        await self.outbox.flush(self._write)
        return [pub["offset"] for pub in self.pubs[before:]]

    async def _write(self, frame: bytes) -> None:
        lines = [line for line in frame.split(b"\n") if line != BLOCK]
        self.pubs += [json.loads(line)["push"]["pub"] for line in lines]


async def test_it_gets_the_newest_and_what_was_left_out_is_counted():
    slow = Slow()
    for first in (1, 4, 7):
        assert slow.membership.offer(batch(first, first + 2))
    assert await slow.read() == [9]
    assert slow.outbox.skipped == 8

    assert slow.membership.offer(batch(10, 12))
    assert await slow.read() == [10, 11, 12]
    assert slow.outbox.skipped == 8


async def test_it_gets_the_newest_of_what_it_wishes_for():
    slow = Slow(terms=Terms(tags=EVEN))
    for first in (1, 4, 7):
        assert slow.membership.offer(batch(first, first + 2))
    assert slow.membership.offer(batch(11, 11))
    assert await slow.read() == [8]
    assert slow.outbox.skipped == 3  # 2, 4 and 6


async def test_the_newest_is_a_whole_and_what_follows_it_a_change():
    slow = Slow("price:a", Terms(is_delta=True))
    for number in (1, 2, 3):
        slow.membership.offer(batch(number, number, channel="price:a", previous=text(number - 1)))
    assert await slow.read() == [3]
    slow.membership.offer(batch(4, 4, channel="price:a", previous=text(3)))
    assert await slow.read() == [4]
    assert [pub.get("delta", False) for pub in slow.pubs] == [False, True]


def text(number: int) -> bytes:
    return batch(number, number).publications[0].data


async def test_what_is_kept_apart_comes_before_what_is_newer():
    slow = Slow()
    slow.membership.offer(batch(1, 1))
    assert not slow.outbox.has_room_for(slow.membership)
    slow.membership.offer(batch(2, 2))
    slow.fill()
    slow.membership.offer(batch(3, 3))
    assert await slow.read() == [3]


@pytest.mark.parametrize("ends", [Membership.close, lambda one: one.lose("now:a")])
async def test_nothing_follows_the_end(ends: Callable[[Membership], None]):
    slow = Slow()
    slow.membership.offer(batch(1, 1))
    ends(slow.membership)
    assert await slow.read() == []


async def test_elsewhere_a_slow_reader_refuses():
    slow = Slow("all:a")
    assert not slow.membership.offer(batch(1, 3))
    assert await slow.read() == []
    assert slow.outbox.skipped == 0


async def test_while_what_waits_is_written_nothing_newer_overtakes_what_is_kept_apart():
    slow = Slow()
    for _ in range(4):
        assert slow.outbox.put(b"x" * 60_000)
    told: list[int] = []
    numbers = iter(range(1, 100))

    async def write(frame: bytes) -> None:
        lines = [line for line in frame.split(b"\n") if not line.startswith(b"x")]
        told.extend(json.loads(line)["push"]["pub"]["offset"] for line in lines)
        number = next(numbers)
        if number < 10:
            slow.membership.offer(batch(number, number))

    await slow.outbox.flush(write)

    assert told == sorted(set(told))
    assert told[-1] == 9
    assert len(told) + slow.outbox.skipped == 9
