"""The Protobuf form as the official client reads and writes it, and frames that are none."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.centrifugal import answers, codes
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.protobuf_form import PROTOBUF, varint
from protocols.centrifugal.wire.replies import (
    PING,
    ConnectPush,
    DisconnectPush,
    JoinPush,
    LeavePush,
    MessagePush,
    Push,
    RefreshPush,
    Reply,
    SubscribePush,
)
from protocols.centrifugal.wire.results import (
    ConnectResult,
    HistoryResult,
    PingResult,
    PresenceResult,
    PresenceStatsResult,
    PublishResult,
    RefreshResult,
    RPCResult,
    SubRefreshResult,
    SubscribeResult,
)
from protocols.centrifugal.wire.values import ClientInfo, PublicationField
from protocols.channels import Publication
from protocols.errors import InvalidRequest
from tests.protocols.centrifugal.official import COMMANDS, official, official_class, read_officially
from tests.protocols.centrifugal.sessions import Given

RAW = msgspec.Raw(b'{"a":[1]}')
INFO = ClientInfo("42", "c1", conn_info=RAW, chan_info=RAW)
PUBLICATION = PublicationField(
    RAW, 2**63 - 1, info=INFO, tags={"a": "b", "": "ü"}, delta=True, time=7, channel="x:*"
)
SUBSCRIBED = SubscribeResult(
    recoverable=True,
    positioned=True,
    epoch="e",
    offset=2**53,
    was_recovering=True,
    recovered=True,
    publications=[PUBLICATION, PublicationField(RAW)],
    expires=True,
    ttl=2**32 - 1,
    data=RAW,
    delta=True,
    id=-1,
)
CONNECTED = {
    "client": "c1",
    "version": "v",
    "ping": 25,
    "pong": True,
    "expires": True,
    "ttl": 60,
    "data": RAW,
    "subs": {"#42": SUBSCRIBED, "": SubscribeResult()},
    "session": "s",
    "node": "n",
    "time": 1_800_000_000_000,
}
PUSHES = [
    Push("x", id=3, pub=PUBLICATION),
    Push("x", join=JoinPush(INFO)),
    Push("x", leave=LeavePush(INFO)),
    Push("x", subscribe=SubscribePush(recoverable=True, epoch="e", offset=1, data=RAW)),
    Push(message=MessagePush(RAW)),
    Push(connect=msgspec.convert(CONNECTED, ConnectPush)),
    Push(disconnect=DisconnectPush(3001, "shutdown", reconnect=True)),
    Push(refresh=RefreshPush(expires=True, ttl=60)),
]
REPLIES = [
    PING,
    answers.error(1, codes.INTERNAL),
    answers.subscribed(2, answers.subscription(Given(), has_history=True, was_recovering=True)),
    answers.unsubscribed(3),
    answers.ended("task:1", codes.INSUFFICIENT_STATE),
    Reply(id=4, connect=msgspec.convert(CONNECTED, ConnectResult)),
    Reply(id=5, subscribe=SUBSCRIBED),
    Reply(id=6, publish=PublishResult()),
    Reply(id=7, presence=PresenceResult({"c1": INFO, "c2": ClientInfo("", "c2")})),
    Reply(id=8, presence_stats=PresenceStatsResult(2, 1)),
    Reply(id=9, history=HistoryResult([PUBLICATION], "e", 9)),
    Reply(id=10, ping=PingResult()),
    Reply(id=11, rpc=RPCResult(RAW)),
    Reply(id=12, refresh=RefreshResult("c1", "v", expires=True, ttl=9)),
    Reply(id=2**32 - 1, sub_refresh=SubRefreshResult(expires=True, ttl=9)),
    *(Reply(push=push) for push in PUSHES),
]


def name_of(reply: Reply) -> str:
    of = reply.push or reply
    return next((name for name in of.__struct_fields__[1:] if getattr(of, name)), "ping")


@pytest.mark.parametrize("reply", REPLIES, ids=name_of)
def test_the_official_client_reads_the_same_from_both_forms(reply: Reply):
    in_json = json.loads(JSON.reply(reply), object_hook=_without_nothing)

    assert read_officially(PROTOBUF.reply(reply)) == [in_json]


def _without_nothing(fields: dict[str, object]) -> dict[str, object]:
    """Fields the JSON form always has, which Protobuf leaves out when they are empty."""
    return {name: value for name, value in fields.items() if value != ""}


def test_every_method_and_push_was_among_them():
    assert {name_of(reply) for reply in REPLIES} >= {
        *(set(Reply.__struct_fields__) - {"id", "push"}),
        *(set(Push.__struct_fields__) - {"id", "channel", "pub"}),
    }


def test_commands_of_the_official_client_mean_the_same_in_both_forms():
    lines = "\n".join(json.dumps(command, separators=(",", ":")) for command in COMMANDS)

    in_json = list(JSON.commands(lines.encode()))
    in_protobuf = list(PROTOBUF.commands(official(*COMMANDS)))

    assert [_builtins(one) for one in in_protobuf] == [_builtins(one) for one in in_json]
    assert {name for one in COMMANDS for name in one} == set(_builtins(in_json[0]))


def _builtins(message: msgspec.Struct) -> dict[str, object]:
    return {name: _value(getattr(message, name)) for name in message.__struct_fields__}


def _value(value: object) -> object:
    match value:
        case msgspec.Raw():
            return bytes(value)
        case msgspec.Struct():
            return _builtins(value)
        case list() | tuple():
            return [_value(item) for item in value]
        case dict():
            return {key: _value(item) for key, item in value.items()}
        case _:
            return value


PUBLICATIONS = st.lists(
    st.builds(
        Publication,
        offset=st.integers(1, 2**63 - 1),
        data=st.one_of(st.binary(min_size=1), st.integers(1, 40_000).map(lambda n: b"1" * n)),
    ),
    max_size=5,
)


@given(channel=st.text(min_size=1), publications=PUBLICATIONS)
def test_publications_spelled_by_hand_are_the_runtimes_own_bytes(
    channel: str, publications: Sequence[Publication]
):
    by_runtime = b""
    for publication in publications:
        pub = official_class("Publication")(data=publication.data, offset=publication.offset)
        reply = official_class("Reply")(push=official_class("Push")(channel=channel, pub=pub))
        message = reply.SerializeToString(deterministic=True)
        by_runtime += varint(len(message)) + message

    assert PROTOBUF.publications(channel, publications) == by_runtime


def test_a_frame_is_messages_one_after_the_other():
    several = PROTOBUF.separator.join([PROTOBUF.reply(reply) for reply in REPLIES])
    assert len(read_officially(several)) == len(REPLIES)


# Written by hand from the encoding's own rules: a field is its number times eight plus its kind
# (0 varint, 1 eight bytes, 2 sized, 5 four bytes), then its value.
ID_1 = b"\x08\x01"


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "no message at all"),
        (b"\x05\x08\x01", "it ends within the message"),
        (b"\x80", "it ends within the length"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a length that is negative"),
        (b"\xff\xff\xff\xff\x7f" + ID_1, "a length of 32 GiB"),
        (b"\x82\x80\x80\x80\x80\x00" + ID_1, "a length of more bytes than one may have"),
        (b"\x01\x08", "it ends before the value"),
        (b"\x0c\x08" + b"\xff" * 10 + b"\x01", "a varint of eleven bytes"),
        (b"\x02\x22\x05", "a field that is longer than the message"),
        (b"\x03\x0a\x01\x01", "an id that is sized"),
        (b"\x05\x0d\x01\x00\x00\x00", "an id of four bytes"),
        (b"\x02\x20\x01", "a connect that is a number"),
        (b"\x04\x22\x02\x08\x01", "a token that is a number"),
        (b"\x05\x22\x03\x0a\x01\xff", "a token that is not UTF-8"),
        (b"\x01\x00", "a field of number 0"),
        (b"\x02\x0f\x00", "a kind that there is not"),
        (b"\x01\x0c", "the end of a group that never began"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_command_is_said_to_be_none(frame: bytes, why: str):
    with pytest.raises(InvalidRequest):
        list(PROTOBUF.commands(frame))
    good = b"\x02" + ID_1
    read = PROTOBUF.commands(good + frame)
    assert next(read).id == 1  # what stands before it counts
    if frame:
        with pytest.raises(InvalidRequest):
            next(read)


def test_offsets_that_no_log_can_have_are_refused():
    for method in ("subscribe", "history"):
        position = {"offset": 2**63}
        body = position if method == "subscribe" else {"since": position}
        frame = official({"id": 2, method: {"channel": "news", **body}})
        with pytest.raises(InvalidRequest, match="offset"):
            list(PROTOBUF.commands(frame))


def test_filters_nested_without_end_are_refused_and_not_followed():
    nested = b""
    for _ in range(5_000):
        nested = b"\x32" + varint(len(nested)) + nested
    subscribe = b"\x6a" + varint(len(nested)) + nested
    command = ID_1 + b"\x2a" + varint(len(subscribe)) + subscribe
    with pytest.raises(InvalidRequest):
        list(PROTOBUF.commands(varint(len(command)) + command))


def test_unknown_fields_are_ignored_whatever_they_hold():
    unknown = b"\xf8\x07\x01" + b"\xfa\x07\x02\xff\xff" + b"\xfd\x07\x00\x00\x00\x00"
    connect = b"\x0a\x01t" + unknown
    command = ID_1 + unknown + b"\x22" + varint(len(connect)) + connect
    (read,) = PROTOBUF.commands(varint(len(command)) + command)
    assert read.connect
    assert read.connect.token == "t"


def test_what_a_client_publishes_is_carried_as_it_is():
    data = bytes(range(256))
    command = official_class("Command")(
        id=1, publish=official_class("PublishRequest")(channel="x", data=data)
    )
    message = command.SerializeToString()
    (read,) = PROTOBUF.commands(varint(len(message)) + message)
    assert read.publish
    assert bytes(read.publish.data) == data
