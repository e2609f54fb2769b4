"""What guests and members may do in channels, with tokens and without, and for how long."""

import json
from typing import Any

import pytest

from protocols import namespaces
from protocols.centrifugal import codes
from protocols.centrifugal.decisions import (
    Authenticate,
    Close,
    Decision,
    End,
    ReadHistory,
    RefreshSubscription,
    Send,
    Subscribe,
)
from protocols.centrifugal.grants import ConnectionGrants, Overrides
from protocols.centrifugal.keyring import KeyDescription, Keyring
from protocols.centrifugal.rights import Rights
from protocols.centrifugal.session import Session
from protocols.centrifugal.visitor import Visitor, guest, member
from protocols.principals import FIRST_TEAM, Actor, Principal, Role, TeamId
from tests.protocols.centrifugal.sessions import (
    CONNECT,
    TASK,
    Given,
    answer,
    error_code,
    new_session,
    receive,
    spelled,
)
from tests.protocols.centrifugal.signing import NOW, SECRET, by_hmac

OTHER_SECRET = "another secret, of 32 bytes and more"
KEYS = Keyring(
    [
        KeyDescription(id="a", algorithm="HS256", key=SECRET),
        KeyDescription(id="b", algorithm="HS256", key=OTHER_SECRET, team=2),
    ],
    clock=lambda: NOW,
)
NAMESPACES = namespaces.parse(
    '[{"name":"","history_size":10,"history_seconds":60},'
    '{"name":"open","subscribe":"anyone","history_size":10,"history_seconds":60},'
    '{"name":"closed","subscribe":"token","history_size":10,"history_seconds":60}]'
)
GUEST = guest(FIRST_TEAM, ConnectionGrants(user="42"))
ANONYMOUS = guest(FIRST_TEAM, ConnectionGrants(user=""))
VIEWER = member(Principal(actor=Actor("key:v"), team=FIRST_TEAM, role=Role.VIEWER, name="v"))
PLAIN, OPEN, CLOSED = "news", "open:a", "closed:a"
MINE, OURS = "#42", "open:a#42,key:v"


def session_of(visitor: Visitor) -> Session:
    session = new_session(NAMESPACES)
    (command,) = receive(session, CONNECT)
    assert isinstance(command, Authenticate)
    session.accept(command, Rights(visitor, KEYS, clock=lambda: NOW), now=100.0)
    return session


def asks(session: Session, method: str, **fields: Any) -> Decision:
    (decision,) = receive(session, json.dumps({"id": 2, method: fields}))
    return decision


def subscribes(session: Session, channel: str, /, **claims: Any) -> Decision:
    """By a token of these claims, or without one."""
    token = by_hmac({"sub": "42", **claims}) if claims else ""
    return asks(session, "subscribe", channel=channel, token=token)


def enters(session: Session, channel: str, /, **claims: Any) -> dict[str, Any]:
    """The result of a subscribe that works."""
    command = subscribes(session, channel, **claims)
    assert isinstance(command, Subscribe)
    return spelled(session.subscriptions.subscribed(command, Given(), now=100.0))["subscribe"]


@pytest.mark.parametrize(
    ("visitor", "opened"),
    [
        (GUEST, {OPEN, MINE, OURS}),
        (ANONYMOUS, {OPEN}),
        (VIEWER, {OPEN, PLAIN, TASK, OURS}),
    ],
)
def test_who_comes_without_a_token_for_it_has_what_is_open_to_them(
    visitor: Visitor, opened: set[str]
):
    channels = {OPEN, PLAIN, CLOSED, TASK, MINE, OURS}
    session = session_of(visitor)
    found = {name for name in channels if isinstance(subscribes(session, name), Subscribe)}
    assert found == opened
    for name in channels - opened:
        assert error_code(subscribes(session, name)) == 103


@pytest.mark.parametrize("channel", [PLAIN, CLOSED, OPEN, TASK, "open:b#7"])
def test_a_token_opens_the_channel_it_names(channel: str):
    session = session_of(GUEST)
    command = subscribes(
        session,
        channel,
        channel=channel,
        info={"a": 1},
        override={"force_recovery": {"value": True}},
    )
    assert isinstance(command, Subscribe)
    assert command.terms.info == b'{"a":1}'
    assert command.terms.overrides == Overrides(force_recovery=True)
    assert command.terms.expires_in is None


def test_one_token_may_be_for_several_channels_and_for_a_pattern():
    claims = {"channel": "news", "channels": ["closed:*", TASK]}
    session = session_of(GUEST)
    for channel in ("news", "closed:a", "closed:b", TASK):
        assert isinstance(subscribes(session, channel, **claims), Subscribe)
    assert subscribes(session, "closed:a#7", **claims) == Close(codes.INVALID_TOKEN)


def test_the_token_of_a_member_is_for_the_actor():
    token = by_hmac({"sub": "key:v", "channel": CLOSED})
    decision = asks(session_of(VIEWER), "subscribe", channel=CLOSED, token=token)
    assert isinstance(decision, Subscribe)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"channel": "closed:b"}, Close(codes.INVALID_TOKEN)),
        ({"channel": CLOSED, "sub": "43"}, Close(codes.INVALID_TOKEN)),
        ({"channel": CLOSED, "exp": NOW}, 109),
        ({"channel": CLOSED, "expire_at": NOW - 1}, 109),
        ({"channel": CLOSED, "nbf": NOW + 1}, 103),
        ({"channels": [CLOSED]}, 103),
        ({"channel": "closed:**"}, 103),
        ({"channel": 5}, 103),
    ],
)
def test_a_token_that_does_not_open_it_says_why(claims: dict[str, Any], expected: Close | int):
    decision = subscribes(session_of(GUEST), CLOSED, **claims)
    assert (error_code(decision) if isinstance(decision, Send) else decision) == expected


def test_another_teams_key_opens_nothing_not_even_what_is_open():
    token = by_hmac({"sub": "42", "channel": OPEN}, secret=OTHER_SECRET)
    for visitor in (GUEST, VIEWER):
        decision = asks(session_of(visitor), "subscribe", channel=OPEN, token=token)
        assert error_code(decision) == 103
    elsewhere = session_of(guest(TeamId(2), ConnectionGrants(user="42")))
    assert isinstance(asks(elsewhere, "subscribe", channel=OPEN, token=token), Subscribe)


def test_what_was_published_is_read_by_who_could_be_there_or_is():
    def reads(session: Session, channel: str) -> bool:
        return isinstance(asks(session, "history", channel=channel, limit=1), ReadHistory)

    session = session_of(GUEST)
    assert [reads(session, name) for name in (OPEN, CLOSED, TASK, "#43")] == [True] + [False] * 3
    enters(session, CLOSED, channel=CLOSED)
    enters(session, TASK, channel=TASK)
    assert reads(session, CLOSED)
    assert reads(session, TASK)
    assert reads(session_of(VIEWER), TASK)
    assert not reads(session_of(VIEWER), CLOSED)


def test_a_subscription_ends_a_while_after_its_token_unless_a_new_one_comes():
    session = session_of(GUEST)
    result = enters(session, CLOSED, channel=CLOSED, exp=NOW + 60)
    assert (result["expires"], result["ttl"]) == (True, 60)

    token = by_hmac({"sub": "42", "channel": "closed:*", "exp": NOW + 90})
    command = asks(session, "sub_refresh", channel=CLOSED, token=token)
    assert isinstance(command, RefreshSubscription)
    answered = spelled(session.subscriptions.refreshed(command, now=110.0))
    assert answered == {"id": 2, "sub_refresh": {"expires": True, "ttl": 90}}

    assert session.subscriptions.due(224.9) is None
    assert session.subscriptions.next() == 225.0
    ended = session.tick(225.0)
    assert ended == End(CLOSED, codes.EXPIRED_SUBSCRIPTION)
    push = spelled(session.subscriptions.ended(CLOSED, codes.EXPIRED_SUBSCRIPTION))["push"]
    assert push == {"channel": CLOSED, "unsubscribe": {"code": 2501, "reason": "expired"}}
    assert session.subscriptions.due(1e9) is None


def test_a_token_may_expire_without_the_subscription():
    session = session_of(GUEST)
    result = enters(session, CLOSED, channel=CLOSED, exp=NOW + 60, expire_at=0)
    assert "expires" not in result
    assert session.subscriptions.due(1e9) is None


def test_a_refresh_without_end_makes_a_subscription_last():
    session = session_of(GUEST)
    enters(session, CLOSED, channel=CLOSED, exp=NOW + 60)
    token = by_hmac({"sub": "42", "channel": CLOSED})
    command = asks(session, "sub_refresh", channel=CLOSED, token=token)
    assert isinstance(command, RefreshSubscription)
    assert spelled(session.subscriptions.refreshed(command, now=110.0))["sub_refresh"] == {}
    assert session.subscriptions.due(1e9) is None


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"channel": CLOSED, "exp": NOW - 1}, 109),
        ({"channel": "closed:b"}, Close(codes.INVALID_TOKEN)),
        ({"channel": CLOSED, "sub": "43"}, Close(codes.INVALID_TOKEN)),
        ({"channel": 5}, 103),
        ({}, Close(codes.BAD_COMMAND)),
    ],
)
def test_a_refresh_is_judged_as_the_subscribe_was(claims: dict[str, Any], expected: Close | int):
    session = session_of(GUEST)
    enters(session, CLOSED, channel=CLOSED, exp=NOW + 60)
    token = by_hmac({"sub": "42", **claims}) if claims else ""
    decision = asks(session, "sub_refresh", channel=CLOSED, token=token)
    assert (error_code(decision) if isinstance(decision, Send) else decision) == expected


def test_only_what_expires_is_refreshed():
    session = session_of(GUEST)
    token = by_hmac({"sub": "42", "channel": CLOSED})
    assert error_code(asks(session, "sub_refresh", channel=CLOSED, token=token)) == 103
    enters(session, OPEN)
    decision = asks(session, "sub_refresh", channel=OPEN, token=token)
    assert decision == Close(codes.BAD_COMMAND)


def test_a_refresh_that_comes_after_the_client_has_left_changes_nothing():
    session = session_of(GUEST)
    enters(session, CLOSED, channel=CLOSED, exp=NOW + 60)
    token = by_hmac({"sub": "42", "channel": CLOSED})
    command = asks(session, "sub_refresh", channel=CLOSED, token=token)
    assert isinstance(command, RefreshSubscription)
    session.subscriptions.left(CLOSED)
    assert spelled(session.subscriptions.refreshed(command, now=110.0))["error"]["code"] == 103
    assert len(session.subscriptions) == 0


def test_the_reason_of_a_refusal_names_the_channel_and_no_token():
    refusal = answer(subscribes(session_of(GUEST), CLOSED))["error"]
    assert refusal["message"] == f"a token is needed for channel {CLOSED!r}"
