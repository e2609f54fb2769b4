"""Counting what is open: each place taken is given back, and only its holder is held up."""

from contextlib import ExitStack

import pytest

from protocols.errors import LimitExceeded
from protocols.principals import Actor, Principal, Role, TeamId
from protocols.quotas import Quota, Quotas, holder_of, network_of


def quota(limit: int = 2) -> Quota:
    return Quota("things", limit=limit, holder="key or person", setting="PYGENT_MAX_THINGS")


def principal(actor: str, *, team: int = 1) -> Principal:
    return Principal(actor=Actor(actor), team=TeamId(team), role=Role.OPERATOR, name=actor)


def test_one_holder_reaches_the_limit_and_another_does_not() -> None:
    things = quota()
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(things.held_by("a"))
        with pytest.raises(LimitExceeded) as refused:
            held.enter_context(things.held_by("a"))
        held.enter_context(things.held_by("b"))
        assert (len(things), things.refused) == (3, 1)
    assert len(things) == 0
    for word in ("2 things", "key or person", "PYGENT_MAX_THINGS"):
        assert word in refused.value.message
    assert refused.value.retry_seconds


def test_a_place_is_given_back_however_the_block_ends() -> None:
    things = quota(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), things.held_by("a"):
            raise ZeroDivisionError
    with things.held_by("a"):
        pass
    assert len(things) == 0


def test_a_refusal_by_the_second_quota_gives_back_the_place_in_the_first() -> None:
    quotas = Quotas(streams=1, per_address=5)
    with quotas.stream(principal("key:a"), "192.0.2.1"):
        with pytest.raises(LimitExceeded), quotas.stream(principal("key:a"), "192.0.2.1"):
            pass
        assert len(quotas.addresses) == 1
    assert len(quotas.addresses) == len(quotas.streams) == 0


def test_keys_of_one_name_in_two_teams_are_two_holders() -> None:
    assert holder_of(principal("user:a")) == holder_of(principal("user:a"))
    assert holder_of(principal("user:a")) != holder_of(principal("user:a", team=2))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix socket", "unix socket"),
        ("", ""),
    ],
)
def test_who_has_a_network_of_addresses_is_one_holder(address: str, network: str) -> None:
    assert network_of(address) == network
