"""Channels of applications: one order for offsets, history and pub/sub, and no silent gap."""

from collections import Counter

import anyio
import pytest
from redis.asyncio import Redis

from protocols.channels import StreamPosition
from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from protocols.principals import TeamId
from store.redis import application
from store.redis.application import ChannelPage, Outcome, Published
from store.redis.broker import Broker
from store.redis.keys import Keys, application_channel
from store.redis.publications import (
    NewPublication,
    PublicationFrame,
    PublishOptions,
    is_publication_frame,
)
from store.redis.realtime import Realtime, open_realtime
from tests.store.redis.hearing import connected, deaf, heard, publications

TEAM = TeamId(1)
NEWS = application_channel(TEAM, "news")
KEPT = PublishOptions(history_size=100, history_seconds=60)


async def publish(
    realtime: Realtime, data: bytes, options: PublishOptions = KEPT, channel: str = "news"
) -> Published:
    publication = NewPublication(data=data)
    return await realtime.application.publish(TEAM, channel, publication, options)


async def read(
    realtime: Realtime,
    since: StreamPosition | None = None,
    *,
    limit: int = 1000,
    reverse: bool = False,
) -> ChannelPage:
    return await realtime.application.read(TEAM, "news", since=since, limit=limit, reverse=reverse)


async def keys_of(url: str, prefix: str) -> set[bytes]:
    client = Redis.from_url(url)
    async with client:
        return set(await client.keys(f"{prefix}*"))


def data_of(page: ChannelPage) -> list[bytes]:
    return [publication.data for publication in page.publications]


async def test_fifty_publishers_at_once_have_one_order_everywhere(
    realtime: Realtime, broker: Broker, redis_url: str, redis_prefix: str
):
    """Two hubs, each with a connection of its own, twenty times each of fifty publishers."""
    answers: dict[bytes, Published] = {}
    live: list[PublicationFrame] = []

    async def publisher(through: Realtime, number: int) -> None:
        for turn in range(20):
            data = b'"%d-%d"' % (number, turn)
            answers[data] = await publish(
                through, data, PublishOptions(history_size=1000, history_seconds=60)
            )

    async with (
        open_realtime(redis_url, prefix=redis_prefix, node="two", hear=deaf) as other,
        broker.listen() as listener,
    ):
        await connected(listener)
        assert await listener.subscribe(NEWS)
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(publisher, other if number % 2 else realtime, number)
            live += await publications(listener, 1000)

    page = await read(realtime, StreamPosition("", 0))
    assert page.is_complete
    assert [one.offset for one in page.publications] == list(range(1, 1001))
    assert page.publications == [frame.publication for frame in live]
    assert {frame.epoch for frame in live} == {page.position.epoch}
    assert {one.data: one.offset for one in page.publications} == {
        data: answer.position.offset for data, answer in answers.items()
    }
    for number in range(50):  # what one publisher awaits one after the other stays in order
        own = [one.data for one in page.publications if one.data.startswith(b'"%d-' % number)]
        assert own == [b'"%d-%d"' % (number, turn) for turn in range(20)]


async def test_everything_of_a_publication_arrives_and_is_kept(realtime: Realtime, broker: Broker):
    publication = NewPublication(
        data='{"text":"grüße"}'.encode(), tags={"k": "v\n"}, info=b'{"user":"a"}'
    )
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe(NEWS)
        published = await realtime.application.publish(TEAM, "news", publication, KEPT)
        name, frame = await heard(listener)
        [understood] = [await publish(realtime, b"2"), *await publications(listener, 1)][1:]

    assert name == NEWS
    assert is_publication_frame(frame)
    page = await read(realtime)
    assert page.position.offset == published.position.offset + 1 == 2
    assert [one.tags for one in page.publications] == [{"k": "v\n"}, {}]
    first = page.publications[0]
    assert (first.data, first.info) == (publication.data, publication.info)
    assert understood.publication == page.publications[1]
    assert understood.previous is None


async def test_with_deltas_on_the_previous_data_goes_along(realtime: Realtime, broker: Broker):
    delta = PublishOptions(history_size=2, history_seconds=60, delta=True)
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe(NEWS)
        for data in (b"1", b"22", b"333"):
            await publish(realtime, data, delta)
        await publish(realtime, b"4444")
        await realtime.application.remove(TEAM, "news")
        await publish(realtime, b"5", delta)

        frames = await publications(listener, 5)

    assert [frame.previous for frame in frames] == [None, b"1", b"22", None, None]


async def test_the_previous_data_is_that_of_the_offset_before_or_none(
    realtime: Realtime, broker: Broker, redis_url: str, redis_prefix: str
):
    delta = PublishOptions(history_size=10, history_seconds=60, delta=True)
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe(NEWS)
        await publish(realtime, b"1", delta)
        await publish(realtime, b"2", delta)
        async with Redis.from_url(redis_url) as client:
            assert await client.xdel(Keys(redis_prefix).history(NEWS), "2-0") == 1
        await publish(realtime, b"3", delta)

        frames = await publications(listener, 3)

    assert [frame.previous for frame in frames] == [None, b"1", None]


async def test_without_a_history_nothing_is_kept(
    realtime: Realtime, broker: Broker, redis_url: str, redis_prefix: str
):
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe(NEWS)
        for options in (PublishOptions(), PublishOptions(history_size=10)):
            answer = await publish(realtime, b"1", options)
            assert answer == Published(StreamPosition("", 0), Outcome.PUBLISHED)
        frames = await publications(listener, 2)

    assert [frame.position for frame in frames] == [StreamPosition("", 0)] * 2
    assert await keys_of(redis_url, redis_prefix) == set()


@pytest.mark.parametrize("options", [KEPT, PublishOptions()], ids=["history", "no history"])
async def test_publishing_again_under_the_same_key_does_nothing(
    realtime: Realtime, broker: Broker, options: PublishOptions
):
    again = PublishOptions(
        history_size=options.history_size, history_seconds=60, idempotency_key="k {}\n"
    )
    async with broker.listen() as listener:
        await connected(listener)
        await listener.subscribe(NEWS)
        first = await publish(realtime, b"1", again)
        await publish(realtime, b"2", options)
        second = await publish(realtime, b"1", again)
        elsewhere = await publish(realtime, b"1", again, channel="other")
        await publish(realtime, b"3", options)

        live = [frame.publication.data for frame in await publications(listener, 3)]

    assert first.outcome is elsewhere.outcome is Outcome.PUBLISHED
    assert second == Published(first.position, Outcome.REPEATED)
    assert live == [b"1", b"2", b"3"]


async def test_a_key_that_many_use_at_once_is_used_once(realtime: Realtime):
    outcomes: list[Outcome] = []

    async def attempt() -> None:
        options = PublishOptions(history_size=10, history_seconds=60, idempotency_key="k")
        outcomes.append((await publish(realtime, b"1", options)).outcome)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(attempt)

    assert Counter(outcomes) == {Outcome.PUBLISHED: 1, Outcome.REPEATED: 19}
    assert (await read(realtime, limit=0)).position.offset == 1


async def test_a_version_that_is_not_newer_is_not_published(realtime: Realtime):
    async def versioned(version: int, epoch: str = "") -> Outcome:
        options = PublishOptions(
            history_size=10, history_seconds=60, version=version, version_epoch=epoch
        )
        return (await publish(realtime, b"%d" % version, options)).outcome

    largest = 2**64 - 1
    assert await versioned(9) is Outcome.PUBLISHED
    assert await versioned(9) is Outcome.OUTDATED
    assert await versioned(10) is Outcome.PUBLISHED
    assert await versioned(9) is Outcome.OUTDATED
    assert await versioned(largest - 1) is Outcome.PUBLISHED
    assert await versioned(largest - 2) is Outcome.OUTDATED
    assert await versioned(largest) is Outcome.PUBLISHED
    assert await versioned(1, "another") is Outcome.PUBLISHED
    assert await versioned(1, "another") is Outcome.OUTDATED
    assert (await publish(realtime, b"0")).outcome is Outcome.PUBLISHED
    assert await versioned(2, "another") is Outcome.PUBLISHED

    assert (await read(realtime, StreamPosition("", 0))).is_complete
    assert (await read(realtime)).position.offset == 7


async def test_an_outdated_publication_says_where_the_channel_stands(realtime: Realtime):
    new = PublishOptions(history_size=10, history_seconds=60, version=2)
    old = PublishOptions(history_size=10, history_seconds=60, version=1, idempotency_key="k")
    top = (await publish(realtime, b"2", new)).position

    assert await publish(realtime, b"1", old) == Published(top, Outcome.OUTDATED)
    assert await publish(realtime, b"1", old) == Published(top, Outcome.REPEATED)


async def test_history_is_read_forth_and_back_in_pages(realtime: Realtime):
    epoch = ""
    for number in range(1, 8):
        epoch = (await publish(realtime, b"%d" % number)).position.epoch
    three = StreamPosition(epoch, 3)

    assert data_of(await read(realtime, three, limit=2)) == [b"4", b"5"]
    assert data_of(await read(realtime, three)) == [b"4", b"5", b"6", b"7"]
    assert data_of(await read(realtime, three, reverse=True)) == [b"2", b"1"]
    assert data_of(await read(realtime, limit=2, reverse=True)) == [b"7", b"6"]
    assert data_of(await read(realtime, limit=2)) == [b"1", b"2"]
    assert await read(realtime, limit=0) == ChannelPage(
        StreamPosition(epoch, 7), [], is_complete=False
    )


@pytest.mark.parametrize(
    ("offset", "limit", "found", "is_complete"),
    [
        (3, 10, [4, 5], True),
        (5, 10, [], True),
        (2, 10, [3, 4, 5], True),
        (1, 10, [3, 4, 5], False),  # 2 was trimmed
        (3, 1, [4], False),  # cut
        (6, 10, [], False),  # above the top
    ],
)
async def test_what_cannot_be_proved_gap_free_is_not_complete(
    realtime: Realtime, offset: int, limit: int, found: list[int], *, is_complete: bool
):
    options = PublishOptions(history_size=3, history_seconds=60)
    positions = [(await publish(realtime, b"1", options)).position for _ in range(5)]

    for epoch in ("", positions[0].epoch):
        page = await read(realtime, StreamPosition(epoch, offset), limit=limit)
        assert [one.offset for one in page.publications] == found
        assert page.is_complete is is_complete
        assert page.position == positions[-1]

    another = await read(realtime, StreamPosition("_", offset), limit=limit)
    assert another == ChannelPage(positions[-1], [], is_complete=False)


async def test_newest_first_is_complete_down_to_the_first_one(realtime: Realtime):
    for _ in range(5):
        await publish(realtime, b"1", PublishOptions(history_size=5, history_seconds=60))
    assert (await read(realtime, reverse=True)).is_complete
    assert (await read(realtime, StreamPosition("", 3), reverse=True)).is_complete
    assert (await read(realtime, StreamPosition("", 1), reverse=True)).is_complete
    assert not (await read(realtime, limit=4, reverse=True)).is_complete

    await publish(realtime, b"1", PublishOptions(history_size=5, history_seconds=60))
    assert not (await read(realtime, StreamPosition("", 3), reverse=True)).is_complete
    with pytest.raises(InvalidRequest, match="before offset 0"):
        await read(realtime, StreamPosition("", 0), reverse=True)


async def test_a_removed_or_expired_history_keeps_the_position(realtime: Realtime):
    top = (await publish(realtime, b"1")).position
    await realtime.application.remove(TEAM, "news")

    assert (await read(realtime, top)).is_complete
    assert not (await read(realtime, StreamPosition(top.epoch, 0))).is_complete

    short = PublishOptions(history_size=10, history_seconds=0.05)
    second = (await publish(realtime, b"2", short)).position
    with anyio.fail_after(5):
        while (await read(realtime)).publications:
            await anyio.sleep(0.01)
    assert second == StreamPosition(top.epoch, 2)
    assert (await read(realtime, second)).is_complete
    assert not (await read(realtime, top)).is_complete


@pytest.mark.parametrize("begins_by", ["publishing", "reading"])
async def test_a_channel_whose_position_was_evicted_begins_anew(
    realtime: Realtime, redis_url: str, redis_prefix: str, begins_by: str
):
    before = [(await publish(realtime, data)).position for data in (b"1", b"2", b"3")][-1]
    async with Redis.from_url(redis_url) as client:
        assert await client.delete(Keys(redis_prefix).meta(NEWS)) == 1

    if begins_by == "reading":
        assert (await read(realtime)).publications == []
    after = (await publish(realtime, b"4")).position

    assert after.epoch != before.epoch
    assert after.offset == 1
    assert data_of(await read(realtime)) == [b"4"]
    assert not (await read(realtime, before)).is_complete


async def test_positions_are_kept_for_long_and_unused_ones_for_a_day(
    realtime: Realtime, redis_url: str, redis_prefix: str
):
    keys = Keys(redis_prefix)
    await read(realtime)
    async with Redis.from_url(redis_url) as client:
        assert 86_000 < await client.ttl(keys.meta(NEWS)) <= 86_400
        await publish(realtime, b"1")
        assert await client.ttl(keys.meta(NEWS)) > 29 * 86_400
        assert 50 < await client.ttl(keys.history(NEWS)) <= 60
        await read(realtime)
        assert await client.ttl(keys.meta(NEWS)) > 29 * 86_400


async def test_a_page_ends_before_it_is_too_large(
    realtime: Realtime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(application, "PAGE_BYTES", 1000)
    for _ in range(4):
        await publish(realtime, b"1" * 400)

    page = await read(realtime, StreamPosition("", 0))

    assert [one.offset for one in page.publications] == [1, 2, 3]
    assert not page.is_complete


async def test_a_broadcast_answers_for_each_channel(
    realtime: Realtime, redis_url: str, redis_prefix: str
):
    channels = [f"c{number}" for number in range(300)]
    async with Redis.from_url(redis_url) as client:  # one of them cannot be published to
        await client.set(Keys(redis_prefix).meta(application_channel(TEAM, "c7")), "no hash")

    answers = await realtime.application.broadcast(TEAM, channels, NewPublication(data=b"1"), KEPT)

    refused = [n for n, answer in enumerate(answers) if isinstance(answer, Unavailable)]
    assert refused == [7]
    del channels[7]
    positions = await realtime.application.positions([(TEAM, name) for name in channels])
    assert positions == [one.position for one in answers if isinstance(one, Published)]
    assert {one.offset for one in positions if isinstance(one, StreamPosition)} == {1}


async def test_two_teams_channels_never_meet(realtime: Realtime):
    await publish(realtime, b"1")

    other = await realtime.application.read(TeamId(2), "news", since=None, limit=10)
    odd = await realtime.application.publish(TeamId(11), "}x{", NewPublication(data=b"1"), KEPT)

    assert other.publications == []
    assert odd.position.offset == 1


@pytest.mark.parametrize(
    ("publication", "options", "error"),
    [
        (NewPublication(data=b""), KEPT, InvalidRequest),
        (NewPublication(data=b"1\n2"), KEPT, InvalidRequest),
        (NewPublication(data=b"1"), PublishOptions(version=1), InvalidRequest),
        (NewPublication(data=b"1"), PublishOptions(version=2**64), InvalidRequest),
        (NewPublication(data=b"1" * 11), PublishOptions(max_bytes=10), LimitExceeded),
        (NewPublication(data=b"1", tags={"k": "v"}), PublishOptions(max_bytes=9), LimitExceeded),
    ],
)
async def test_what_breaks_a_rule_is_refused(
    realtime: Realtime,
    publication: NewPublication,
    options: PublishOptions,
    error: type[Exception],
):
    with pytest.raises(error):
        await realtime.application.publish(TEAM, "news", publication, options)


async def test_names_that_are_no_text_are_refused_and_harm_nobody(realtime: Realtime):
    with pytest.raises(InvalidRequest):
        await publish(realtime, b"1", channel="\ud800")

    assert (await publish(realtime, b"1")).position.offset == 1


async def test_after_a_restart_offsets_go_on_under_another_epoch(own_valkey):
    """It may have lost the last moment, and give offsets again that somebody has seen."""
    async with open_realtime(own_valkey.url, prefix="t", node="one", hear=deaf) as realtime:
        async with own_valkey.running():
            before = [(await publish(realtime, data)).position for data in (b"1", b"2")][-1]
            assert (await publish(realtime, b"3")).position.epoch == before.epoch
        async with own_valkey.running():
            page = await read(realtime, before)
            assert page.position.epoch != before.epoch
            assert page == ChannelPage(page.position, [], is_complete=False)
            assert data_of(await read(realtime)) == [b"1", b"2", b"3"]
            assert (await read(realtime)).position == StreamPosition(page.position.epoch, 3)
        async with own_valkey.running():
            after = (await publish(realtime, b"4")).position
            assert after.epoch not in (before.epoch, page.position.epoch)
            assert after.offset == 4
            assert (await publish(realtime, b"5")).position.epoch == after.epoch


async def test_servers_that_do_not_tell_who_they_are_keep_their_epochs(own_valkey):
    async with (
        open_realtime(own_valkey.url, prefix="t", node="one", hear=deaf) as realtime,
        own_valkey.running(),
    ):
        async with Redis.from_url(own_valkey.url) as client:
            await client.execute_command("ACL", "SETUSER", "default", "-info")
        first = (await publish(realtime, b"1")).position
        assert (await read(realtime, first)).is_complete


async def test_redis_taken_away_is_said_and_back_it_works_again(own_valkey):
    async with open_realtime(own_valkey.url, prefix="t", node="one", hear=deaf) as realtime:
        with anyio.fail_after(2), pytest.raises(Unavailable, match="out of reach"):
            await publish(realtime, b"1")
        for round_number in range(2):
            async with own_valkey.running():
                assert (await publish(realtime, b"1")).position.offset == round_number + 1
            with anyio.fail_after(2), pytest.raises(Unavailable):
                await read(realtime)
            with anyio.fail_after(2):
                [answer] = await realtime.application.broadcast(
                    TEAM, ["news"], NewPublication(data=b"1"), KEPT
                )
            assert isinstance(answer, Unavailable)


async def test_a_redis_that_hangs_is_not_waited_for(own_valkey):
    async with (
        own_valkey.running(),
        open_realtime(own_valkey.url, prefix="t", node="one", hear=deaf) as realtime,
    ):
        await publish(realtime, b"1")
        async with Redis.from_url(own_valkey.url) as client:
            await client.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
        with anyio.fail_after(4), pytest.raises(Unavailable):
            await publish(realtime, b"2")
