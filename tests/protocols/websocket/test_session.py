"""The session's rules, with plain values and a clock made of numbers."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from protocols import errors
from protocols.channels import Channel, Namespace, Publication, StreamPosition
from protocols.errors import (
    FactoryError,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unavailable,
    leaves,
)
from protocols.operations.channels import HistoryPage
from protocols.websocket import codes
from protocols.websocket.decisions import (
    Authenticate,
    Close,
    ReadHistory,
    Refresh,
    Send,
    Subscribe,
    Unsubscribe,
)
from protocols.websocket.session import Session

TASK = "task:0199d7a2-4c5e-7b1a-9f3e-5d2c1b0a9e8f"
CHANNEL = Channel(Namespace.TASK, TASK.removeprefix("task:"))
CONNECT = '{"id":1,"connect":{"token":"t"}}'


class Given:
    """A subscription as the hub would give it."""

    epoch = "e"
    offset = 4
    recovered = True
    publications: Sequence[Publication] = (Publication(5, b'{"a":1}'),)

    def start(self) -> None: ...

    def close(self) -> None: ...


def new_session() -> Session:
    return Session("c1", version="pygent", now=100.0, first_ping=0.0)


def connected(*, expires_in: float | None = None, connect: str = CONNECT) -> Session:
    session = new_session()
    (command,) = session.receive(connect)
    assert isinstance(command, Authenticate)
    session.accept(command, now=100.0, expires_in=expires_in)
    return session


def subscribed(session: Session, channel: str = TASK) -> None:
    (command,) = session.receive(f'{{"id":9,"subscribe":{{"channel":"{channel}"}}}}')
    assert isinstance(command, Subscribe)
    session.subscribed(command, Given())


def answer(decision: object) -> dict[str, Any]:
    assert isinstance(decision, Send)
    return json.loads(decision.data)


def error_code(decision: object) -> int:
    return answer(decision)["error"]["code"]


def test_an_error_of_another_part_has_the_code_of_its_kind():
    class Gone(NotFound):
        """Known to one part alone."""

    assert codes.code_of(Gone("it is gone")) is codes.UNKNOWN_CHANNEL


@pytest.mark.parametrize(
    "command",
    [
        '{"id":1,"connect":{"data":' + "[" * 20_000 + "]" * 20_000 + "}}",
        '{"id":1,"more":' + '{"a":' * 9_000 + "1" + "}" * 9_000 + "}",
    ],
)
def test_a_command_nested_without_end_is_a_bad_one(command: str):
    assert list(new_session().receive(command)) == [Close(codes.BAD_COMMAND)]


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
    assert list(session.receive(command % (TASK, offset))) == [Close(codes.BAD_COMMAND)]


def test_every_error_of_the_factory_has_a_code():
    kinds = [kind for kind in leaves(FactoryError) if kind.__module__ == errors.__name__]
    assert set(codes.OF_ERROR) >= set(kinds)
    for kind in kinds:
        assert codes.OF_ERROR[kind].temporary == (codes.OF_ERROR[kind] is codes.INTERNAL)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\n",
        "nonsense",
        "[]",
        '{"id":1,"connect":[]}',
        "{}",
        '{"connect":{}}',
        '{"id":1,"subscribe":{"channel":"x"}}',
        '{"id":1}',
        '{"send":{"data":{}}}',
        '{"id":"1","connect":{}}',
        "\ud800",
    ],
)
def test_what_is_not_a_connect_first_closes_as_a_bad_request(frame: str):
    assert list(new_session().receive(frame)) == [Close(codes.BAD_COMMAND)]


def test_connect_asks_who_it_is_and_answers_with_pings():
    session = new_session()

    (command,) = session.receive('{"id":7,"connect":{"token":"t","name":"js","flag":3}}')

    assert isinstance(command, Authenticate)
    assert command == Authenticate(7, "t")
    reply = json.loads(session.accept(command, now=100.0))
    result = {"client": "c1", "version": "pygent", "ping": 25, "pong": True}
    assert reply == {"id": 7, "connect": result}


def test_without_a_token_the_cookie_must_do():
    (command,) = new_session().receive('{"id":1,"connect":{}}')
    assert command == Authenticate(1, None)


def test_commands_of_a_frame_wait_for_the_decision_before_them():
    session = new_session()
    decisions = session.receive(f'{CONNECT}\n{{"id":2,"subscribe":{{"channel":"{TASK}"}}}}\n')

    command = next(decisions)
    assert isinstance(command, Authenticate)
    session.accept(command, now=100.0)

    assert list(decisions) == [Subscribe(2, CHANNEL, None, must_recover=False)]


def test_after_a_refused_connect_the_rest_of_the_frame_is_dropped():
    session = new_session()
    decisions = session.receive(f'{CONNECT}\n{{"id":2,"subscribe":{{"channel":"{TASK}"}}}}')

    command = next(decisions)
    assert isinstance(command, Authenticate)
    refusal = session.refuse_connect(command, Unavailable("not now"))

    assert answer(refusal) == {
        "id": 1,
        "error": {"code": 100, "message": "not now", "temporary": True},
    }
    assert list(decisions) == []


@pytest.mark.parametrize(
    ("token", "error", "expected"),
    [
        ("t", Unauthenticated("no"), 3500),
        ("t", Forbidden("no"), 3507),
        (None, Forbidden("no"), 3507),
        (None, Unauthenticated("no"), 101),
        ("t", Unavailable("no"), 100),
    ],
)
def test_who_is_refused_learns_whether_to_come_back(
    token: str | None, error: FactoryError, expected: int
):
    refusal = new_session().refuse_connect(Authenticate(1, token), error)

    if isinstance(refusal, Close):
        assert refusal.why.code == expected
    else:
        assert error_code(refusal) == expected


def test_an_expired_token_is_sent_for_a_new_one():
    reply = json.loads(new_session().refuse_expired(Authenticate(1, "t")))
    assert reply["error"]["code"] == 109


def test_a_second_connect_closes():
    assert list(connected().receive(CONNECT)) == [Close(codes.BAD_COMMAND)]


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
    assert list(connected().receive(frame)) == [expected]


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
        ('"rpc":{"method":"x"}', 108),
        ('"sub_refresh":{"channel":"tasks:1"}', 108),
        ('"dance":{}', 104),
        (f'"history":{{"channel":"{TASK}","reverse":true,"since":{{"offset":0}}}}', 107),
    ],
)
def test_what_is_not_served_is_answered_with_its_code(command: str, code: int):
    (decision,) = connected().receive(f'{{"id":2,{command}}}')
    assert error_code(decision) == code
    assert answer(decision)["id"] == 2


def test_a_message_without_an_id_closes():
    assert list(connected().receive('{"send":{"data":1}}')) == [Close(codes.NOT_SERVED)]
    assert list(connected().receive('{"rpc":{}}')) == [Close(codes.BAD_COMMAND)]


def test_a_second_subscribe_and_one_too_many_are_refused():
    session = connected()
    subscribed(session)
    again = f'{{"id":3,"subscribe":{{"channel":"{TASK}"}}}}'
    assert error_code(next(session.receive(again))) == 105

    for number in range(1, 128):
        subscribed(session, f"tasks:{number}")
    assert error_code(next(session.receive('{"id":4,"subscribe":{"channel":"tasks:999"}}'))) == 106


def test_after_unsubscribe_one_may_subscribe_again():
    session = connected()
    subscribed(session)

    (left,) = session.receive(f'{{"id":3,"unsubscribe":{{"channel":"{TASK}"}}}}')
    assert left == Unsubscribe(TASK, b'{"id":3,"unsubscribe":{}}')
    (again,) = session.receive('{"id":4,"unsubscribe":{"channel":"never:heard"}}')
    assert again == Unsubscribe("never:heard", b'{"id":4,"unsubscribe":{}}')
    subscribed(session)


def test_a_lost_subscription_is_told_and_may_be_made_again():
    session = connected()
    subscribed(session)

    push = json.loads(session.lost(TASK))["push"]

    assert push["channel"] == TASK
    assert push["unsubscribe"]["code"] == 2500
    subscribed(session)


def test_the_subscribe_result_carries_the_page_raw():
    session = connected()
    command = Subscribe(2, CHANNEL, StreamPosition("e", 4), must_recover=False)

    assert json.loads(session.subscribed(command, Given()))["subscribe"] == {
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
    (command,) = session.receive(f'{{"id":2,"history":{{"channel":"{TASK}"{body}}}}}')
    assert isinstance(command, ReadHistory)
    assert command == ReadHistory(2, CHANNEL, since, limit, reverse=False)

    page = HistoryPage(StreamPosition("e", 9), [Publication(9, b"{}")])
    result = json.loads(session.history(command, page))["history"]
    assert result == {"publications": [{"data": {}, "offset": 9}], "epoch": "e", "offset": 9}


def test_a_foreign_channel_is_unknown():
    reply = json.loads(connected().refuse(2, NotFound("there is no channel")))
    assert reply["error"] == {"code": 102, "message": "there is no channel"}


def test_no_connect_in_time_is_stale():
    session = new_session()
    assert session.deadline() == 115.0
    assert session.tick(114.9) is None
    assert session.tick(115.0) == Close(codes.STALE)


@pytest.mark.parametrize(("first_ping", "at"), [(0.0, 112.5), (1.0, 125.0)])
def test_the_first_ping_comes_in_the_second_half_of_the_interval(first_ping: float, at: float):
    session = Session("c1", version="v", now=100.0, first_ping=first_ping)
    (command,) = session.receive(CONNECT)
    assert isinstance(command, Authenticate)
    session.accept(command, now=100.0)

    assert session.deadline() == at
    assert session.tick(at - 0.1) is None
    assert session.tick(at) == Send(b"{}")
    assert session.deadline() == at + 10


def test_a_pong_keeps_it_alive_until_the_next_ping():
    session = connected()
    session.tick(112.5)

    assert list(session.receive("{}")) == []
    assert session.deadline() == 137.5
    assert session.tick(137.5) == Send(b"{}")
    assert session.tick(147.5) == Close(codes.NO_PONG)


def test_an_unsolicited_pong_closes():
    assert list(connected().receive("{}")) == [Close(codes.BAD_COMMAND)]


def test_a_token_that_ends_is_refreshed_or_the_connection_expires_after_a_grace():
    session = connected(expires_in=5)
    (command,) = session.receive('{"id":3,"refresh":{"token":"new"}}')
    assert isinstance(command, Refresh)
    assert command == Refresh(3, "new")

    reply = json.loads(session.refreshed(command, now=104.0, expires_in=60.0))

    assert reply["refresh"] == {"client": "c1", "version": "pygent", "expires": True, "ttl": 60}
    session.tick(112.5)
    assert list(session.receive("{}")) == []
    assert session.tick(130.1) is None
    session = connected(expires_in=5)
    session.tick(112.5)
    assert list(session.receive("{}")) == []
    assert session.tick(130.0) == Close(codes.EXPIRED)


def test_a_session_cookie_ends_without_a_refresh():
    session = connected(expires_in=5, connect='{"id":1,"connect":{}}')
    assert list(session.receive('{"id":3,"refresh":{"token":"x"}}')) == [Close(codes.BAD_COMMAND)]
    assert session.tick(105.0) == Close(codes.EXPIRED)

    session = connected(expires_in=5, connect='{"id":1,"connect":{}}')
    session.renewed(now=104.0, expires_in=None)
    assert session.tick(105.0) is None


def test_a_refresh_of_what_does_not_end_closes():
    assert list(connected().receive('{"id":3,"refresh":{"token":"x"}}')) == [
        Close(codes.BAD_COMMAND)
    ]


def test_reasons_are_plain_words():
    for name, value in vars(codes).items():
        if isinstance(value, codes.Disconnect):
            with pytest.raises(json.JSONDecodeError):
                json.loads(value.reason)
            assert len(value.reason.encode()) <= 123, name


def test_fields_that_are_not_known_are_ignored_as_the_protocol_has_it():
    session = new_session()
    (command,) = session.receive('{"id":1,"connect":{"token":"t","later":{"a":1}},"more":[]}')
    assert isinstance(command, Authenticate)
    session.accept(command, now=100.0)
    (decision,) = session.receive(
        f'{{"id":2,"subscribe":{{"channel":"{TASK}","phase":3,"later":true}},"more":1}}'
    )
    assert isinstance(decision, Subscribe)
