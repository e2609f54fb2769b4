"""Connection and subscription tokens: whose signature counts, for whom, and until when.

A token is a JSON Web Token that another server signed with a key of ours (HMAC) or of its own
(Ed25519). The key decides which algorithms are good with it, not the token: `none`, an HMAC made
with a public key, and keys that a token brings along are refused. Nothing is fetched, nothing is
waited for and nothing is remembered here; what follows from a token is decided by whoever asked.

Source: the Centrifugal client protocol's tokens; RFC 7515, 7519, 8037, 8725 (JSON Web Signatures
and Tokens, Ed25519 in them, best current practices).
"""

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode
from msgspec import UNSET

from protocols.centrifugal import claims as reading
from protocols.centrifugal.claims import Claims, Json
from protocols.centrifugal.grants import (
    ConnectionGrants,
    ExpiredToken,
    ForeignToken,
    InvalidToken,
    SubscriptionGrant,
    UnknownKey,
    covers,
)

MAX_TOKEN_BYTES = 8192
MIN_SECRET_BYTES = 32
HMAC = ("HS256", "HS384", "HS512")
ED25519 = ("EdDSA", "Ed25519")  # its name in RFC 8037, and in RFC 9864
CURVE = "Ed25519"

_PUBLIC_PEM = "-----BEGIN PUBLIC KEY-----"
_PEM = b"-----BEGIN "
_KEYS_OF_ITS_OWN = frozenset({"jwk", "jku", "x5c", "x5u"})  # headers that say whom to believe
_NOT_SPOKEN = frozenset({"crit", "b64"})  # extensions; none is known here
_UNKNOWN = "the token is not signed with a key that is known here"


class _EdDSA(EdDSAAlgorithm):
    """The usual name; the library warns of it, as it leaves the curve open: our key has one."""

    security_warning = None


class Tokens:
    """Reads tokens and says what they grant.

    Args:
        hmac_secret: Shared with whoever signs by HS256, HS384 or HS512; at least 32 bytes.
        hmac: Which of the three are good with it.
        ed25519_key: The public key of whoever signs by EdDSA, as PEM or as a JWK (the object or
            its JSON).
        audience: What `aud` has to be, or to hold; None: it is not looked at.
        issuer: What `iss` has to be; None: it is not looked at.
        clock: Seconds since 1970. There is no leeway.

    Raises:
        ValueError: A key is weak, private, of another kind or unreadable, or there is none.
    """

    def __init__(
        self,
        *,
        hmac_secret: str | bytes | None = None,
        hmac: Iterable[str] = HMAC,
        ed25519_key: str | Mapping[str, str] | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys: dict[str, jwk.Key] = {}
        if hmac_secret is not None:
            self._keys |= dict.fromkeys(hmac, _secret(hmac_secret))
        if ed25519_key is not None:
            self._keys |= dict.fromkeys(ED25519, _public_key(ed25519_key))
        if not self._keys:
            raise ValueError("tokens need an HMAC secret, an Ed25519 public key, or both")
        self._registry = _registry(self._keys)
        self._audience = audience
        self._issuer = issuer
        self._clock = clock

    def connection(self, token: str) -> ConnectionGrants:
        """Who connects with this token, or refreshes a connection.

        That a refresh is by the same user is for the caller to see to.

        Raises:
            ExpiredToken: It was good once, or what it grants is over.
            InvalidToken: It is none of ours, is not for us, or is for a subscription.
        """
        claims = reading.connection_claims(self._payload(token))
        return ConnectionGrants(
            user=claims.sub,
            expires_at=self._ends(claims),
            info=reading.info_of(claims),
            meta=reading.as_json(claims.meta),
            subscriptions=reading.server_side(claims),
            token_id=claims.jti,
            issued_at=None if claims.iat is UNSET else claims.iat,
        )

    def subscription(self, token: str, *, user: str, channel: str) -> SubscriptionGrant:
        """The right of this user to subscribe to this channel, or to stay subscribed.

        Beyond the reference server, a token may be for several channels: besides `channel`, which
        it must have (so that no connection token is taken for one), those of a list `channels`;
        each of them is a name or a pattern (`grants.covers` says what that is).

        Args:
            token: As the client sent it.
            user: The connection's own; empty: anonymous, whose tokens have no `sub`.
            channel: The one asked for.

        Raises:
            ExpiredToken: It was good once, or what it grants is over.
            ForeignToken: It is good, for another user or other channels.
            InvalidToken: It is none of ours, is not for us, or is for a connection.
        """
        claims = reading.subscription_claims(self._payload(token))
        expires_at = self._ends(claims)
        if claims.sub != user:
            raise ForeignToken("the subscription token is another user's")
        if not any(covers(name, channel) for name in reading.names(claims)):
            raise ForeignToken("the subscription token is for another channel")
        return SubscriptionGrant(
            user=user,
            channel=channel,
            expires_at=expires_at,
            info=reading.info_of(claims),
            overrides=reading.overrides_of(claims.override),
            token_id=claims.jti,
            issued_at=None if claims.iat is UNSET else claims.iat,
        )

    def _payload(self, token: str) -> bytes:
        """What was signed, if a known key signed it."""
        _refuse_large(token)
        algorithm = _algorithm(_header(token))
        key = self._keys.get(algorithm)
        if key is None:
            raise UnknownKey(f"a token is signed by {' or '.join(self._keys)}")
        try:
            signed = jws.deserialize_compact(token, key, [algorithm], self._registry)
        except (JoseError, ValueError):
            raise UnknownKey(_UNKNOWN) from None
        return signed.payload or b""

    def _ends(self, claims: Claims) -> float | None:
        """When what the token grants is over; the token itself is still good."""
        now = self._clock()
        self._refuse_others(claims)
        if claims.nbf > now:
            raise InvalidToken("the token is not good yet")
        ends = None if claims.exp is UNSET else claims.exp
        if ends is not None and ends <= now:
            raise ExpiredToken("the token has expired")
        if claims.expire_at is not UNSET:
            ends = claims.expire_at or None
        if ends is not None and ends <= now:
            raise ExpiredToken("what the token grants is over")
        return ends

    def _refuse_others(self, claims: Claims) -> None:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if self._audience is not None and self._audience not in audiences:
            raise InvalidToken("the token is not for this audience")
        if self._issuer is not None and self._issuer != claims.iss:
            raise InvalidToken("the token is another issuer's")


def _registry(names: Iterable[str]) -> JWSRegistry:
    registry = JWSRegistry(algorithms=list(names), strict_check_header=False)
    registry.algorithms = {**JWSRegistry.algorithms, "EdDSA": _EdDSA()}
    return registry


def key_id(token: str) -> str | None:
    """Which key it says it was signed with, in the header `kid`; nothing is verified.

    Raises:
        InvalidToken: It is too large, or its header is none.
    """
    _refuse_large(token)
    named = _header(token).get("kid")
    if named is not None and not isinstance(named, str):
        raise InvalidToken("a token's kid is a text, if there is one")
    return named


def _refuse_large(token: str) -> None:
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise InvalidToken(f"a token has at most {MAX_TOKEN_BYTES} bytes, all ASCII")


def _header(token: str) -> dict[str, Json]:
    try:
        return reading.read(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError:
        raise InvalidToken("a token is three parts of base64url, without padding") from None


def _algorithm(header: dict[str, Json]) -> str:
    """What the header says it is signed by; it says nothing else that counts, but for `kid`."""
    if not _KEYS_OF_ITS_OWN.isdisjoint(header):
        raise InvalidToken("a token does not bring the key it is signed with")
    if not _NOT_SPOKEN.isdisjoint(header):
        raise InvalidToken("no extension of tokens is spoken here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or not f"+{kind.lower()}".endswith("+jwt"):
        raise InvalidToken("a token's typ is JWT, if there is one")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise InvalidToken("a token's header says by which algorithm it is signed")
    return algorithm


def _secret(secret: str | bytes) -> jwk.OctKey:
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < MIN_SECRET_BYTES:
        raise ValueError(f"an HMAC secret has at least {MIN_SECRET_BYTES} bytes, not {len(raw)}")
    if _PEM in raw:
        raise ValueError("an HMAC secret is no PEM: a public key is not secret")
    return jwk.OctKey.import_key(raw)


def _public_key(key: str | Mapping[str, str]) -> jwk.OKPKey:
    try:
        read = jwk.OKPKey.import_key(_pem_or_jwk(key))
    except (JoseError, ValueError, KeyError):
        raise ValueError("an Ed25519 public key is a PEM or a JWK of kty OKP") from None
    if read.curve_name != CURVE:
        raise ValueError(f"the key's curve is {CURVE}, not {read.curve_name}")
    if read.is_private:
        raise ValueError("the key is a private one; only the public one belongs here")
    return read


def _pem_or_jwk(key: str | Mapping[str, str]) -> str | jwk.DictKey:
    if isinstance(key, str) and _PUBLIC_PEM in key:
        return key
    if isinstance(key, str):
        found = msgspec.json.decode(key, type=jwk.DictKey)
    else:
        found: jwk.DictKey = {**key}
    if found.get("kty") != "OKP":
        raise ValueError("a JWK of another kind")
    return found
