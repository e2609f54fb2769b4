"""What the claims of a token may look like: read strictly, refused by name.

JSON leaves open what two readers may read two ways: a key that stands there twice, numbers without
an end, half characters. A token with any of that is refused, wherever it stands. Who signed it, and
whether it is for us, stands in `tokens.py`.

Source: the Centrifugal client protocol's claims; RFC 7519 (JSON Web Token), RFC 8725 (its best
current practices).
"""

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, NoReturn, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from protocols.centrifugal.grants import (
    InvalidToken,
    Overrides,
    ServerSideSubscription,
    is_pattern,
    is_sound_pattern,
)

MAX_DEPTH = 16
MAX_NAME_BYTES = 255  # of a user or a channel
MAX_CHANNELS = 128
MAX_SECONDS = 253_402_300_799  # the last one of the year 9999; larger: probably milliseconds

Seconds = Annotated[float, msgspec.Meta(ge=0, le=MAX_SECONDS)]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Kind = TypeVar("Kind", bound="Claims")

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Bool(msgspec.Struct):
    value: bool


class _Overrides(msgspec.Struct):
    presence: _Bool | UnsetType = UNSET
    join_leave: _Bool | UnsetType = UNSET
    force_push_join_leave: _Bool | UnsetType = UNSET
    force_recovery: _Bool | UnsetType = UNSET
    force_positioning: _Bool | UnsetType = UNSET


class Claims(msgspec.Struct):
    """What both kinds of tokens may say; times in seconds since 1970."""

    sub: str = ""
    exp: Seconds | UnsetType = UNSET
    nbf: Seconds = 0
    iat: Seconds | UnsetType = UNSET
    jti: str = ""
    aud: str | list[str] = ""
    iss: str = ""
    expire_at: Seconds | UnsetType = UNSET
    info: object = None
    b64info: str = ""


class _Subscription(msgspec.Struct):
    info: object = None
    b64info: str = ""
    data: object = None
    b64data: str = ""
    override: _Overrides | UnsetType = UNSET


class ConnectionClaims(Claims):
    """`channels` and `subs` are subscribed to by the server; `meta` is for the server only."""

    meta: object = None
    channels: list[str] = []
    subs: dict[str, _Subscription] = {}


class SubscriptionClaims(Claims):
    """`channel` is a name or a pattern, `channels` are more of them."""

    channel: str = ""
    channels: list[str] = []
    override: _Overrides | UnsetType = UNSET


def read(text: bytes) -> dict[str, Json]:
    """The object that stands there, if it can be read one way only.

    Raises:
        InvalidToken: It is no JSON object, or one that breaks a rule.
    """
    value = _json(text)
    if not isinstance(value, dict):
        raise InvalidToken("a token's header and claims are JSON objects")
    return value


def connection_claims(payload: bytes) -> ConnectionClaims:
    """The claims of a connection token.

    Raises:
        InvalidToken: A claim is not what it has to be, or the token is one for a subscription.
    """
    found = read(payload)
    if "channel" in found:
        raise InvalidToken("a token with a claim channel is for a subscription, not a connection")
    claims = _convert(found, ConnectionClaims)
    for name in (*claims.channels, *claims.subs):
        _refuse_name(name, "channel")
        if is_pattern(name):
            raise InvalidToken("a connection token names its channels without a *")
    _refuse_many(len(claims.channels) + len(claims.subs))
    return claims


def subscription_claims(payload: bytes) -> SubscriptionClaims:
    """The claims of a subscription token.

    Raises:
        InvalidToken: A claim is not what it has to be, or there is no channel.
    """
    found = read(payload)
    if "channel" not in found:
        raise InvalidToken("a subscription token has a claim channel; more go into channels")
    claims = _convert(found, SubscriptionClaims)
    for name in names(claims):
        _refuse_name(name, "channel")
        if is_pattern(name) and not is_sound_pattern(name):
            raise InvalidToken("a pattern of channels is <namespace>:<beginning>*")
    _refuse_many(1 + len(claims.channels))
    return claims


def names(claims: SubscriptionClaims) -> Iterator[str]:
    """The channels and patterns the token is for."""
    yield claims.channel
    yield from claims.channels


def info_of(claims: Claims | _Subscription) -> bytes | None:
    """What others see, as one line of JSON; `b64info` goes first, as in the reference server."""
    return _carried(claims.info, claims.b64info, "b64info")


def server_side(claims: ConnectionClaims) -> dict[str, ServerSideSubscription]:
    """The channels to subscribe the connection to."""
    subscriptions = {name: ServerSideSubscription() for name in claims.channels}
    for name, sub in claims.subs.items():
        subscriptions[name] = ServerSideSubscription(
            info=info_of(sub),
            data=_carried(sub.data, sub.b64data, "b64data"),
            overrides=overrides_of(sub.override),
        )
    return subscriptions


def overrides_of(override: _Overrides | UnsetType) -> Overrides:
    """The options that are set."""
    if override is UNSET:
        return Overrides()
    return Overrides(
        presence=_value(override.presence),
        join_leave=_value(override.join_leave),
        force_push_join_leave=_value(override.force_push_join_leave),
        force_recovery=_value(override.force_recovery),
        force_positioning=_value(override.force_positioning),
    )


def _value(given: _Bool | UnsetType) -> bool | None:
    return None if given is UNSET else given.value


def as_json(value: object) -> bytes | None:
    """One line of JSON in ASCII; None for null, which says nothing."""
    if value is None:
        return None
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _carried(value: object, encoded: str, claim: str) -> bytes | None:
    if not encoded:
        return as_json(value)
    try:
        text = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise InvalidToken(f"a token's {claim} is standard base64 with its padding") from None
    return as_json(_json(text))


def _convert(found: Mapping[str, object], kind: type[Kind]) -> Kind:
    try:
        claims = msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise InvalidToken(f"a token's claims are not as they have to be: {error}") from None
    for name, text in (("sub", claims.sub), ("jti", claims.jti)):
        if text:
            _refuse_name(text, name)
    return claims


def _refuse_name(name: str, what: str) -> None:
    size = len(name.encode())
    if not 0 < size <= MAX_NAME_BYTES:
        raise InvalidToken(f"a token's {what} has 1 to {MAX_NAME_BYTES} bytes, not {size}")
    if _UNPRINTABLE.search(name):
        raise InvalidToken(f"a token's {what} has no control characters")


def _refuse_many(channels: int) -> None:
    if channels > MAX_CHANNELS:
        raise InvalidToken(f"a token is for at most {MAX_CHANNELS} channels, not {channels}")


def _json(text: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(text.decode())
    except (ValueError, RecursionError):
        raise InvalidToken("a token's header and claims are JSON") from None
    _refuse_odd(value)
    return value


def _refuse_odd(value: Json) -> None:
    """Refuse half characters (a lone surrogate is no text of UTF-8) and what is nested deeply."""
    level = [value]
    depth = 1
    while level:
        if depth > MAX_DEPTH and any(isinstance(each, list | dict) for each in level):
            raise InvalidToken(f"a token's JSON is nested at most {MAX_DEPTH} deep")
        if not all(map(_is_text_or_no_string, level)):
            raise InvalidToken("a text of a token has half a character")
        level = [child for each in level for child in _children(each)]
        depth += 1


def _is_text_or_no_string(value: Json) -> bool:
    return not isinstance(value, str) or value.isascii() or not _SURROGATE.search(value)


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return value if isinstance(value, list) else ()


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidToken("a key stands twice in a token")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidToken("a number of a token is too large")
    return number


def _no_number(name: str) -> NoReturn:
    raise InvalidToken(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_finite, parse_constant=_no_number
)
