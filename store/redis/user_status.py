"""Whether users are here at all, whatever channels they are in, and when they were last seen.

Hubs say so of the users whose connections they hold, as often as they renew presence; the clock is
Redis's, as there. A user who left counts as online for as long as presence would have stayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from protocols.errors import Unavailable
from protocols.principals import TeamId
from store.redis.calls import Calls
from store.redis.keys import Keys
from store.redis.presence import AT_ONCE, STAY_SECONDS

KEPT_SECONDS = 30 * 24 * 3600.0

_StatusAnswer = tuple[int, list[bytes | None]]


@dataclass(frozen=True, slots=True)
class UserStatus:
    """What is known of a user.

    Attributes:
        seen_at: When they were last seen; None: not within KEPT_SECONDS.
        is_online: Whether that was just now.
    """

    user: str
    seen_at: datetime | None
    is_online: bool


class UserStatuses:
    """The users of all teams."""

    def __init__(self, calls: Calls, keys: Keys, *, stay_seconds: float = STAY_SECONDS) -> None:
        self._calls = calls
        self._keys = keys
        self._stay_milliseconds = stay_seconds * 1000
        self._seen = calls.script("seen_users")
        self._status = calls.script("status_of_users")

    async def seen(self, team: TeamId, users: Sequence[str]) -> None:
        """These users are here now.

        Raises:
            Unavailable: Redis did not answer for all of them; some may have been noted.
        """
        await self._many(team, users, noted=True)

    async def status(self, team: TeamId, users: Sequence[str]) -> list[UserStatus]:
        """What is known of these users, in their order.

        Raises:
            Unavailable: Redis did not answer.
        """
        statuses: list[UserStatus] = []
        for answer in await self._many(team, users, noted=False):
            now, times = msgspec.convert(answer, _StatusAnswer)
            for time in times:
                user = users[len(statuses)]
                statuses.append(self._status_of(user, int(time) if time else None, now=now))
        return statuses

    async def _many(self, team: TeamId, users: Sequence[str], *, noted: bool) -> list[object]:
        key = self._keys.seen(team)
        parts = [users[start : start + AT_ONCE] for start in range(0, len(users), AT_ONCE)]
        if noted:
            kept = round(KEPT_SECONDS * 1000)
            calls = [self._seen((key,), (kept, *part)) for part in parts]
        else:
            calls = [self._status((key,), part) for part in parts]
        answers = await self._calls.many(calls)
        for answer in answers:
            if isinstance(answer, Unavailable):
                raise answer
        return answers

    def _status_of(self, user: str, time: int | None, *, now: int) -> UserStatus:
        if time is None:
            return UserStatus(user, None, is_online=False)
        is_online = now - time < self._stay_milliseconds
        return UserStatus(user, datetime.fromtimestamp(time / 1000, UTC), is_online=is_online)
