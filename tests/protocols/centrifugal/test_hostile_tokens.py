"""Hostile tokens, each with the verdict it has to get: forged, confused, malformed, lying."""

import base64
import hmac
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.centrifugal.grants import ExpiredToken, ForeignToken, InvalidToken, UnknownKey
from protocols.centrifugal.tokens import MAX_TOKEN_BYTES, Tokens
from protocols.errors import Unauthenticated
from tests.protocols.centrifugal.signing import (
    ED25519,
    ED25519_JWK,
    ED25519_PEM,
    NOW,
    SECRET,
    base64url,
    by_ed25519,
    by_hmac,
    unsigned,
)

SEED = 20261122
TOKENS = Tokens(
    hmac_secret=SECRET,
    ed25519_key=ED25519_PEM,
    audience="us",
    issuer="them",
    clock=lambda: NOW,
)
ONLY_HMAC = Tokens(hmac_secret=SECRET, clock=lambda: NOW)
ONLY_ED25519 = Tokens(ed25519_key=ED25519_PEM, clock=lambda: NOW)
GOOD: dict[str, object] = {"sub": "42", "exp": NOW + 60, "aud": "us", "iss": "them"}
CHANNEL = {**GOOD, "channel": "news:a"}
ATTACKER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the curve's group (RFC 8032, 5.1)

HMAC_TOKEN = by_hmac(GOOD)
ED25519_TOKEN = by_ed25519(GOOD)
BODY, _, HMAC_SIGNATURE = HMAC_TOKEN.rpartition(".")
HEADER, _, PAYLOAD = BODY.partition(".")


def claims(**changed: object) -> str:
    return by_hmac({**GOOD, **changed})


def written(text: str | bytes) -> str:
    """A token whose claims are good ones and this text, as it stands here."""
    raw = text if isinstance(text, bytes) else text.encode()
    return by_hmac(json.dumps(GOOD).encode().removesuffix(b"}") + b"," + raw + b"}")


def header(**changed: object) -> str:
    return by_hmac(GOOD, header={"alg": "HS256", "typ": "JWT", **changed})


def without(*names: str) -> str:
    return by_hmac({name: value for name, value in GOOD.items() if name not in names})


def with_more_order(token: str) -> str:
    """The same signature, with the group's order added to its second half."""
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    more = int.from_bytes(raw[32:], "little") + ORDER
    return f"{body}.{base64url(raw[:32] + more.to_bytes(32, 'little'))}"


def signed_text(head: str, *, payload: str = PAYLOAD) -> str:
    body = f"{base64url(head.encode())}.{payload}"
    return f"{body}.{base64url(hmac.digest(SECRET.encode(), body.encode(), 'sha256'))}"


FORGED = {
    "no signature": f"{BODY}.",
    "no third part": BODY,
    "another secret": by_hmac(GOOD, secret="another secret of 32 bytes, or more"),
    "the empty secret": by_hmac(GOOD, secret=""),
    "a usual secret": by_hmac(GOOD, secret="secret"),
    "the secret's beginning": by_hmac(GOOD, secret=SECRET[:-1]),
    "the secret and a letter": by_hmac(GOOD, secret=SECRET + "a"),
    "the secret in base64": by_hmac(GOOD, secret=base64.b64encode(SECRET.encode())),
    "a cut signature": HMAC_TOKEN[:-4],
    "a longer signature": HMAC_TOKEN + "AAAA",
    "another key": by_ed25519(GOOD, key=ATTACKER),
    "zeros for a signature": f"{unsigned(GOOD, {'alg': 'EdDSA'})}.{base64url(bytes(64))}",
    "a signature with the order added": with_more_order(ED25519_TOKEN),
    "another's signature": f"{by_hmac(CHANNEL).rpartition('.')[0]}.{HMAC_SIGNATURE}",
    "another payload": f"{HEADER}.{base64url(b'{}')}.{HMAC_SIGNATURE}",
    "another header": f"{base64url(b'{}')}.{PAYLOAD}.{HMAC_SIGNATURE}",
    "the payload taken out": f"{HEADER}..{HMAC_SIGNATURE}",
    "a signature of nothing": f"{BODY}.{base64url(hmac.digest(SECRET.encode(), b'', 'sha256'))}",
}
NONE = {
    f"alg {name} {what}": f"{unsigned(GOOD, {'alg': name, 'typ': 'JWT'})}.{signature}"
    for name in ("none", "None", "NONE", "nOnE")
    for what, signature in {"unsigned": "", "signed": HMAC_SIGNATURE}.items()
}
CONFUSED = {
    "HMAC with the public key": by_hmac(GOOD, secret=ED25519_PEM),
    "HMAC with the public key, no line feed": by_hmac(GOOD, secret=ED25519_PEM.strip()),
    "HMAC with the public key's bytes": by_hmac(
        GOOD, secret=ED25519.public_key().public_bytes_raw()
    ),
    "HMAC with the key's JWK": by_hmac(GOOD, secret=json.dumps(ED25519_JWK)),
    "EdDSA said, HMAC done": header(alg="EdDSA"),
    "HS256 said, EdDSA done": by_ed25519(GOOD, header={"alg": "HS256"}),
    "HS384 said, HS256 done": header(alg="HS384"),
    "HS512 said, HS256 done": header(alg="HS512"),
    "HS256 said, HS512 done": by_hmac(GOOD, header={"alg": "HS256"}, algorithm="HS512"),
    "alg twice": signed_text('{"alg":"none","alg":"HS256"}'),
    "alg twice, the other way round": signed_text('{"alg":"HS256","alg":"none"}'),
    "no alg": by_hmac(GOOD, header={"typ": "JWT"}),
    **{
        f"alg {alg!r}": header(alg=alg)
        for alg in (None, 1, True, ["HS256"], {"HS256": 1}, "", "hs256", "HS256 ", "HS256\0")
    },
    **{
        f"alg {alg}": header(alg=alg)
        for alg in ("HS1", "RS256", "PS256", "ES256", "ES256K", "Ed448", "dir", "A128KW")
    },
}
HEADERS = {
    "a jwk to believe": by_ed25519(GOOD, header={"alg": "EdDSA", "jwk": ED25519_JWK}),
    "a jwk of the attacker": by_ed25519(
        GOOD,
        key=ATTACKER,
        header={
            "alg": "EdDSA",
            "jwk": {**ED25519_JWK, "x": base64url(ATTACKER.public_key().public_bytes_raw())},
        },
    ),
    "a jku": header(jku="https://127.0.0.1:1/keys"),
    "an x5u": header(x5u="https://127.0.0.1:1/certificate"),
    "an x5c": header(x5c=["MIIB"]),
    "a kid that is a path": by_hmac(GOOD, header={"alg": "HS256", "kid": "/dev/null"}, secret=""),
    "a kid that is SQL": by_hmac(
        GOOD, header={"alg": "HS256", "kid": "' UNION SELECT 'x'--"}, secret="x"
    ),
    "a kid that is a number": header(kid=1),
    "a kid that is a list": header(kid=["1"]),
    "crit of a claim": header(crit=["exp"], exp=NOW + 60),
    "crit of nothing known": header(crit=["x"], x=1),
    "crit of nothing": header(crit=[]),
    "an unencoded payload": header(crit=["b64"], b64=False),
    "b64 alone": header(b64=False),
    "typ of another kind": header(typ="JWE"),
    "typ that ends alike": header(typ="notjwt"),
    "typ that is a number": header(typ=1),
    "typ that is null": header(typ=None),
    "a header of 1 KiB": header(x="x" * 1000),
    "a header nested deeply": signed_text('{"alg":"HS256","x":' + "[" * 300 + "]" * 300 + "}"),
    "a header with half a character": signed_text('{"alg":"HS256","x":"\\ud800"}'),
    "a header with a NaN": signed_text('{"alg":"HS256","x":NaN}'),
    "a header with more after it": signed_text('{"alg":"HS256"} {}'),
    "an empty header": signed_text(""),
    "a header that is no UTF-8": by_hmac(GOOD, header=b'{"alg":"HS256","x":"\xff"}'),
    "a header in UTF-16": by_hmac(GOOD, header='{"alg":"HS256"}'.encode("utf-16")),
    **{
        f"a header that is {text}": signed_text(text)
        for text in ("[]", '"HS256"', "1", "null", "true", '["alg"]', "{")
    },
}
FORMS = {
    "empty": "",
    "one dot": ".",
    "two dots": "..",
    "three dots": "...",
    "words": "not a token",
    "a key of another kind": "pgk_" + "a" * 40,
    "one part": HEADER,
    "two parts": f"{HEADER}.{PAYLOAD}",
    "four parts": f"{HMAC_TOKEN}.{HMAC_SIGNATURE}",
    "five parts": f"{HEADER}.{PAYLOAD}.{PAYLOAD}.{PAYLOAD}.{HMAC_SIGNATURE}",
    "Bearer": f"Bearer {HMAC_TOKEN}",
    "a space before": f" {HMAC_TOKEN}",
    "a space after": f"{HMAC_TOKEN} ",
    "a line feed after": f"{HMAC_TOKEN}\n",
    "a zero after": f"{HMAC_TOKEN}\0",
    "padding after": f"{HMAC_TOKEN}=",
    "padding in the header": f"{HEADER}=.{PAYLOAD}.{HMAC_SIGNATURE}",
    "a line feed inside": f"{HEADER}\n.{PAYLOAD}.{HMAC_SIGNATURE}",
    "letters of another alphabet": HMAC_TOKEN.replace("a", "\N{CYRILLIC SMALL LETTER A}"),
    "the other base64": f"{BODY}.{'+/' * 21}A",
    "signature with odd last bits": HMAC_TOKEN[:-1] + chr(ord(HMAC_TOKEN[-1]) + 1),
    "a form of JSON": json.dumps({"payload": PAYLOAD, "protected": HEADER, "signature": "x"}),
    "too long by one": HMAC_TOKEN + "A" * (MAX_TOKEN_BYTES + 1 - len(HMAC_TOKEN)),
    "too long, and good": claims(info="x" * MAX_TOKEN_BYTES),
    "a million bytes": "a" * 1_000_000,
    "a million dots": "." * 1_000_000,
}
JSON_TEXTS = {
    **{
        f"claims that are {text!r}": by_hmac(text.encode())
        for text in ("", "[]", '"42"', "1", "null", "true", "{", "{}}", "{'sub':'42'}", '{"sub"}')
    },
    "a byte order mark": by_hmac(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "claims in UTF-16": by_hmac(json.dumps(GOOD).encode("utf-16")),
    "claims that are no UTF-8": written(b'"info":"\xff"'),
    "claims with a line feed in a text": written('"info":"\n"'),
    "exp twice": written(f'"exp":{NOW + 9999}'),
    "sub twice": written('"sub":"1"'),
    "sub twice, once escaped": written('"\\u0073ub":"1"'),
    "a key twice inside": written('"info":{"a":1,"a":2}'),
    "a key twice deep inside": written('"unknown":[{"a":[{"b":1,"b":1}]}]'),
    "NaN inside": written('"info":NaN'),
    "Infinity inside": written('"info":[Infinity]'),
    "a number without end inside": written('"info":[-1e999]'),
    "a number of 5,000 digits": written(f'"info":{"9" * 5000}'),
    "nested 17 deep": written(f'"info":{"[" * 16}{"]" * 16}'),
    "nested 2,500 deep": written(f'"info":{"[" * 2500}{"]" * 2500}'),
    "objects nested 800 deep": written('"info":' + '{"a":' * 800 + "1" + "}" * 800),
    "half a character": written('"info":"\\ud800"'),
    "half a character in a key": written('"info":{"\\udfff":1}'),
    "half a character in sub": by_hmac(b'{"sub":"\\ud83d","aud":"us","iss":"them"}'),
    "a comment": written('/**/"info":1'),
    "a comma too many": written('"info":1,'),
}
TIMES = {
    **{
        f"{name} {text}": by_hmac(
            json.dumps({key: value for key, value in GOOD.items() if key != name})
            .removesuffix("}")
            .encode()
            + f',"{name}":{text}}}'.encode()
        )
        for name in ("exp", "nbf", "iat", "expire_at")
        for text in (
            *("NaN", "Infinity", "-Infinity", "1e400", "1e300", "-1", "-0.5", "true", "false"),
            *("null", '"1999999999"', '"tomorrow"', '""', "[]", "{}", "[1999999999]"),
            *("1800000060000", "253402300800", "9" * 400, "0x7fffffff", "01800000060"),
        )
    },
    "not good yet": claims(nbf=NOW + 0.001),
}
CLAIMS = {
    **{
        f"{name} {value!r}": claims(**{name: value})
        for name in ("sub", "jti")
        for value in (42, 4.2, True, None, ["42"], {"id": "42"}, "x" * 256, "a\0", "a\nb", "\x85")
    },
    **{
        f"aud {value!r}": claims(aud=value)
        for value in ("", "Us", "us ", "other", [], ["other"], [["us"]], [1, "us"], 1, None)
    },
    "aud an object": claims(aud={"us": "us"}),
    "no aud": without("aud"),
    "no iss": without("iss"),
    **{f"iss {value!r}": claims(iss=value) for value in ("", "Them", ["them"], 1, None, {})},
    **{f"b64info {value!r}": claims(b64info=value) for value in (1, None, "e30", "e3 0=", "_w==")},
    "b64info not JSON": claims(b64info=base64.b64encode(b"\0\1").decode()),
    "b64info with a NaN": claims(b64info=base64.b64encode(b"[NaN]").decode()),
    "b64info with a key twice": claims(b64info=base64.b64encode(b'{"a":1,"a":1}').decode()),
}
FOR_CONNECTIONS = {
    **{f"channel {value!r}": claims(channel=value) for value in ("news:a", "", None, 0, [])},
    **{
        f"channels {value!r}": claims(channels=value)
        for value in ("news", None, 1, {}, [1], [None], [["a"]], [""], ["x" * 256], ["a\0"])
    },
    **{f"channels [{name}]": claims(channels=[name]) for name in ("*", "news:*", "a*b", "x\x7f")},
    "129 channels": claims(channels=[str(number) for number in range(129)]),
    "129 subs": claims(subs={str(number): {} for number in range(129)}),
    "129 of both": claims(channels=["a"] * 100, subs={str(number): {} for number in range(29)}),
    **{
        f"subs {value!r}": claims(subs=value)
        for value in (None, [], ["news"], "news", {"a": None}, {"a": []}, {"a": "b"}, {"": {}})
    },
    "subs of a pattern": claims(subs={"news:*": {}}),
    **{
        f"override {value!r}": claims(subs={"a": {"override": value}})
        for value in (
            *(None, [], True, {"presence": True}, {"presence": {}}, {"presence": None}),
            *({"join_leave": {"value": 1}}, {"force_recovery": {"value": "true"}}),
            {"force_positioning": {"value": None}},
        )
    },
    "b64data not JSON": claims(subs={"a": {"b64data": "AA=="}}),
    "b64info of a channel": claims(subs={"a": {"b64info": "x"}}),
}
FOR_SUBSCRIPTIONS = {
    "no channel": claims(),
    "only channels": claims(channels=["news:a"]),
    "only subs": claims(subs={"news:a": {}}),
    **{
        f"channel {value!r}": claims(channel=value)
        for value in (None, 1, True, [], ["news:a"], {}, "", "x" * 256, "a\0", "a\r\nb")
    },
    **{
        f"channel {name}": claims(channel=name)
        for name in ("*", ":*", "new*", "news*", "*:a", "*:*", "n*:a", "news:*:a", "news:**", "**")
    },
    **{
        f"channels {value!r}": claims(channel="news:a", channels=value)
        for value in (None, "news:a", {}, [1], [""], ["*"], ["new*"], ["x" * 256])
    },
    "129 channels": claims(channel="news:a", channels=["b"] * 128),
    **{
        f"override {value!r}": claims(channel="news:a", override=value)
        for value in (None, [], {"presence": True}, {"presence": {}}, {"join_leave": {"value": 0}})
    },
}
FOREIGN = {
    "another user's": {**CHANNEL, "sub": "43"},
    "nobody's": {name: value for name, value in CHANNEL.items() if name != "sub"},
    "of a user alike": {**CHANNEL, "sub": "042"},
    "for another channel": {**CHANNEL, "channel": "news:b"},
    "for a longer channel": {**CHANNEL, "channel": "news:ab"},
    "for the namespace": {**CHANNEL, "channel": "news"},
    "for the channel in capitals": {**CHANNEL, "channel": "NEWS:A"},
    "for a pattern elsewhere": {**CHANNEL, "channel": "new:*"},
    "for a pattern that is the channel": {**CHANNEL, "channel": "news:a*"},
}
ANY = {**FORGED, **NONE, **CONFUSED, **HEADERS, **FORMS, **JSON_TEXTS, **TIMES, **CLAIMS}


def test_there_are_enough_of_them_and_what_they_are_made_of_is_good() -> None:
    assert len(ANY) + len(FOR_CONNECTIONS) + len(FOR_SUBSCRIPTIONS) + len(FOREIGN) >= 300
    for token in (
        HMAC_TOKEN,
        ED25519_TOKEN,
        header(kid="1"),
        written('"info":1'),
        signed_text('{"alg":"HS256"}'),
    ):
        assert TOKENS.connection(token).user == "42"
    for token in (by_hmac(CHANNEL), by_ed25519(CHANNEL), by_hmac({**CHANNEL, "channel": "news:*"})):
        assert TOKENS.subscription(token, user="42", channel="news:a").channel == "news:a"
    assert TOKENS.connection(written(f'"info":{"[" * 15}{"]" * 15}')).info


@pytest.mark.parametrize("token", ANY.values(), ids=ANY)
def test_it_connects_nobody_and_opens_no_channel(token: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        TOKENS.connection(token)
    assert refused.type in (InvalidToken, UnknownKey)
    assert len(refused.value.message) < 250
    with pytest.raises(InvalidToken):
        TOKENS.subscription(token, user="42", channel="news:a")


@pytest.mark.parametrize("token", FOR_CONNECTIONS.values(), ids=FOR_CONNECTIONS)
def test_it_connects_nobody(token: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.connection(token)


@pytest.mark.parametrize("token", FOR_SUBSCRIPTIONS.values(), ids=FOR_SUBSCRIPTIONS)
def test_it_opens_no_channel(token: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        TOKENS.subscription(token, user="42", channel="news:a")
    assert refused.type in (InvalidToken, UnknownKey)


@pytest.mark.parametrize("named", FOREIGN.values(), ids=FOREIGN)
def test_it_is_somebody_elses(named: dict[str, object]) -> None:
    with pytest.raises(ForeignToken):
        TOKENS.subscription(by_hmac(named), user="42", channel="news:a")


def test_what_times_and_claims_break_is_seen_in_a_subscriptions_token_too() -> None:
    for value in (42, None, ["42"], "a\0"):
        with pytest.raises(InvalidToken) as refused:
            TOKENS.subscription(by_hmac({**CHANNEL, "sub": value}), user="42", channel="news:a")
        assert refused.type in (InvalidToken, UnknownKey)
    for value in (True, -1, "1999999999", None, [], 1e300):
        with pytest.raises(InvalidToken):
            TOKENS.subscription(by_hmac({**CHANNEL, "exp": value}), user="42", channel="news:a")
    with pytest.raises(ExpiredToken):
        TOKENS.subscription(by_hmac({**CHANNEL, "exp": NOW}), user="42", channel="news:a")


def test_one_kind_of_key_does_not_open_what_is_signed_by_the_other() -> None:
    for token in (ED25519_TOKEN, *FORGED.values(), *CONFUSED.values()):
        with pytest.raises(InvalidToken):
            ONLY_HMAC.connection(token)
    for token in (HMAC_TOKEN, *FORGED.values(), *CONFUSED.values()):
        with pytest.raises(InvalidToken):
            ONLY_ED25519.connection(token)


def test_nothing_of_a_token_is_repeated_to_whoever_sent_it() -> None:
    canary = "canaryCANARYcanary"
    for token in (claims(sub=[canary]), claims(channels=[canary + "*"]), header(alg=canary)):
        with pytest.raises(InvalidToken) as refused:
            TOKENS.connection(token)
        assert canary not in refused.value.message
        assert SECRET not in refused.value.message


def test_changed_bytes_are_always_refused_and_never_crash() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    alphabet = "ABCabc019-_.=+ \n\0é\ud800"
    for token in (HMAC_TOKEN, ED25519_TOKEN):
        for number in range(1500):
            at = chance.randrange(len(token))
            length = chance.choice((0, 1, 1, 1, 3))
            new = "".join(chance.choice(alphabet) for _ in range(chance.choice((0, 1, 1, 2))))
            changed = token[:at] + new + token[at + length :]
            if changed == token:
                continue
            with pytest.raises(Unauthenticated):
                assert TOKENS.connection(changed) is None, f"seed {SEED}, token {number}"
