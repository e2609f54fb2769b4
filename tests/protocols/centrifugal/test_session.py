"""How a session begins, stays and ends: connecting, pings, tokens; with a clock made of numbers."""

import json

import pytest

from protocols import errors
from protocols.centrifugal import codes
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Refresh,
    Send,
    Subscribe,
)
from protocols.centrifugal.session import Session
from protocols.centrifugal.wire.replies import PING
from protocols.errors import (
    FactoryError,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unavailable,
    leaves,
)
from tests.protocols.centrifugal.sessions import (
    CHANNEL,
    CONNECT,
    MEMBER,
    TASK,
    answer,
    connected,
    error_code,
    new_session,
    receive,
    spelled,
)


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
    assert list(receive(new_session(), command)) == [Close(codes.BAD_COMMAND)]


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
    assert list(receive(new_session(), frame)) == [Close(codes.BAD_COMMAND)]


def test_connect_asks_who_it_is_and_answers_with_pings():
    session = new_session()

    (command,) = receive(session, '{"id":7,"connect":{"token":"t","name":"js","flag":3}}')

    assert isinstance(command, Authenticate)
    assert command == Authenticate(7, "t")
    reply = spelled(session.accept(command, MEMBER, now=100.0))
    result = {"client": "c1", "version": "pygent", "ping": 25, "pong": True}
    assert reply == {"id": 7, "connect": result}


def test_without_a_token_the_cookie_must_do():
    (command,) = receive(new_session(), '{"id":1,"connect":{}}')
    assert command == Authenticate(1, None)


def test_commands_of_a_frame_wait_for_the_decision_before_them():
    session = new_session()
    decisions = receive(session, f'{CONNECT}\n{{"id":2,"subscribe":{{"channel":"{TASK}"}}}}\n')

    command = next(decisions)
    assert isinstance(command, Authenticate)
    session.accept(command, MEMBER, now=100.0)

    assert list(decisions) == [Subscribe(2, CHANNEL, None, must_recover=False)]


def test_after_a_refused_connect_the_rest_of_the_frame_is_dropped():
    session = new_session()
    decisions = receive(session, f'{CONNECT}\n{{"id":2,"subscribe":{{"channel":"{TASK}"}}}}')

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
    reply = spelled(new_session().refuse_expired(Authenticate(1, "t")))
    assert reply["error"]["code"] == 109


def test_a_second_connect_closes():
    assert list(receive(connected(), CONNECT)) == [Close(codes.BAD_COMMAND)]


def test_no_connect_in_time_is_stale():
    session = new_session()
    assert session.deadline() == 115.0
    assert session.tick(114.9) is None
    assert session.tick(115.0) == Close(codes.STALE)


@pytest.mark.parametrize(("first_ping", "at"), [(0.0, 112.5), (1.0, 125.0)])
def test_the_first_ping_comes_in_the_second_half_of_the_interval(first_ping: float, at: float):
    session = Session("c1", version="v", now=100.0, first_ping=first_ping)
    (command,) = receive(session, CONNECT)
    assert isinstance(command, Authenticate)
    session.accept(command, MEMBER, now=100.0)

    assert session.deadline() == at
    assert session.tick(at - 0.1) is None
    assert session.tick(at) == Send(PING)
    assert session.deadline() == at + 10


def test_a_pong_keeps_it_alive_until_the_next_ping():
    session = connected()
    session.tick(112.5)

    assert list(receive(session, "{}")) == []
    assert session.deadline() == 137.5
    assert session.tick(137.5) == Send(PING)
    assert session.tick(147.5) == Close(codes.NO_PONG)


def test_an_unsolicited_pong_closes():
    assert list(receive(connected(), "{}")) == [Close(codes.BAD_COMMAND)]


def test_a_token_that_ends_is_refreshed_or_the_connection_expires_after_a_grace():
    session = connected(expires_in=5)
    (command,) = receive(session, '{"id":3,"refresh":{"token":"new"}}')
    assert isinstance(command, Refresh)
    assert command == Refresh(3, "new")

    reply = spelled(session.refreshed(command, now=104.0, expires_in=60.0))

    assert reply["refresh"] == {"client": "c1", "version": "pygent", "expires": True, "ttl": 60}
    session.tick(112.5)
    assert list(receive(session, "{}")) == []
    assert session.tick(130.1) is None
    session = connected(expires_in=5)
    session.tick(112.5)
    assert list(receive(session, "{}")) == []
    assert session.tick(130.0) == Close(codes.EXPIRED)


def test_a_session_cookie_ends_without_a_refresh():
    session = connected(expires_in=5, connect='{"id":1,"connect":{}}')
    assert list(receive(session, '{"id":3,"refresh":{"token":"x"}}')) == [Close(codes.BAD_COMMAND)]
    assert session.tick(105.0) == Close(codes.EXPIRED)

    session = connected(expires_in=5, connect='{"id":1,"connect":{}}')
    session.renewed(now=104.0, expires_in=None)
    assert session.tick(105.0) is None


def test_a_refresh_of_what_does_not_end_closes():
    assert list(receive(connected(), '{"id":3,"refresh":{"token":"x"}}')) == [
        Close(codes.BAD_COMMAND)
    ]


def test_reasons_are_plain_words():
    for name, value in vars(codes).items():
        if isinstance(value, codes.Disconnect):
            with pytest.raises(json.JSONDecodeError):
                json.loads(value.reason)
            assert len(value.reason.encode()) <= 123, name
