"""From the secret in a request to the principal behind it: key first, then session.

Found principals are remembered for a few seconds, so that a request costs no query and a revoked
secret is cut within five seconds in every process. Wrong secrets are remembered longer: a random
secret that was wrong does not become right. While the database does not answer, whoever was right
a while ago stays who they were: else nobody could look at what is wrong with the factory.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import anyio
from starlette.requests import HTTPConnection

from hub.identity.address import ADDRESS
from hub.identity.attempts import Attempts
from hub.identity.audit import Happened, note
from hub.identity.secrets import hashed, is_key, is_plain_secret, prefix_of
from protocols.errors import Unauthenticated, Unavailable
from protocols.principals import Principal
from store.postgres.identity import IdentityTable, Known

COOKIE = "pygent_session"
REMEMBERED_SECONDS = 3.0
WRONG_SECONDS = 60.0
ANSWER_SECONDS = 1.0  # for the database to say whether somebody known still is who they were
NEW_SECONDS = 4.0  # and who somebody is that nobody knows yet: many come at once after a start
OUTAGE_SECONDS = 900.0  # who was right so lately is taken for it while nobody can be asked
LOOK_UPS = 4  # of secrets that were never right before, at once
REMEMBERED = 10_000  # secrets; the longest unused are forgotten
MAX_COOKIE_CHARACTERS = 8192

Value = TypeVar("Value")

NOBODY = "log in, or send an API key as `Authorization: Bearer pgk_…`"
WRONG = "the key or session is not valid, has ended or was revoked"
UNKNOWN = "the database did not say in time who asks; try again"


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What was found of a secret; `found_at` is when the database said so."""

    principal: Principal | None
    until: float
    found_at: float


class Authentication:
    """Finds principals by their secrets.

    Args:
        table: Where the hashes are.
        clock: Seconds that never go back.
    """

    def __init__(
        self, table: IdentityTable, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = table
        self._clock = clock
        self._attempts = Attempts(clock)
        self._few_at_once = anyio.Semaphore(LOOK_UPS)
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._trusted: OrderedDict[bytes, None] = OrderedDict()  # were right once

    async def authenticate(
        self, headers: Mapping[str, str], token: str | None = None, client: str | None = None
    ) -> Principal:
        """Who sends this.

        Args:
            headers: Of the request or the handshake.
            token: A key that came in-band, as a WebSocket's `connect` carries it; it goes first.
            client: The address it came from; default: that of the request being served.

        Raises:
            Unauthenticated: It carries no secret, or a wrong one.
            LimitExceeded: The address has tried too many wrong ones.
            Unavailable: The database does not say, and they were not known lately.
        """
        address = ADDRESS.get() if client is None else client
        key = token or bearer_of(headers)
        if key is not None:
            return await self._find(key, is_key_secret=True, client=address)
        session = session_of(headers)
        if session is not None:
            return await self._find(session, is_key_secret=False, client=address)
        raise Unauthenticated(NOBODY)

    async def of(self, connection: HTTPConnection) -> Principal:
        """Who sends this request."""
        return await self.authenticate(connection.headers)

    async def of_key(self, key: str) -> Principal:
        """Whose key it is."""
        return await self._find(key, is_key_secret=True, client=ADDRESS.get())

    async def of_session(self, session: str) -> Principal:
        """Whose session it is."""
        return await self._find(session, is_key_secret=False, client=ADDRESS.get())

    def forget(self, secret_hash: bytes) -> None:
        """Ask the database at its next use, here; other processes follow within seconds."""
        self._remembered.pop(secret_hash, None)

    def forget_all(self) -> None:
        """As `forget`, for all: a key was revoked and its hash is not at hand."""
        self._remembered.clear()

    @property
    def attempts(self) -> Attempts:
        """The count of wrong secrets, shared with tickets."""
        return self._attempts

    async def _find(self, secret: str, *, is_key_secret: bool, client: str) -> Principal:
        is_sound = is_key(secret) if is_key_secret else is_plain_secret(secret)
        if not is_sound:
            raise Unauthenticated(WRONG)
        secret_hash = hashed(secret)
        remembered = self._recall(secret_hash)
        if remembered is None:
            shown = prefix_of(secret) if is_key_secret else None
            remembered = await self._look_up_in_time(secret_hash, key=shown, client=client)
        if remembered.principal is None:
            raise Unauthenticated(WRONG)
        return remembered.principal

    async def _look_up_in_time(
        self, secret_hash: bytes, *, key: str | None, client: str
    ) -> _Remembered:
        is_known = self._known_lately(secret_hash) is not None
        try:
            with anyio.fail_after(ANSWER_SECONDS if is_known else NEW_SECONDS):
                return await self._look_up(secret_hash, key=key, client=client)
        except (TimeoutError, Unavailable) as error:
            if lately := self._known_lately(secret_hash):
                again = self._clock() + REMEMBERED_SECONDS
                _keep(self._remembered, secret_hash, replace(lately, until=again))
                return lately
            if isinstance(error, Unavailable):
                raise
            raise Unavailable(UNKNOWN) from None

    async def _look_up(self, secret_hash: bytes, *, key: str | None, client: str) -> _Remembered:
        is_key_secret = key is not None
        if secret_hash in self._trusted:
            known = await self._table.find(secret_hash, is_key=is_key_secret)
            if known is None:
                _note_refused(key)
        else:
            known = await self._look_up_new(secret_hash, key=key, client=client)
        if known is None:
            return self._remember(secret_hash, None, seconds=WRONG_SECONDS)
        remembered = self._remember(secret_hash, principal_of(known), seconds=REMEMBERED_SECONDS)
        if known.is_stale:
            await self._table.touch(secret_hash, is_key=is_key_secret)
        return remembered

    async def _look_up_new(
        self, secret_hash: bytes, *, key: str | None, client: str
    ) -> Known | None:
        async with self._few_at_once:  # so that a burst of guesses is counted while it comes in
            known = await self._table.find(secret_hash, is_key=key is not None)
            if known is None:  # only the wrong are refused: an address may be a proxy's
                _note_refused(key)
                self._attempts.refuse_guessing(client)
                self._attempts.failed(client)
            else:
                _keep(self._trusted, secret_hash, None)
            return known

    def _recall(self, secret_hash: bytes) -> _Remembered | None:
        remembered = self._remembered.get(secret_hash)
        if remembered is None or remembered.until <= self._clock():
            return None
        return remembered

    def _known_lately(self, secret_hash: bytes) -> _Remembered | None:
        """Who it was when the database was last asked, if that is not long ago."""
        before = self._remembered.get(secret_hash)
        if before is None or before.principal is None:
            return None
        has_ended = (before.principal.expires_at or math.inf) <= time.time()
        is_long_ago = self._clock() > before.found_at + OUTAGE_SECONDS
        return None if has_ended or is_long_ago else before

    def _remember(
        self, secret_hash: bytes, principal: Principal | None, *, seconds: float
    ) -> _Remembered:
        now = self._clock()
        remembered = _Remembered(principal, now + seconds, found_at=now)
        _keep(self._remembered, secret_hash, remembered)
        return remembered


def _note_refused(key: str | None) -> None:
    note(Happened.SECRET_REFUSED, kind="session" if key is None else "key", key=key)


def _keep(latest: OrderedDict[bytes, Value], secret_hash: bytes, value: Value) -> None:
    latest[secret_hash] = value
    latest.move_to_end(secret_hash)
    if len(latest) > REMEMBERED:
        latest.popitem(last=False)


def principal_of(known: Known) -> Principal:
    """Somebody known, as operations see them."""
    return Principal(
        actor=known.actor,
        team=known.team_id,
        role=known.role,
        name=known.name,
        expires_at=known.expires_at,
    )


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """What stands after `Bearer`; None without that header.

    Raises:
        Unauthenticated: There is the header, in another form.
    """
    value = headers.get("authorization")
    if value is None:
        return None
    scheme, _, secret = value.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Unauthenticated("the Authorization header is not of the form `Bearer pgk_…`")
    return secret.strip()


def session_of(headers: Mapping[str, str]) -> str | None:
    """The session's cookie, if there is one."""
    value = headers.get("cookie", "")
    if COOKIE not in value or len(value) > MAX_COOKIE_CHARACTERS:
        return None
    for pair in value.split(";"):
        name, _, secret = pair.strip().partition("=")
        if name == COOKIE:
            return secret.strip('"')
    return None


def cookie(secret: str, *, seconds: int, is_secure: bool) -> str:
    """The Set-Cookie header of a session; empty and zero seconds take it away."""
    parts = [f"{COOKIE}={secret}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    if is_secure:
        parts.append("Secure")
    return "; ".join(parts)
