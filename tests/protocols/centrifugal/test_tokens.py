"""Tokens that are good, what they grant, and how long; hostile ones have a file of their own."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from protocols.centrifugal import codes
from protocols.centrifugal.grants import (
    ConnectionGrants,
    ExpiredToken,
    ForeignToken,
    InvalidToken,
    Overrides,
    ServerSideSubscription,
    SubscriptionGrant,
    UnknownKey,
    covers,
)
from protocols.centrifugal.tokens import Tokens
from tests.protocols.centrifugal.signing import (
    ED25519_JWK,
    ED25519_PEM,
    NOW,
    SECRET,
    by_ed25519,
    by_hmac,
)

TOKENS = Tokens(hmac_secret=SECRET, ed25519_key=ED25519_PEM, clock=lambda: NOW)


def test_a_connection_token_says_who_connects_and_what_for() -> None:
    token = by_hmac(
        {
            "sub": "42",
            "exp": NOW + 60,
            "iat": NOW - 1.5,
            "jti": "one",
            "aud": ["a", "b"],
            "iss": "https://issuer.example",
            "info": {"name": "Ann\nä"},
            "meta": {"plan": "gold"},
            "channels": ["news", "chat:1"],
            "subs": {
                "chat:1": {
                    "info": {"role": "admin"},
                    "b64data": "eyJhIjogWzEsIDJdfQ==",
                    "override": {"presence": {"value": True}, "force_recovery": {"value": False}},
                },
                "$private:x": {},
            },
            "unknown": [1],
        }
    )

    grants = TOKENS.connection(token)

    assert grants == ConnectionGrants(
        user="42",
        expires_at=NOW + 60,
        info=b'{"name":"Ann\\n\\u00e4"}',
        meta=b'{"plan":"gold"}',
        subscriptions={
            "news": ServerSideSubscription(),
            "chat:1": ServerSideSubscription(
                info=b'{"role":"admin"}',
                data=b'{"a":[1,2]}',
                overrides=Overrides(presence=True, force_recovery=False),
            ),
            "$private:x": ServerSideSubscription(),
        },
        token_id="one",
        issued_at=NOW - 1.5,
    )


def test_a_token_without_claims_connects_nobody_in_particular_for_ever() -> None:
    assert TOKENS.connection(by_hmac({})) == ConnectionGrants(user="")


def test_a_subscription_token_gives_one_user_one_channel() -> None:
    token = by_hmac(
        {
            "sub": "42",
            "channel": "chat:1",
            "exp": NOW + 60,
            "jti": "two",
            "iat": 0,
            "b64info": "eyJuYW1lIjoiQW5uIn0=",
            "info": "not looked at",
            "override": {
                "presence": {"value": True},
                "join_leave": {"value": True},
                "force_push_join_leave": {"value": False},
                "force_recovery": {"value": True},
                "force_positioning": {"value": False},
            },
        }
    )

    grant = TOKENS.subscription(token, user="42", channel="chat:1")

    assert grant == SubscriptionGrant(
        user="42",
        channel="chat:1",
        expires_at=NOW + 60,
        info=b'{"name":"Ann"}',
        overrides=Overrides(
            presence=True,
            join_leave=True,
            force_push_join_leave=False,
            force_recovery=True,
            force_positioning=False,
        ),
        token_id="two",
        issued_at=0,
    )
    with pytest.raises(ForeignToken):
        TOKENS.subscription(token, user="43", channel="chat:1")
    with pytest.raises(ForeignToken):
        TOKENS.subscription(token, user="42", channel="chat:2")


def test_a_subscription_token_without_a_user_is_for_the_anonymous() -> None:
    token = by_hmac({"channel": "chat:1"})
    assert TOKENS.subscription(token, user="", channel="chat:1").user == ""
    with pytest.raises(ForeignToken):
        TOKENS.subscription(token, user="42", channel="chat:1")


def test_a_subscription_token_may_be_for_several_channels_and_patterns() -> None:
    token = by_hmac({"sub": "42", "channel": "news:*", "channels": ["chat:1", "game:7:*"]})
    for channel in ("news:a", "news:a:b", "chat:1", "game:7:score"):
        assert TOKENS.subscription(token, user="42", channel=channel).channel == channel
    for channel in ("news", "news:", "news:*", "chat:2", "chat:10", "game:7", "game:70:score"):
        with pytest.raises(ForeignToken):
            TOKENS.subscription(token, user="42", channel=channel)


def test_a_token_for_channels_but_none_in_particular_is_told_what_it_lacks() -> None:
    with pytest.raises(InvalidToken, match="has a claim channel; more go into channels"):
        TOKENS.subscription(by_hmac({"channels": ["chat:1"]}), user="", channel="chat:1")


@pytest.mark.parametrize(
    ("name", "channel", "is_covered"),
    [
        ("news", "news", True),
        ("news", "News", False),
        ("news", "news:a", False),
        ("caf\u00e9", "cafe\u0301", False),
        ("news:*", "news:a", True),
        ("news:*", "news:a:b c/d", True),
        ("news:*", "news:", False),
        ("news:*", "news", False),
        ("news:*", "News:a", False),
        ("news:*", "newspaper:a", False),
        ("news:*", "$news:a", False),
        ("news:*", "news:*", False),
        ("news:*", "news:a*", False),
        ("news:*", "news:a#42", False),
        ("news:a*", "news:ab", True),
        ("news:a*", "news:a", False),
        ("news:a*", "news:b", False),
        ("news:inbox#*", "news:inbox#42", True),
        ("news:inbox#*", "news:inbox#42#43", False),
        ("team:1:*", "team:10:x", False),
    ],
)
def test_a_pattern_covers_what_begins_as_it_does_and_goes_on(
    name: str, channel: str, *, is_covered: bool
) -> None:
    assert covers(name, channel) is is_covered


@pytest.mark.parametrize(
    ("claims", "expires_at"),
    [
        ({}, None),
        ({"exp": NOW + 0.5}, NOW + 0.5),
        ({"exp": NOW + 60, "expire_at": 0}, None),
        ({"exp": NOW + 60, "expire_at": NOW + 3600}, NOW + 3600),
        ({"expire_at": NOW + 10}, NOW + 10),
        ({"expire_at": 0}, None),
        ({"exp": NOW + 60, "nbf": NOW}, NOW + 60),
    ],
)
def test_what_is_granted_ends_with_the_token_unless_it_says_otherwise(
    claims: dict[str, object], expires_at: float | None
) -> None:
    assert TOKENS.connection(by_hmac(claims)).expires_at == expires_at
    token = by_hmac({**claims, "channel": "a"})
    assert TOKENS.subscription(token, user="", channel="a").expires_at == expires_at


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW},
        {"exp": NOW - 0.001},
        {"exp": 0},
        {"exp": NOW, "expire_at": 0},
        {"exp": NOW - 1, "expire_at": 0},
        {"exp": NOW - 1, "expire_at": NOW + 60},
        {"exp": NOW + 60, "expire_at": NOW},
        {"expire_at": 1},
    ],
)
def test_an_expired_token_is_told_from_an_invalid_one(claims: dict[str, object]) -> None:
    with pytest.raises(ExpiredToken):
        TOKENS.connection(by_hmac(claims))
    with pytest.raises(ExpiredToken):
        TOKENS.subscription(by_hmac({**claims, "channel": "a"}), user="", channel="a")


def test_what_is_wrong_with_a_token_has_the_protocols_number() -> None:
    assert codes.code_of(ExpiredToken("")) is codes.TOKEN_EXPIRED
    for kind in (InvalidToken, UnknownKey, ForeignToken):
        assert codes.code_of(kind("")) is codes.PERMISSION_DENIED


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", [SECRET, SECRET.encode(), bytes(range(32))])
def test_hmac_tokens_of_another_library_are_read(algorithm: str, secret: str | bytes) -> None:
    token = jwt.encode(
        {"alg": algorithm, "kid": "1"}, {"sub": "42"}, OctKey.import_key(secret), [algorithm]
    )
    assert Tokens(hmac_secret=secret).connection(token).user == "42"
    assert Tokens(hmac_secret=secret, ed25519_key=ED25519_PEM).connection(token).user == "42"
    with pytest.raises(InvalidToken):
        Tokens(hmac_secret=SECRET + "!").connection(token)


@pytest.mark.parametrize("key", [ED25519_PEM, ED25519_JWK, json.dumps(ED25519_JWK)])
@pytest.mark.parametrize("name", ["EdDSA", "Ed25519"])
def test_ed25519_tokens_are_read_with_the_public_key(key: str | dict[str, str], name: str) -> None:
    token = by_ed25519({"sub": "42"}, header={"alg": name, "typ": "JWT"})
    assert Tokens(ed25519_key=key).connection(token).user == "42"
    assert Tokens(ed25519_key=key, hmac_secret=SECRET).connection(token).user == "42"


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "at+jwt"])
def test_a_token_may_say_of_itself_that_it_is_one(kind: str | None) -> None:
    header = {"alg": "HS256", "x5t": "of no matter"} | ({"typ": kind} if kind else {})
    assert TOKENS.connection(by_hmac({"sub": "42"}, header=header)).user == "42"


def test_audience_and_issuer_have_to_be_ours_when_they_are_known() -> None:
    tokens = Tokens(hmac_secret=SECRET, audience="us", issuer="them", clock=lambda: NOW)
    for audience in ("us", ["others", "us"]):
        token = by_hmac({"sub": "42", "aud": audience, "iss": "them"})
        assert tokens.connection(token).user == "42"


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({}, "need an HMAC secret"),
        ({"hmac_secret": ""}, "at least 32 bytes, not 0"),
        ({"hmac_secret": "x" * 31}, "at least 32 bytes, not 31"),
        ({"hmac_secret": ED25519_PEM}, "a public key is not secret"),
        ({"ed25519_key": ""}, "is a PEM or a JWK"),
        ({"ed25519_key": "secret" * 9}, "is a PEM or a JWK"),
        ({"ed25519_key": ED25519_PEM.replace("M", "N")}, "is a PEM or a JWK"),
        ({"ed25519_key": {}}, "is a PEM or a JWK"),
        ({"ed25519_key": {**ED25519_JWK, "kty": "oct", "k": "x"}}, "is a PEM or a JWK"),
        ({"ed25519_key": {"kty": "OKP", "crv": "Ed25519"}}, "is a PEM or a JWK"),
        ({"ed25519_key": {**ED25519_JWK, "crv": "P-256"}}, "is a PEM or a JWK"),
        ({"ed25519_key": {**ED25519_JWK, "x": "AAAA"}}, "is a PEM or a JWK"),
        ({"ed25519_key": "[1]"}, "is a PEM or a JWK"),
        ({"ed25519_key": OKPKey.generate_key("Ed448").as_pem().decode()}, "not Ed448"),
        ({"ed25519_key": OKPKey.generate_key("X25519").as_pem().decode()}, "not X25519"),
        ({"ed25519_key": OKPKey.generate_key("Ed25519").as_dict(private=True)}, "private one"),
        ({"ed25519_key": OKPKey.generate_key("Ed25519").as_pem(private=True).decode()}, "PEM"),
    ],
)
def test_a_key_that_cannot_be_right_is_refused_at_once(keys: dict[str, str], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Tokens(hmac_secret=keys.get("hmac_secret"), ed25519_key=keys.get("ed25519_key"))
