"""What a connected session is asked of application channels."""

import json
from typing import Any

import msgspec
import pytest

from protocols import channels, namespaces
from protocols.centrifugal.decisions import Publish, ReadHistory, Subscribe
from protocols.centrifugal.session import Session
from protocols.centrifugal.wire.commands import Command, PublishRequest
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF
from protocols.centrifugal.wire.publication import write_info
from protocols.centrifugal.wire.values import ClientInfo
from protocols.channels import ApplicationPublication, StreamPosition
from tests.protocols.centrifugal.official import read_officially
from tests.protocols.centrifugal.sessions import (
    TASK,
    Given,
    connected,
    error_code,
    receive,
    spelled,
    subscribed,
)

NAMESPACES = namespaces.parse(
    '[{"name":"news","history_size":10,"history_seconds":60},{"name":"now"}]'
)
NEWS, NOW = channels.parse("news:a", NAMESPACES), channels.parse("now:a", NAMESPACES)


def session() -> Session:
    return connected(namespaces=NAMESPACES)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ('"subscribe":{"channel":"other:a"}', 102),
        ('"publish":{"channel":"other:a","data":1}', 102),
        (f'"publish":{{"channel":"{TASK}","data":{{}}}}', 103),
        ('"publish":{"channel":"tasks:1","data":{}}', 103),
        ('"publish":{"channel":"news:a"}', 107),
        ('"history":{"channel":"now:a","limit":1}', 108),
        ('"history":{"channel":"other:a","limit":1}', 102),
    ],
)
def test_what_is_not_served_is_answered_with_its_code(command: str, code: int):
    (decision,) = receive(session(), f'{{"id":2,{command}}}')
    assert error_code(decision) == code


def test_a_publish_says_what_and_whether_the_client_is_subscribed():
    one = session()
    frame = '{"id":2,"publish":{"channel":"news:a","data":{"a": 1.50}}}'

    assert list(receive(one, frame)) == [Publish(2, NEWS, b'{"a": 1.50}', is_subscribed=False)]
    subscribed(one, "news:a")
    (decision,) = receive(one, frame)
    assert isinstance(decision, Publish)
    assert decision.is_subscribed
    assert spelled(one.subscriptions.published(decision)) == {"id": 2, "publish": {}}


def test_what_a_client_of_any_form_publishes_becomes_one_line_of_json():
    def published(data: bytes) -> object:
        request = PublishRequest("news:a", msgspec.Raw(data))
        return next(session().receive(iter([Command(id=2, publish=request)])))

    lines = published(b'{\r\n "a": [1.50,\n 12345678901234567890123] }\n')
    assert lines == Publish(2, NEWS, b'{"a":[1.50,12345678901234567890123]}', is_subscribed=False)
    for bad in (b"", b"\x00\x01", b"{", b"1 2", b'"\xff"', b"NaN", b"[" * 50_000):
        assert error_code(published(bad)) == 107


def test_a_channel_without_history_has_no_position_to_recover_from():
    one = session()
    (command,) = receive(one, '{"id":2,"subscribe":{"channel":"now:a","recover":true}}')
    assert isinstance(command, Subscribe)
    assert command == Subscribe(2, NOW, StreamPosition("", 0), must_recover=False)

    class Now(Given):
        epoch, offset, recovered, publications = "", 0, False, ()

    assert spelled(one.subscriptions.subscribed(command, Now(), now=100.0)) == {
        "id": 2,
        "subscribe": {},
    }


def test_a_history_of_an_application_is_read_like_any():
    (command,) = receive(session(), '{"id":2,"history":{"channel":"news:a","limit":3}}')
    assert command == ReadHistory(2, NEWS, None, 3, reverse=False)


@pytest.mark.parametrize("form", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_a_publication_carries_who_published_when_and_its_tags(form: Form):
    info = write_info(ClientInfo(user="user:a", client="c1"))
    publications = [
        ApplicationPublication(1, b'{"n":1}', 5, info=info, tags={"t": "x"}),
        ApplicationPublication(2, b"2", 6, info=b"not ours"),
    ]

    text = form.publications("news:a", publications)

    pushes: list[dict[str, Any]] = (
        read_officially(text) if form.is_binary else [json.loads(one) for one in text.split(b"\n")]
    )
    first, second = (push["push"]["pub"] for push in pushes)
    assert (first["offset"], second["offset"]) == (1, 2)
    assert first["info"] == {"user": "user:a", "client": "c1"}
    assert first["tags"] == {"t": "x"}
    assert "info" not in second
    assert [push["push"]["channel"] for push in pushes] == ["news:a", "news:a"]
