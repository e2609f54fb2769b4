"""The keys of tokens: read from one setting, told apart, never shown."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from hub.cli.exits import broken_rules
from hub.settings import HubSettings
from protocols.centrifugal import keyring
from protocols.centrifugal.grants import ExpiredToken, ForeignToken, InvalidToken
from protocols.centrifugal.keyring import MAX_KEYS, KeyDescription, Keyring
from protocols.errors import InvalidRequest
from protocols.principals import TeamId
from tests.protocols.centrifugal.signing import (
    ED25519_JWK,
    ED25519_PEM,
    NOW,
    SECRET,
    by_ed25519,
    by_hmac,
)

OTHER_SECRET = "another secret, of 32 bytes and more"
SHOP: dict[str, Any] = {"id": "shop", "algorithm": "HS256", "key": SECRET}
CRM = {"id": "crm", "algorithm": "HS256", "key": OTHER_SECRET, "team": 2}
SSO = {"id": "sso", "algorithm": "EdDSA", "key": ED25519_PEM, "team": 3, "issuer": "them"}
GOOD = {"sub": "42", "exp": NOW + 60}
BAD_KEYS: list[tuple[Any, str]] = [
    ({}, "a JSON list of objects"),
    ([1], "a JSON list of objects"),
    ([{**SHOP, "key": "too short"}], "'shop': an HMAC secret has at least 32 bytes, not 9"),
    ([{**SHOP, "key": ED25519_JWK}], "'shop': an HMAC secret has at least 32 bytes"),
    ([{**SHOP, "key": ED25519_PEM}], "'shop': an HMAC secret is no PEM"),
    ([{**SHOP, "algorithm": "none"}], "key no. 1: Invalid enum value 'none'"),
    ([{**SHOP, "algorithm": "EdDSA"}], "'shop': an Ed25519 public key is a PEM or a JWK"),
    ([{**SHOP, "team": 0}], "key no. 1: Expected `int` >= 1"),
    ([{**SHOP, "secret": "x"}], "key no. 1: Object contains unknown field `secret`"),
    ([SHOP, {"id": "b", "algorithm": "HS256"}], "key no. 2: Object missing required field `key`"),
    ([SHOP, {**SHOP, "key": OTHER_SECRET}], "'shop': its id or its key is there twice"),
    ([SHOP, {**SHOP, "id": "b", "team": 2}], "'b': its id or its key is there twice"),
    ([{**SHOP, "id": "a b"}], "key no. 1: Expected `str` matching regex"),
    ([SHOP] * (MAX_KEYS + 1), f"at most {MAX_KEYS} keys"),
]


def ring(*keys: dict[str, Any]) -> Keyring:
    described = [KeyDescription(**key) for key in keys]
    return Keyring(described, clock=lambda: NOW)


def test_without_the_setting_there_are_no_keys():
    assert len(HubSettings().token_keys()) == 0
    assert len(keyring.parse(" ")) == 0


def test_the_key_that_signed_says_whose_channels_it_is_about():
    keys = ring(SHOP, CRM, SSO)
    assert keys.connection(by_hmac(GOOD))[0] == TeamId(1)
    assert keys.connection(by_hmac(GOOD, secret=OTHER_SECRET))[0] == TeamId(2)
    assert keys.connection(by_ed25519({**GOOD, "iss": "them"}))[0] == TeamId(3)
    assert keys.connection(by_hmac(GOOD))[1].user == "42"


def test_a_token_that_names_its_key_is_tried_with_that_one_alone():
    keys = ring(SHOP, CRM)
    header = {"alg": "HS256", "kid": "crm"}
    assert keys.connection(by_hmac(GOOD, header=header, secret=OTHER_SECRET))[0] == TeamId(2)
    for token in (
        by_hmac(GOOD, header=header),
        by_hmac(GOOD, header={"alg": "HS256", "kid": "nobody"}),
        by_hmac(GOOD, header={"alg": "HS256", "kid": 1}),
        by_hmac(GOOD, header={"alg": "HS256", "kid": ["shop"]}),
    ):
        with pytest.raises(InvalidToken):
            keys.connection(token)


def test_a_key_is_good_with_its_own_algorithm_alone():
    keys = ring(SHOP, SSO)
    for algorithm in ("HS384", "HS512"):
        with pytest.raises(InvalidToken):
            keys.connection(by_hmac(GOOD, algorithm=algorithm))
    with pytest.raises(InvalidToken):  # the public key as an HMAC secret
        keys.connection(by_hmac(GOOD, secret=ED25519_PEM))


def test_what_the_right_key_signed_wrongly_is_tried_with_no_other():
    keys = ring(SHOP, CRM)
    with pytest.raises(ExpiredToken):
        keys.connection(by_hmac({"exp": NOW - 1}))
    with pytest.raises(InvalidToken, match="claim channel"):
        keys.connection(by_hmac({**GOOD, "channel": "news:a"}, secret=OTHER_SECRET))


@pytest.mark.parametrize("user", ["key:1", "user:owner", "agent:a", "guest:42", "system"])
def test_nobody_is_let_in_under_a_name_of_the_factorys_own(user: str):
    with pytest.raises(InvalidToken, match="sub"):
        ring(SHOP).connection(by_hmac({**GOOD, "sub": user}))


def test_a_subscription_token_opens_channels_of_the_team_whose_key_signed_it():
    keys = ring(SHOP, CRM)
    token = by_hmac({**GOOD, "channel": "news:*"}, secret=OTHER_SECRET)

    grant = keys.subscription(token, team=TeamId(2), user="42", channel="news:a")

    assert (grant.channel, grant.expires_at) == ("news:a", NOW + 60)
    with pytest.raises(InvalidToken) as refused:
        keys.subscription(token, team=TeamId(1), user="42", channel="news:a")
    assert refused.type is InvalidToken
    with pytest.raises(ForeignToken):
        keys.subscription(token, team=TeamId(2), user="43", channel="news:a")


@pytest.mark.parametrize(("keys", "said"), BAD_KEYS)
def test_a_wrong_key_is_one_sentence_without_the_key(keys: Any, said: str):
    with pytest.raises(InvalidRequest) as refused:
        keyring.parse(json.dumps(keys))
    assert said in refused.value.message
    assert SECRET not in refused.value.message


def test_no_key_is_shown_by_settings_their_errors_or_descriptions():
    for key in ("short", "x" * 40):
        wrong = json.dumps([{"id": "a", "algorithm": "HS256", "key": key, "team": -1}])
        with pytest.raises(ValidationError) as refused:
            HubSettings(realtime_keys=wrong)  # pyright: ignore[reportArgumentType]  validated there
        sentence = broken_rules(refused.value)
        assert sentence.startswith("PYGENT_REALTIME_KEYS: key no. 1: ")
        assert key not in sentence
    settings = HubSettings(realtime_keys=json.dumps([SHOP]))  # pyright: ignore[reportArgumentType]
    assert len(settings.token_keys()) == 1
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(ring(SHOP))):
        assert SECRET not in shown
    assert SECRET not in repr(KeyDescription(**SHOP))
