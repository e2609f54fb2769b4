"""What each subscription is told of the same publications, and what is made once for all."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from centrifuge.codecs import _ProtobufCodec as Codec
from centrifuge.fossil import apply_delta

from protocols import channels, namespaces
from protocols.centrifugal import tags
from protocols.centrifugal.spelling import Changes, Filtered
from protocols.centrifugal.tags import TagsFilter
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.commands import FilterNode
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from protocols.channels import ApplicationPublication
from protocols.operations.channels import Batch
from tests.protocols.centrifugal.sessions import connected, error_code, receive

NAMESPACES = namespaces.parse(
    """[{"name": "news", "history_size": 10, "history_seconds": 60, "delta": true,
         "tags_filter": true},
        {"name": "now", "delta": true}, {"name": "plain"}]"""
)
NEWS, NOW = channels.parse("news:a", NAMESPACES), channels.parse("now:a", NAMESPACES)
FORMS = pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])


def texts(first: int, last: int) -> list[bytes]:
    stays = "what stays as it is " * 5
    return [json.dumps({"n": n, "stays": stays}).encode() for n in range(first, last + 1)]


def batch(first: int, last: int, *, previous: bytes | None = None) -> Batch:
    found = [ApplicationPublication(n, text, 5) for n, text in enumerate(texts(first, last), first)]
    return Batch("news:a", found, previous=previous)


class Client:
    """Reads changes as the official ones do."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._before = b""
        self.flags: list[bool] = []

    def read(self, message: bytes) -> list[bytes]:
        return [self._text(one["push"]["pub"]) for one in _messages(self._form, message)]

    def _text(self, pub: Mapping[str, Any]) -> bytes:
        data = pub["data"]
        assert isinstance(data, str)
        told = base64.b64decode(data) if self._form.is_binary else data.encode()
        self.flags.append(bool(pub.get("delta")))
        self._before = bytes(apply_delta(self._before, told)) if pub.get("delta") else told
        return self._before


def _messages(form: Form, message: bytes) -> Sequence[Mapping[str, Any]]:
    if form.is_binary:
        return Codec.decode_replies(message)
    return [json.loads(line) for line in message.split(b"\n")]


@FORMS
def test_changes_begin_with_a_whole_and_begin_again_where_the_chain_may_be_broken(form: Form):
    one, client = Changes(form, NEWS), Client(form)

    assert client.read(one.spelled(batch(3, 4, previous=texts(2, 2)[0]))) == texts(3, 4)
    assert client.read(one.spelled(batch(5, 6, previous=texts(4, 4)[0]))) == texts(5, 6)
    assert client.read(one.spelled(batch(7, 8))) == texts(7, 8)  # read from the history
    beside = Batch("news:a", [ApplicationPublication(0, b"1", 5)], previous=texts(8, 8)[0])
    assert client.read(one.spelled(beside)) == [b"1"]
    assert client.read(one.spelled(batch(9, 9, previous=texts(8, 8)[0]))) == texts(9, 9)

    assert client.flags == [False, True, True, True, False, True, False, False]


@FORMS
def test_without_a_history_each_continues_the_one_before(form: Form):
    one, client = Changes(form, NOW), Client(form)
    for n in (1, 2, 3):
        (text,) = texts(n, n)
        previous = texts(n - 1, n - 1)[0]
        now = Batch("now:a", [ApplicationPublication(0, text, 5)], previous=previous)
        assert client.read(one.spelled(now)) == [text]
    assert client.flags == [False, True, True]


def test_a_payload_without_its_like_is_told_whole():
    one, client = Changes(JSON, NOW), Client(JSON)
    for text, previous in ((b"1", b"0"), (b'"\xc3\xa4"', b"1"), (b"2", b'"\xc3\xa4"')):
        now = Batch("now:a", [ApplicationPublication(0, text, 5)], previous=previous)
        assert client.read(one.spelled(now)) == [text]
    assert client.flags == [False] * 3


@FORMS
def test_what_is_the_same_for_many_is_made_once(form: Form):
    told = batch(5, 6, previous=texts(4, 4)[0])
    new, other, chained, also = (Changes(form, NEWS) for _ in range(4))
    for one in (chained, also):
        one.page(batch(4, 4).publications)

    assert new.spelled(told) is other.spelled(told)
    assert chained.spelled(told) is also.spelled(told)
    assert chained.spelled(told) != Changes(form, NEWS).spelled(told)


class Counted(dict[str, str]):
    """Tags that count how often they are looked at."""

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.looks += 1
        return super().get(key, default)


@FORMS
def test_one_verdict_serves_all_equal_filters(form: Form):
    def wish(value: str) -> TagsFilter:
        return tags.parse(FilterNode(key="k", cmp="eq", val=value))

    Counted.looks = 0
    publications = [ApplicationPublication(n, b"1", 5, tags=Counted(k=str(n))) for n in (1, 2, 3)]
    told = Batch("news:a", publications)
    readers = [Filtered(form, wish("2")) for _ in range(10)]

    messages = {one.spelled(told) for one in readers if one.wanted(told)}

    (message,) = messages
    assert [int(one["push"]["pub"]["offset"]) for one in _messages(form, message)] == [2]
    assert Counted.looks == 3
    assert not Filtered(form, wish("7")).wanted(told)
    assert [field.offset for field in readers[0].page(publications)] == [2]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ('"channel":"plain:a","tf":{"key":"a","cmp":"ex"}', 107),
        ('"channel":"news:a","tf":{"key":"a","cmp":"ex"},"delta":"fossil"', 107),
        ('"channel":"news:a","tf":{"op":"nor"}', 107),
        ('"channel":"news:a","delta":"other"', 107),
        ('"channel":"other:a","tf":{"key":"a","cmp":"ex"}', 102),
    ],
)
def test_what_cannot_be_had_is_refused(request_: str, code: int):
    (decision,) = receive(
        connected(namespaces=NAMESPACES), f'{{"id":2,"subscribe":{{{request_}}}}}'
    )
    assert error_code(decision) == code


@pytest.mark.parametrize(("channel", "granted"), [("news:a", True), ("plain:a", False)])
def test_changes_are_granted_where_the_namespace_has_them(channel: str, granted: bool):  # noqa: FBT001
    frame = f'{{"id":2,"subscribe":{{"channel":"{channel}","delta":"fossil"}}}}'
    (decision,) = receive(connected(namespaces=NAMESPACES), frame)
    assert decision.terms == Terms(is_delta=granted)  # type: ignore[union-attr]
