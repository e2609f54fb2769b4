"""The keys that sign connection and subscription tokens, each with the team it speaks for.

An application's server signs tokens for its users. Which key signed one says which team's channels
it is about: a token cannot say that itself. Keys come from a setting and are shown by nobody; how a
token is verified stands in `tokens.py`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from protocols.centrifugal.grants import (
    ConnectionGrants,
    InvalidToken,
    SubscriptionGrant,
    UnknownKey,
)
from protocols.centrifugal.tokens import Tokens, key_id
from protocols.errors import InvalidRequest
from protocols.principals import FIRST_TEAM, TeamId

MAX_KEYS = 32  # a token that names none is tried with each
MAX_TEAM = 2**31 - 1
OURS = ("user:", "key:", "agent:", "guest:")  # how the factory itself names who asks
SYSTEM = "system"

_UNKNOWN = "the token is not signed with a key that is known here"


class KeyDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key, as the setting has it.

    Attributes:
        id: What tokens call it in their header `kid`.
        algorithm: The only one that is good with it.
        key: The secret (HS256, HS384, HS512), or the public key as PEM or JWK (EdDSA).
        team: Whose channels its tokens are about.
        audience: What `aud` has to be, or to hold; empty: it is not looked at.
        issuer: What `iss` has to be; empty: it is not looked at.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    algorithm: Literal["HS256", "HS384", "HS512", "EdDSA"]
    key: str | dict[str, str]
    team: Annotated[int, msgspec.Meta(ge=1, le=MAX_TEAM)] = FIRST_TEAM
    audience: str = ""
    issuer: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"KeyDescription(id={self.id!r}, algorithm={self.algorithm!r}, team={self.team})"


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    team: TeamId
    tokens: Tokens


class Keyring:
    """Finds the key that signed a token, and says what the token grants.

    Args:
        keys: All there are.
        clock: Seconds since 1970.

    Raises:
        InvalidRequest: A key is weak, of another kind than its algorithm, or there twice.
    """

    def __init__(
        self, keys: Iterable[KeyDescription] = (), *, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys: list[_Key] = []
        known: set[str] = set()
        for described in keys:
            material = _material(described)
            if described.id in known or material in known:
                raise InvalidRequest(f"key {described.id!r}: its id or its key is there twice")
            known |= {described.id, material}
            tokens = _tokens(described, clock)
            self._keys.append(_Key(described.id, TeamId(described.team), tokens))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._keys)

    def connection(self, token: str) -> tuple[TeamId, ConnectionGrants]:
        """Whose channels a connection is about, and who connects.

        Raises:
            ExpiredToken: It was good once.
            InvalidToken: It is none of ours, or is for a subscription.
        """
        for key in self._named(token):
            try:
                grants = key.tokens.connection(token)
            except UnknownKey:
                continue
            if grants.user.startswith(OURS) or grants.user == SYSTEM:
                raise InvalidToken("a token's sub does not begin as the factory's own names do")
            return key.team, grants
        raise InvalidToken(_UNKNOWN)

    def subscription(
        self, token: str, *, team: TeamId, user: str, channel: str
    ) -> SubscriptionGrant:
        """The right of this user of the team to subscribe to this channel of the team.

        Raises:
            ExpiredToken: It was good once.
            ForeignToken: It is good, for another user or other channels.
            InvalidToken: No key of this team signed it, or it is for a connection.
        """
        for key in self._named(token):
            if key.team != team:
                continue
            try:
                return key.tokens.subscription(token, user=user, channel=channel)
            except UnknownKey:
                continue
        raise InvalidToken(_UNKNOWN)

    def _named(self, token: str) -> list[_Key]:
        """The key it says, or all of them."""
        named = key_id(token)
        return self._keys if named is None else [key for key in self._keys if key.id == named]


NO_KEYS = Keyring()


def parse(text: str) -> Keyring:
    """The keys of a JSON list of objects; of an empty text none.

    Raises:
        InvalidRequest: One of them breaks a rule; the message names both, and shows no key.
    """
    if not text.strip():
        return NO_KEYS
    try:
        described = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("keys of tokens are a JSON list of objects") from None
    if len(described) > MAX_KEYS:
        raise InvalidRequest(f"there are at most {MAX_KEYS} keys of tokens, not {len(described)}")
    return Keyring([_description(fields, number) for number, fields in enumerate(described, 1)])


def _description(fields: dict[str, msgspec.Raw], number: int) -> KeyDescription:
    try:
        return msgspec.json.decode(msgspec.json.encode(fields), type=KeyDescription)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"key no. {number}: {error}") from None


def _material(described: KeyDescription) -> str:
    key = described.key
    return "key " + (key if isinstance(key, str) else msgspec.json.encode(key).decode())


def _tokens(described: KeyDescription, clock: Callable[[], float]) -> Tokens:
    audience, issuer = described.audience or None, described.issuer or None
    try:
        if described.algorithm == "EdDSA":
            return Tokens(ed25519_key=described.key, audience=audience, issuer=issuer, clock=clock)
        return Tokens(
            hmac_secret=described.key if isinstance(described.key, str) else "",
            hmac=[described.algorithm],
            audience=audience,
            issuer=issuer,
            clock=clock,
        )
    except ValueError as error:
        raise InvalidRequest(f"key {described.id!r}: {error}") from None
