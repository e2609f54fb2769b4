"""Hubs tell and ask one another; who asks learns who did not answer, and waits for no dead one."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from store.redis import control as control_module
from store.redis.broker import Broker, open_broker
from store.redis.control import Control
from store.redis.listener import Reconnected
from store.redis.messages import Form, Message, make_message, parse_message
from store.redis.realtime import open_realtime
from tests.store.redis.hearing import deaf

LONG = 30.0  # never waited for


class Hub:
    """One that notes what it hears, and answers `echo`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.is_deaf = False

    def hear(self, message: Message) -> bytes | None:
        self.heard.append((message.kind, message.body))
        if message.kind == "fail":
            raise ValueError(message.body)
        if message.kind == "large":
            return b"x" * (control_module.MAX_BYTES + int(message.body))
        return message.body.upper() if message.kind == "echo" else None


@asynccontextmanager
async def hub(url: str, prefix: str, name: str) -> AsyncGenerator[tuple[Hub, Control]]:
    """At work, on the roll, and listening."""
    hub = Hub()
    async with (
        open_broker(url, prefix=prefix) as broker,
        open_realtime(url, prefix=prefix, node=name, hear=hub.hear) as realtime,
        broker.listen() as listener,
        anyio.create_task_group() as group,
    ):
        ready = anyio.Event()

        async def listen() -> None:
            async for item in listener:
                if isinstance(item, Reconnected):
                    ready.set()
                elif item[0] in realtime.control.channels and not hub.is_deaf:
                    realtime.control.receive(item[1])

        for channel in realtime.control.channels:
            await listener.subscribe(channel)
        group.start_soon(listen)
        with anyio.fail_after(5):
            await ready.wait()
        await broker.roll.say(name, b"{}")
        yield hub, realtime.control
        group.cancel_scope.cancel()


Hubs = list[tuple[Hub, Control]]


@pytest.fixture
async def hubs(redis_url: str, redis_prefix: str) -> AsyncGenerator[Hubs]:
    """Three of them."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(hub(redis_url, redis_prefix, name))
            for name in ("one", "two", "three")
        ]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.sleep(0.01)


names = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True)


@given(st.sampled_from(Form), names, names, st.integers(0, 10**18 - 1), st.binary(max_size=50))
def test_a_message_is_understood_as_it_was_made(
    form: Form, kind: str, sender: str, number: int, body: bytes
):
    message = Message(form, kind, sender, number, body)

    assert parse_message(make_message(message)) == message


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"tell", b"tell a b 1", b"shout a b 1\n", b"tell a b\n", b"tell a b x\n"),
        *(b"tell  b 1\n", b"tell a b -1\n", b"tell \xff b 1\n", b"tell a b " + b"9" * 5000 + b"\n"),
    ],
    ids=lambda frame: repr(frame[:16]),
)
def test_what_is_no_message_is_refused(frame: bytes):
    with pytest.raises(InvalidRequest):
        parse_message(frame)


async def test_what_is_told_to_all_is_heard_by_every_other_hub(hubs: Hubs):
    (one, control), (two, _), (three, _) = hubs

    await control.tell_all("disconnect", b"ann\n\x00")

    await until(lambda: bool(two.heard and three.heard))
    assert two.heard == three.heard == [("disconnect", b"ann\n\x00")]
    assert one.heard == []


async def test_what_is_told_to_one_is_heard_by_it_alone_and_in_order(hubs: Hubs):
    (one, control), (two, _), (three, _) = hubs
    expected = [("n", b"%d" % n) for n in range(500)]

    async with anyio.create_task_group() as group:  # nobody waits for the one before
        for n in range(500):
            group.start_soon(control.tell, "two", "n", b"%d" % n)

    await until(lambda: len(two.heard) == 500)
    assert two.heard == expected
    assert three.heard == one.heard == []
    assert await control.tell("two", "n", b"")
    assert not await control.tell("nobody", "n", b"")
    assert await control.tell("one", "n", b"to itself")
    assert one.heard == [("n", b"to itself")]


async def test_what_is_handed_over_was_taken_or_was_not(hubs: Hubs):
    (_, control), (two, _), _ = hubs

    assert await control.hand_over("two", "echo", b"")
    assert not await control.hand_over("two", "unknown", b"1")
    with anyio.fail_after(1):
        assert not await control.hand_over("nobody", "echo", b"1", within_seconds=LONG)
    assert await control.hand_over("one", "echo", b"to itself")
    two.is_deaf = True
    with pytest.raises(Unavailable, match="hub two did not answer"):
        await control.hand_over("two", "echo", b"1", within_seconds=0.1)


async def test_what_is_handed_over_in_order_is_heard_in_order(hubs: Hubs):
    (_, control), (two, _), _ = hubs
    taken: list[bool] = []

    async def hand_over(n: int) -> None:
        taken.append(await control.hand_over("two", "echo", b"%d" % n))

    async with anyio.create_task_group() as group:
        for n in range(300):
            group.start_soon(hand_over, n)

    assert two.heard == [("echo", b"%d" % n) for n in range(300)]
    assert taken == [True] * 300


async def test_all_others_are_asked_and_answer(hubs: Hubs):
    (_, control), _, (_, third) = hubs

    with anyio.fail_after(5):
        first = await control.ask_all("echo", b"hi", within_seconds=LONG)
        other = await third.ask_all("echo", b"ho", within_seconds=LONG)

    assert first.answers == {"two": b"HI", "three": b"HI"}
    assert other.answers == {"one": b"HO", "two": b"HO"}
    assert (first.refused, first.silent, first.absent) == ([], [], [])
    assert await control.ask("three", "echo", b"you", within_seconds=LONG) == b"YOU"


async def test_questions_asked_at_once_get_their_own_answers(hubs: Hubs):
    (_, control), _, _ = hubs
    answers: dict[int, bytes | None] = {}

    async def ask(n: int) -> None:
        answers[n] = await control.ask("two", "echo", b"q%d" % n, within_seconds=LONG)

    async with anyio.create_task_group() as group:
        for n in range(200):
            group.start_soon(ask, n)

    assert answers == {n: b"Q%d" % n for n in range(200)}


async def test_a_survey_says_who_is_dead_and_who_hangs_and_waits_only_for_the_latter(
    hubs: Hubs, broker: Broker, redis_url: str, redis_prefix: str
):
    (_, control), (two, _), _ = hubs
    async with hub(redis_url, redis_prefix, "four") as (_, four):
        assert await control.ask("four", "echo", b"a", within_seconds=LONG) == b"A"
        assert four.node in await broker.roll.rows()

    with anyio.fail_after(2):  # four has ended and is still on the roll
        survey = await control.ask_all("echo", b"b", within_seconds=LONG)
    assert survey.answers == {"two": b"B", "three": b"B"}
    assert (survey.silent, survey.absent) == ([], ["four"])

    two.is_deaf = True
    survey = await control.ask_all("echo", b"c", within_seconds=0.1)
    assert survey.answers == {"three": b"C"}
    assert (survey.silent, survey.absent) == (["two"], ["four"])


async def test_a_hub_that_cannot_answer_says_so_and_lives(
    hubs: Hubs, caplog: pytest.LogCaptureFixture
):
    (_, control), _, _ = hubs

    with anyio.fail_after(5):
        survey = await control.ask_all("fail", b"secret", within_seconds=LONG)
    assert sorted(survey.refused) == ["three", "two"]
    assert survey.answers == {}
    assert await control.ask("two", "large", b"0", within_seconds=LONG)
    assert await control.ask("two", "large", b"1", within_seconds=LONG) is None
    assert await control.ask("two", "echo", b"a", within_seconds=LONG) == b"A"
    assert "failed" in caplog.text


async def test_answers_are_bounded_in_bytes_together(hubs: Hubs, monkeypatch: pytest.MonkeyPatch):
    (_, control), _, _ = hubs
    monkeypatch.setattr(control_module, "MAX_ANSWER_BYTES", 15)

    survey = await control.ask_all("echo", b"0123456789", within_seconds=0.2)

    assert len(survey.answers) == 1
    assert len(survey.silent) == 1
    assert control.counters.answers_lost == 1


async def test_what_comes_late_or_is_no_message_is_counted_and_dropped(hubs: Hubs):
    (_, control), (two, _), _ = hubs
    before = list(two.heard)

    control.receive(b"nonsense")
    control.receive(make_message(Message(Form.ANSWER, "echo", "two", 1, b"late")))
    control.receive(make_message(Message(Form.TELL, "echo", "one", 2, b"own")))

    assert control.counters.not_understood == 1
    assert control.counters.answers_lost == 1
    assert control.counters.heard == 0
    assert two.heard == before


async def test_what_breaks_a_rule_is_refused(
    hubs: Hubs, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    (_, control), _, _ = hubs
    with pytest.raises(InvalidRequest, match="two words"):
        await control.tell_all("two words", b"")
    with pytest.raises(LimitExceeded, match="bytes"):
        await control.tell("two", "n", b"x" * (control_module.MAX_BYTES + 1))
    monkeypatch.setattr(control_module, "MAX_ASKING", 0)
    with pytest.raises(LimitExceeded, match="open at once"):
        await control.ask("two", "echo", b"", within_seconds=LONG)
    with pytest.raises(InvalidRequest, match="a b"):
        async with open_realtime(redis_url, prefix="t", node="a b", hear=deaf):
            pass


async def test_redis_taken_away_is_said_and_back_hubs_hear_one_another_again(own_valkey):
    async with AsyncExitStack() as stack:
        async with own_valkey.running():
            one, two = [
                await stack.enter_async_context(hub(own_valkey.url, "t", name))
                for name in ("one", "two")
            ]
            assert await one[1].hand_over("two", "echo", b"a")
        for attempt in (
            lambda: one[1].tell_all("n", b""),
            lambda: one[1].tell("two", "n", b""),
            lambda: one[1].hand_over("two", "echo", b""),
            lambda: one[1].ask_all("echo", b"", within_seconds=LONG),
        ):
            with anyio.fail_after(3), pytest.raises(Unavailable, match="Redis is out of reach"):
                await attempt()

        async with own_valkey.running():
            with anyio.fail_after(10):
                while not await is_handed_over(one[1]):
                    await anyio.sleep(0.02)
            assert two[0].heard == [("echo", b"a"), ("echo", b"b")]


async def is_handed_over(control: Control) -> bool:
    try:
        return await control.hand_over("two", "echo", b"b", within_seconds=LONG)
    except Unavailable:
        return False


async def test_a_hub_that_would_not_hear_the_answer_does_not_ask(
    hubs: Hubs, redis_url: str, redis_prefix: str
):
    (_, _), (two, _), _ = hubs
    async with open_realtime(redis_url, prefix=redis_prefix, node="five", hear=deaf) as deaf_one:
        with anyio.fail_after(2), pytest.raises(Unavailable, match="does not hear"):
            await deaf_one.control.hand_over("two", "echo", b"", within_seconds=LONG)
        with anyio.fail_after(2), pytest.raises(Unavailable, match="does not hear"):
            await deaf_one.control.ask_all("echo", b"", within_seconds=LONG)
        assert await deaf_one.control.tell("two", "n", b"1")
    await until(lambda: bool(two.heard))
    assert two.heard == [("n", b"1")]
