"""Hubs telling and asking one another, at most once: what is lost is lost, and askers are told.

A hub subscribes its listener to `Control.channels` and hands what comes there to `receive`. What it
makes of it is one plain function, called at once and in the order in which each sender sent: it
must not wait for anything. Nothing that must not be lost goes this way.

Who is there is looked up on the roll, and whether they listen is asked of Redis (of the one server
we are connected to): nobody waits for a process that has ended, only for one that hangs.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from secrets import randbits
from typing import cast

import anyio

from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from store.redis.calls import Calls
from store.redis.commands import Command
from store.redis.keys import CONTROL, Keys, control_channel
from store.redis.messages import Form, Message, check_name, make_message, parse_message
from store.redis.roll import Roll

logger = logging.getLogger(__name__)

MAX_BYTES = 1024 * 1024  # of one body
MAX_ANSWER_BYTES = 16 * 1024 * 1024  # of all answers to one question
MAX_ANSWERS = 1000  # to one question
MAX_ASKING = 1000  # questions of this process that are open at once
ACKNOWLEDGE_SECONDS = 2.0

Hear = Callable[[Message], bytes | None]  # None: nothing to answer, or refused


@dataclass(slots=True)
class Counters:
    """What happened since the start, for metrics."""

    told: int = 0
    heard: int = 0
    not_understood: int = 0
    answers_lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What came of asking.

    Attributes:
        answers: By node.
        refused: Those that had nothing to answer.
        silent: Those that listen and did not answer in time, or whose answer was too much.
        absent: Those on the roll that do not listen now: they have ended, or lost Redis.
    """

    answers: dict[str, bytes]
    refused: list[str]
    silent: list[str]
    absent: list[str]


@dataclass(slots=True, eq=False)
class _Question:
    """One that is open; `awaited` is None until it is known who listens."""

    awaited: set[str] | None = None
    answers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    refused: list[str] = field(default_factory=list[str])
    size: int = 0
    settled: anyio.Event = field(default_factory=anyio.Event)

    def take(self, message: Message) -> bool:
        """Whether there was room for it."""
        known = len(self.answers) + len(self.refused)
        is_double = message.sender in self.answers or message.sender in self.refused
        if is_double or known >= MAX_ANSWERS or self.size + len(message.body) > MAX_ANSWER_BYTES:
            return False
        self.size += len(message.body)
        if message.form is Form.ANSWER:
            self.answers[message.sender] = message.body
        else:
            self.refused.append(message.sender)
        self.look()
        return True

    def look(self) -> None:
        if self.awaited is not None and self.awaited <= {*self.answers, *self.refused}:
            self.settled.set()

    def survey(self, absent: Sequence[str]) -> Survey:
        heard = {*self.answers, *self.refused}
        return Survey(
            answers=self.answers,
            refused=self.refused,
            silent=sorted((self.awaited or set()) - heard),
            absent=sorted(set(absent) - heard),
        )


class Control:
    """This hub among the others.

    Attributes:
        node: What it is called.
        channels: What its listener subscribes to.
        counters: What happened since the start.
    """

    def __init__(self, calls: Calls, roll: Roll, keys: Keys, *, node: str, hear: Hear) -> None:
        check_name(node)
        self.node = node
        self.channels = (CONTROL, control_channel(node))
        self.counters = Counters()
        self._calls = calls
        self._roll = roll
        self._keys = keys
        self._hear = hear
        self._numbers = count(randbits(48))  # not those of an earlier life of this node
        self._asking: dict[int, _Question] = {}
        self._ask = calls.script("ask_hubs")

    async def tell_all(self, kind: str, body: bytes) -> None:
        """Tell every other hub that listens now. What this one makes of it is its own affair.

        Raises:
            InvalidRequest, LimitExceeded: It cannot be sent.
            Unavailable: Redis did not answer; it may have been told.
        """
        await self._calls.one(self._call(CONTROL, self._message(Form.TELL, kind, body)))
        self.counters.told += 1

    async def tell(self, node: str, kind: str, body: bytes) -> bool:
        """Tell one hub; whether anybody listens there. What is told in order is heard in order.

        Raises:
            InvalidRequest, LimitExceeded, Unavailable: As `tell_all`.
        """
        message = self._message(Form.TELL, kind, body)
        self.counters.told += 1
        if node == self.node:
            self._understand(message)
            return True
        listening = await self._calls.one(self._call(control_channel(node), message))
        return bool(listening)

    async def hand_over(
        self, node: str, kind: str, body: bytes, *, within_seconds: float = ACKNOWLEDGE_SECONDS
    ) -> bool:
        """Tell one hub and know whether it took it: answered anything; not: refused, or is gone.

        Queued before anything is waited for: what is handed over in order is heard in order, also
        where nobody waits for the one before.

        Raises:
            InvalidRequest, LimitExceeded: As `tell_all`.
            Unavailable: It is not known; it may have been taken.
        """
        return await self.ask(node, kind, body, within_seconds=within_seconds) is not None

    async def ask(
        self, node: str, kind: str, body: bytes, *, within_seconds: float
    ) -> bytes | None:
        """One hub's answer; None when it has none to give, or nobody listens there.

        Raises:
            InvalidRequest, LimitExceeded: As `tell_all`; or too much is being asked already.
            Unavailable: It did not answer in time, or its answer would not be heard here now.
        """
        message = self._message(Form.ASK, kind, body)
        if node == self.node:
            return self._understand(message)
        question = self._open(message)
        question.awaited = {node}
        try:
            with anyio.move_on_after(within_seconds):
                if not _asked(
                    await self._calls.one(self._question(control_channel(node), message))
                ):
                    return None
                await question.settled.wait()
        finally:
            del self._asking[message.number]
        if not question.settled.is_set():
            raise Unavailable(f"hub {node} did not answer within {within_seconds:g} s")
        return question.answers.get(node)

    async def ask_all(self, kind: str, body: bytes, *, within_seconds: float) -> Survey:
        """What every other hub answers, and who does not; not this one.

        Returns as soon as all have answered that are on the roll and listen.

        Raises:
            InvalidRequest, LimitExceeded: As `ask`.
            Unavailable: Redis did not answer, or answers would not be heard here now.
        """
        message = self._message(Form.ASK, kind, body)
        question = self._open(message)
        absent: list[str] = []
        try:
            deadline = anyio.current_time() + within_seconds
            nodes = [name for name in await self._roll.rows() if name != self.node]
            listening, absent = await self._ask_listening(nodes, message)
            question.awaited = set(listening)
            question.look()
            with anyio.CancelScope(deadline=deadline):
                await question.settled.wait()
        finally:
            del self._asking[message.number]
        return question.survey(absent)

    async def _ask_listening(
        self, nodes: Sequence[str], message: Message
    ) -> tuple[list[str], list[str]]:
        """Who hears the question, and who does not; counted in the moment it is put."""
        names = [self._keys.pubsub(control_channel(node)) for node in nodes]
        counted, put = await self._calls.many(
            [("PUBSUB", "NUMSUB", *names), self._question(CONTROL, message)]
        )
        for answer in (counted, put):
            if isinstance(answer, Unavailable):
                raise answer
        _asked(put)
        numbers = cast("list[bytes | int]", counted)[1::2]
        told = list(zip(nodes, numbers, strict=True))
        return [node for node, n in told if n], [node for node, n in told if not n]

    def receive(self, frame: bytes) -> None:
        """Understand what came on one of `channels`. Never waits, never raises."""
        try:
            message = parse_message(frame)
        except InvalidRequest:
            self.counters.not_understood += 1
            logger.warning("a message between hubs was not understood")
            return
        if message.form in (Form.ANSWER, Form.REFUSAL):
            question = self._asking.get(message.number)
            if question is None or not question.take(message):
                self.counters.answers_lost += 1
        elif message.sender != self.node:
            answer = self._understand(message)
            if message.form is Form.ASK:
                self._answer(message, answer)

    def _understand(self, message: Message) -> bytes | None:
        self.counters.heard += 1
        try:
            return self._hear(message)
        except Exception:  # one message's trouble must not end the hub
            logger.exception("a message between hubs failed", extra={"kind": message.kind})
            return None

    def _answer(self, asked: Message, body: bytes | None) -> None:
        if body is not None and len(body) > MAX_BYTES:
            logger.warning("an answer to another hub is too large", extra={"kind": asked.kind})
            body = None
        form = Form.REFUSAL if body is None else Form.ANSWER
        answer = Message(form, asked.kind, self.node, asked.number, body or b"")
        if not self._calls.post(self._call(control_channel(asked.sender), answer)):
            self.counters.answers_lost += 1

    def _message(self, form: Form, kind: str, body: bytes) -> Message:
        check_name(kind)
        if len(body) > MAX_BYTES:
            raise LimitExceeded(f"a message to hubs has at most {MAX_BYTES} bytes, not {len(body)}")
        return Message(form, kind, self.node, next(self._numbers), body)

    def _open(self, message: Message) -> _Question:
        if len(self._asking) >= MAX_ASKING:
            raise LimitExceeded(f"at most {MAX_ASKING} questions to hubs are open at once")
        question = self._asking[message.number] = _Question()
        return question

    def _call(self, channel: str, message: Message) -> Command:
        return ("PUBLISH", self._keys.pubsub(channel), make_message(message))

    def _question(self, channel: str, message: Message) -> Command:
        own = control_channel(self.node)
        names = (self._keys.pubsub(own), self._keys.pubsub(channel))
        return self._ask((), (*names, make_message(message)))


def _asked(answer: object) -> int:
    """How many heard the question."""
    listening = cast("int", answer)
    if listening < 0:
        raise Unavailable("this hub does not hear the others now")
    return listening
