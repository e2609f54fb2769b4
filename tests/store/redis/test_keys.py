"""Names in Redis: no two things share one, and what belongs together stays on one server."""

from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from protocols.principals import TeamId
from store.redis.keys import (
    CONTROL,
    LOG,
    Keys,
    application_channel,
    control_channel,
    parse_application_channel,
)

KEYS = Keys("pygent")
teams = st.integers(1, 2**31).map(TeamId)
channels = st.text(alphabet="ab:{}t1#", max_size=8)
names = st.builds(application_channel, teams, channels)


def all_keys(name: str, idempotency_key: str) -> list[str]:
    return [
        KEYS.meta(name),
        KEYS.history(name),
        KEYS.result(name, idempotency_key),
        KEYS.pubsub(name),
        *KEYS.presence(name),
    ]


@given(names, st.text(max_size=8))
def test_all_of_a_channel_is_kept_on_one_server_of_a_cluster(name: str, idempotency_key: str):
    assert len({key_slot(key.encode()) for key in all_keys(name, idempotency_key)}) == 1


@given(names, names, st.text(max_size=3), st.text(max_size=3))
def test_no_two_channels_share_a_key(one: str, other: str, key: str, other_key: str):
    mine, theirs = all_keys(one, key), all_keys(other, other_key)

    assert len(set(mine)) == len(mine)
    if one != other:
        assert not set(mine) & set(theirs)
    elif key != other_key:
        assert KEYS.result(one, key) != KEYS.result(one, other_key)


@given(teams, channels)
def test_a_name_says_whose_channel_it_is(team: TeamId, channel: str):
    name = application_channel(team, channel)

    assert parse_application_channel(name) == (team, channel)
    assert KEYS.channel(KEYS.pubsub(name)) == name


def test_other_names_are_no_applications_channels():
    for name in ("task:1", "tasks:1", LOG, CONTROL, control_channel("one"), ""):
        assert parse_application_channel(name) is None
        assert KEYS.channel(KEYS.pubsub(name)) == name


def test_names_of_logs_and_feeds_are_what_they_were():
    """Processes of two versions meet in one Redis."""
    assert KEYS.pubsub("task:a") == "pygent:c:task:a"
    assert KEYS.pubsub(LOG) == "pygent:log"
    assert KEYS.history("tasks:1") == "pygent:h:tasks:1"
    assert KEYS.meta("tasks:1") == "pygent:m:tasks:1"
    assert KEYS.roll() == "pygent:roll"
    assert KEYS.answer("x") == "pygent:a:x"
