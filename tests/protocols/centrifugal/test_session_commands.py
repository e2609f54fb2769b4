"""What a connected session is asked: channels, positions, history; and what is not served."""

import pytest

from protocols.centrifugal import codes
from protocols.centrifugal.decisions import (
    Authenticate,
    Call,
    Close,
    Message,
    ReadHistory,
    Subscribe,
    Unsubscribe,
)
from protocols.centrifugal.wire.replies import Reply
from protocols.centrifugal.wire.results import UnsubscribeResult
from protocols.channels import Publication, StreamPosition
from protocols.errors import (
    NotFound,
)
from protocols.operations.channels import HistoryPage
from tests.protocols.centrifugal.sessions import (
    CHANNEL,
    MEMBER,
    TASK,
    Given,
    answer,
    connected,
    error_code,
    new_session,
    receive,
    spelled,
    subscribed,
)


@pytest.mark.parametrize("offset", ["-1", "1" + "0" * 19, "1" + "0" * 400, "1.5"])
@pytest.mark.parametrize(
    "command",
    [
        '{"id":2,"subscribe":{"channel":"%s","recover":true,"epoch":"e","offset":%s}}',
        '{"id":2,"history":{"channel":"%s","limit":1,"since":{"epoch":"e","offset":%s}}}',
    ],
)
def test_a_position_that_no_log_can_have_is_a_bad_command(command: str, offset: str):
    session = connected()
    assert list(receive(session, command % (TASK, offset))) == [Close(codes.BAD_COMMAND)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"channel":"@"}', Subscribe(2, CHANNEL, None, must_recover=False)),
        (
            '{"channel":"@","recover":true,"epoch":"e","offset":7,"flag":1,"data":{"x":1}}',
            Subscribe(2, CHANNEL, StreamPosition("e", 7), must_recover=False),
        ),
        (
            '{"channel":"@","recover":true,"flag":3}',
            Subscribe(2, CHANNEL, StreamPosition("", 0), must_recover=True),
        ),
    ],
)
def test_a_subscribe_says_where_to_go_on(body: str, expected: Subscribe):
    frame = f'{{"id":2,"subscribe":{body.replace("@", TASK)}}}'
    assert list(receive(connected(), frame)) == [expected]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ('"subscribe":{"channel":""}', 107),
        (f'"subscribe":{{"channel":"tasks:{"1" * 250}"}}', 107),
        ('"subscribe":{"channel":"nothing:1"}', 102),
        (f'"subscribe":{{"channel":"{TASK.upper()}"}}', 102),
        (f'"subscribe":{{"channel":"{TASK}","type":1}}', 103),
        (f'"subscribe":{{"channel":"{TASK}","tf":{{"op":"and"}}}}', 107),
        (f'"publish":{{"channel":"{TASK}","data":{{}}}}', 103),
        ('"presence":{"channel":"tasks:1"}', 108),
        ('"presence_stats":{"channel":"tasks:1"}', 108),
        ('"sub_refresh":{"channel":"tasks:1"}', 103),
        ('"dance":{}', 104),
        (f'"history":{{"channel":"{TASK}","reverse":true,"since":{{"offset":0}}}}', 107),
    ],
)
def test_what_is_not_served_is_answered_with_its_code(command: str, code: int):
    (decision,) = receive(connected(), f'{{"id":2,{command}}}')
    assert error_code(decision) == code
    assert answer(decision)["id"] == 2


def test_a_call_names_the_method_and_carries_what_was_sent():
    (decision,) = receive(connected(), '{"id":2,"rpc":{"method":"x","data":{"a": 1.50}}}')
    assert decision == Call(2, "x", b'{"a": 1.50}')
    (decision,) = receive(connected(), '{"id":3,"rpc":{}}')
    assert decision == Call(3, "", b"")


def test_what_a_client_sends_has_no_id_and_is_json():
    assert list(receive(connected(), '{"send":{"data":{"a": 1}}}')) == [Message(b'{"a": 1}')]
    assert list(receive(connected(), '{"send":{}}')) == [Close(codes.BAD_COMMAND)]


def test_other_commands_without_an_id_close():
    assert list(receive(connected(), '{"id":1,"send":{"data":1}}')) == [Close(codes.NOT_SERVED)]
    assert list(receive(connected(), '{"rpc":{}}')) == [Close(codes.BAD_COMMAND)]


def test_a_second_subscribe_and_one_too_many_are_refused():
    session = connected()
    subscribed(session)
    again = f'{{"id":3,"subscribe":{{"channel":"{TASK}"}}}}'
    assert error_code(next(receive(session, again))) == 105

    for number in range(1, 128):
        subscribed(session, f"tasks:{number}")
    assert error_code(next(receive(session, '{"id":4,"subscribe":{"channel":"tasks:999"}}'))) == 106


def test_after_unsubscribe_one_may_subscribe_again():
    session = connected()
    subscribed(session)

    (left,) = receive(session, f'{{"id":3,"unsubscribe":{{"channel":"{TASK}"}}}}')
    assert left == Unsubscribe(TASK, Reply(id=3, unsubscribe=UnsubscribeResult()))
    (again,) = receive(session, '{"id":4,"unsubscribe":{"channel":"never:heard"}}')
    assert again == Unsubscribe("never:heard", Reply(id=4, unsubscribe=UnsubscribeResult()))
    subscribed(session)


def test_a_lost_subscription_is_told_and_may_be_made_again():
    session = connected()
    subscribed(session)

    push = spelled(session.subscriptions.ended(TASK))["push"]

    assert push["channel"] == TASK
    assert push["unsubscribe"]["code"] == 2500
    subscribed(session)


def test_the_subscribe_result_carries_the_page_raw():
    session = connected()
    command = Subscribe(2, CHANNEL, StreamPosition("e", 4), must_recover=False)

    assert spelled(session.subscriptions.subscribed(command, Given(), now=100.0))["subscribe"] == {
        "recoverable": True,
        "positioned": True,
        "epoch": "e",
        "offset": 4,
        "was_recovering": True,
        "recovered": True,
        "publications": [{"data": {"a": 1}, "offset": 5}],
    }


@pytest.mark.parametrize(
    ("body", "limit", "since"),
    [
        ("", 0, None),
        (',"limit":-1', 300, None),
        (',"limit":9999', 300, None),
        (',"limit":5,"since":{"offset":3,"epoch":"e"}', 5, StreamPosition("e", 3)),
    ],
)
def test_history_is_bounded(body: str, limit: int, since: StreamPosition | None):
    session = connected()
    (command,) = receive(session, f'{{"id":2,"history":{{"channel":"{TASK}"{body}}}}}')
    assert isinstance(command, ReadHistory)
    assert command == ReadHistory(2, CHANNEL, since, limit, reverse=False)

    page = HistoryPage(StreamPosition("e", 9), [Publication(9, b"{}")])
    result = spelled(session.subscriptions.history(command, page))["history"]
    assert result == {"publications": [{"data": {}, "offset": 9}], "epoch": "e", "offset": 9}


def test_a_foreign_channel_is_unknown():
    reply = spelled(connected().refuse(2, NotFound("there is no channel")))
    assert reply["error"] == {"code": 102, "message": "there is no channel"}


def test_fields_that_are_not_known_are_ignored_as_the_protocol_has_it():
    session = new_session()
    (command,) = receive(session, '{"id":1,"connect":{"token":"t","later":{"a":1}},"more":[]}')
    assert isinstance(command, Authenticate)
    session.accept(command, MEMBER, now=100.0)
    (decision,) = receive(
        session, f'{{"id":2,"subscribe":{{"channel":"{TASK}","phase":3,"later":true}},"more":1}}'
    )
    assert isinstance(decision, Subscribe)
