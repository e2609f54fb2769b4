"""Namespaces of application channels: their rules, and names of channels in them."""

import pytest

from hub.settings import HubSettings
from protocols import channels, namespaces
from protocols.errors import InvalidRequest, NotFound
from protocols.namespaces import ApplicationNamespace, Clients, Subscribers
from protocols.principals import Role

NAMESPACES = namespaces.parse(
    '[{"name":"news","history_size":10,"history_seconds":60,"publish":"operators"},{"name":""}]'
)


@pytest.mark.parametrize(
    ("described", "refusal"),
    [
        ("{", "a JSON list of objects"),
        ("[1]", "a JSON list of objects"),
        ('[{"name":"news","history_size":5}]', 'namespace "news": history_size and history_sec'),
        ('[{"name":"news","history_seconds":5}]', 'namespace "news": history_size and'),
        ('[{"name":"tasks"}]', 'namespace "tasks": the factory'),
        ('[{"name":"a:b"}]', 'namespace "a:b": a name has'),
        ('[{"name":"a","size":1}]', 'namespace "a": Object contains unknown field `size`'),
        ('[{"name":"a","publish":"me"}]', 'namespace "a": Invalid enum value'),
        ('[{"name":"a","history_size":100000,"history_seconds":1}]', "<= 10000"),
        ('[{"name":"a","max_bytes":0}]', "max_bytes"),
        ('[{"name":"a"},{"history_size":1}]', "namespace no. 2: .*`name`"),
        ('[{"name":"a"},{"name":"a"}]', "there are two"),
        ('[{"name":"a","force_push_join_leave":true}]', "needs join_leave"),
        ('[{"name":"a","recovery":"cache"}]', "recovery by cache needs history_size"),
        ('[{"name":"a","auto_cache_recover":true}]', "needs recovery by cache"),
        ('[{"name":"a","see_presence":"me"}]', 'namespace "a": Invalid enum value'),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_namespace_and_the_rule(
    described: str, refusal: str
):
    with pytest.raises(InvalidRequest, match=refusal):
        namespaces.parse(described)
    with pytest.raises(ValueError, match=refusal):
        HubSettings(namespaces=described)


def test_a_channel_has_the_rules_of_its_namespace():
    news, plain = channels.parse("news:a:b", NAMESPACES), channels.parse("plain", NAMESPACES)

    assert (str(news), str(plain)) == ("news:a:b", "plain")
    assert news.application == ApplicationNamespace(
        name="news", history_size=10, history_seconds=60, publish=Clients.OPERATORS
    )
    assert (news.has_history, plain.has_history) == (True, False)
    assert not news.is_logged
    assert news.team is None


@pytest.mark.parametrize(
    "name",
    [
        "news:",
        "news:a b",
        "news:\x00",
        "news:ä",
        "news:a#",
        "#",
        "x#1,,2",
        "#1,",
        "other:a",
        "tasks:a",
    ],
)
def test_other_names_are_of_no_channel(name: str):
    with pytest.raises(NotFound):
        channels.parse(name, NAMESPACES)


def test_without_settings_there_are_none():
    assert len(HubSettings().application_namespaces()) == 0
    for name in ("news:a", "plain"):
        with pytest.raises(NotFound):
            channels.parse(name)


def test_who_may_publish_is_told_by_role_or_subscription():
    def roles(publish: Clients, *, is_subscribed: bool) -> set[Role]:
        rules = ApplicationNamespace(name="a", publish=publish)
        return {role for role in Role if rules.lets_publish(role, is_subscribed=is_subscribed)}

    everybody = set(Role)
    members = everybody - {Role.GUEST}
    assert roles(Clients.NOBODY, is_subscribed=True) == set()
    assert roles(Clients.SUBSCRIBERS, is_subscribed=True) == everybody
    assert roles(Clients.SUBSCRIBERS, is_subscribed=False) == set()
    assert roles(Clients.VIEWERS, is_subscribed=False) == members
    assert roles(Clients.OPERATORS, is_subscribed=False) == {Role.OPERATOR, Role.OWNER}
    assert roles(Clients.OWNERS, is_subscribed=False) == {Role.OWNER}
    assert roles(Clients.ANYONE, is_subscribed=False) == everybody


@pytest.mark.parametrize(
    ("subscribe", "who"),
    [
        (Subscribers.ANYONE, set(Role)),
        (Subscribers.MEMBERS, set(Role) - {Role.GUEST}),
        (Subscribers.TOKEN, set[Role]()),
    ],
)
def test_who_may_subscribe_without_a_token_is_told_by_role(subscribe: Subscribers, who: set[Role]):
    rules = ApplicationNamespace(name="a", subscribe=subscribe)
    assert {role for role in Role if rules.lets_subscribe(role)} == who


@pytest.mark.parametrize(
    ("name", "users"),
    [
        ("#42", {"42"}),
        ("news:#42", {"42"}),
        ("news:a#42,ann", {"42", "ann"}),
        ("news:a#b#42", {"42"}),
        ("news:a", set[str]()),
    ],
)
def test_a_channel_names_the_users_it_is_for(name: str, users: set[str]):
    channel = channels.parse(name, NAMESPACES)
    assert channel.users == users
    assert str(channel) == name


def test_a_user_has_a_channel_of_its_own_where_the_name_can_be_one():
    rules = ApplicationNamespace(name="news", personal=True)
    assert str(channels.personal_channel(rules, "42")) == "news:#42"
    for user in ("", "a,b", "a#b", "ä", "a b", "x" * 250):
        assert channels.personal_channel(rules, user) is None
