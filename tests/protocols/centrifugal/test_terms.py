"""How somebody is in a channel: by its rules, by what they may see, and by what a token says."""

import pytest

from protocols import channels, namespaces
from protocols.centrifugal.grants import Overrides
from protocols.centrifugal.terms import BY_COMMAND, Manner, Terms, manner
from protocols.principals import Role
from tests.protocols.centrifugal.sessions import CHANNEL

NAMESPACES = namespaces.parse(
    """[{"name": "room", "presence": true, "join_leave": true},
        {"name": "shy", "presence": true, "join_leave": true, "see_presence": "operators"},
        {"name": "loud", "join_leave": true, "force_push_join_leave": true},
        {"name": "plain"}]"""
)
WISH = Terms(join_leave=True)
LOUD = Overrides(presence=True, join_leave=True, force_push_join_leave=True)
QUIET = Overrides(presence=False, join_leave=False, force_push_join_leave=False)


def came_of(channel: str, terms: Terms, role: Role) -> tuple[bool, bool, bool]:
    found = manner(terms, channels.parse(channel, NAMESPACES), role)
    return found.is_present, found.is_announced, found.is_told


@pytest.mark.parametrize(
    ("channel", "terms", "role", "present_announced_told"),
    [
        ("room:a", BY_COMMAND, Role.GUEST, (True, True, False)),
        ("room:a", WISH, Role.GUEST, (True, True, True)),
        ("shy:a", WISH, Role.VIEWER, (True, True, False)),
        ("shy:a", WISH, Role.OPERATOR, (True, True, True)),
        ("loud:a", BY_COMMAND, Role.GUEST, (False, True, True)),
        ("plain:a", WISH, Role.OWNER, (False, False, True)),  # nobody is announced there
        ("plain:a", Terms(overrides=LOUD), Role.GUEST, (True, True, True)),
        ("loud:a", Terms(overrides=QUIET), Role.GUEST, (False, False, False)),
    ],
)
def test_rules_wishes_and_tokens_say_together_how_somebody_is_there(
    channel: str, terms: Terms, role: Role, present_announced_told: tuple[bool, bool, bool]
):
    assert came_of(channel, terms, role) == present_announced_told


def test_on_a_channel_of_the_factory_nobody_is_there_whatever_a_token_says():
    terms = Terms(join_leave=True, overrides=LOUD)
    assert manner(terms, CHANNEL, Role.OWNER) == Manner()
