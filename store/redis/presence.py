"""Presence: who is in a channel now, as the hubs that hold their connections say again and again.

Times are Redis's own, taken inside the scripts: one clock for all. By the clocks of the hubs, one
hub whose clock jumps ahead would empty the channels of all others, and one that lags would enter
members that are gone already. When the clock of Redis itself jumps (a failover), all may be gone at
once; a renewal enters anew whom it does not find, so they are back within one, as after Redis has
lost everything.

Who is gone is forgotten by whoever reads, some at a time, before anything is told or counted.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from protocols.errors import InvalidRequest, Unavailable
from protocols.operations.presence import PresencePage, PresenceStats, Present
from protocols.principals import TeamId
from store.redis.calls import Calls
from store.redis.commands import Command
from store.redis.keys import Keys, application_channel

STAY_SECONDS = 60.0
RENEW_SECONDS = 25.0  # by the owner: one renewal may be lost
MAX_PAGE = 1000
AT_ONCE = 500  # clients in one call
SWEEPS = 200  # of 1000 members each, before a reader gives up

_ReadAnswer = tuple[int, list[bytes]]
_StatsAnswer = tuple[int, int, int]


class Presence:
    """Who is in which channel of which team."""

    def __init__(self, calls: Calls, keys: Keys, *, stay_seconds: float = STAY_SECONDS) -> None:
        self._calls = calls
        self._keys = keys
        self._stay_milliseconds = round(stay_seconds * 1000)
        self._join = calls.script("presence_join", after="presence_members")
        self._renew = calls.script("presence_renew", after="presence_members")
        self._leave = calls.script("presence_leave", after="presence_members")
        self._read = calls.script("presence_read", after="presence_members")
        self._stats = calls.script("presence_stats", after="presence_members")

    async def join(self, team: TeamId, channel: str, member: Present) -> bool:
        """The client is there, until it leaves or is not renewed; whether it was not there before.

        Raises:
            Unavailable: Redis did not answer; it may have been done.
        """
        return bool(await self._calls.one(self._join_call(team, channel, [member])))

    async def leave(self, team: TeamId, channel: str, client: str) -> bool:
        """The client is not there; whether it was.

        Raises:
            Unavailable: Redis did not answer; it may have been done.
        """
        return bool(await self._calls.one(self._leave(self._names(team, channel), (client,))))

    async def leave_many(self, places: Iterable[tuple[TeamId, str, str]]) -> None:
        """Clients of channels of teams are not there.

        Raises:
            Unavailable: Redis did not answer for all of them; some may have left.
        """
        calls = [self._leave(self._names(team, name), (client,)) for team, name, client in places]
        for answer in await self._calls.many(calls):
            _told(answer)

    async def renew(self, owned: Mapping[tuple[TeamId, str], Sequence[Present]]) -> int:
        """All these are still there; how many had to be entered anew.

        Only ids are sent, but for those that Redis does not know.

        Raises:
            Unavailable: Redis did not answer for all of them; some may have been renewed.
        """
        parts = [
            (place, members[start : start + AT_ONCE])
            for place, members in owned.items()
            for start in range(0, len(members), AT_ONCE)
        ]
        answers = await self._calls.many(
            [self._renew_call(*place, members) for place, members in parts]
        )
        anew: list[Command] = []
        entered = 0
        for (place, members), answer in zip(parts, answers, strict=True):
            missing = [members[number - 1] for number in msgspec.convert(_told(answer), list[int])]
            if missing:
                anew.append(self._join_call(*place, missing))
                entered += len(missing)
        for answer in await self._calls.many(anew):
            _told(answer)
        return entered

    async def read(
        self, team: TeamId, channel: str, *, limit: int = MAX_PAGE, cursor: str | None = None
    ) -> PresencePage:
        """Who is there: at most `limit`, after the page that gave `cursor`.

        Raises:
            InvalidRequest: The limit is below 1 or above MAX_PAGE.
            Unavailable: Redis did not answer.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest(f"a page of presence has 1 to {MAX_PAGE} clients, not {limit}")
        call = self._read(self._names(team, channel), (limit, cursor or ""))
        for _ in range(SWEEPS):
            is_swept_in_part, found = msgspec.convert(await self._calls.one(call), _ReadAnswer)
            if not is_swept_in_part:
                return _page(found, limit=limit)
        raise Unavailable(f"too many clients have just left channel {channel!r}")

    async def stats(self, team: TeamId, channel: str) -> PresenceStats:
        """How many are there; costs the same however many.

        Raises:
            Unavailable: Redis did not answer.
        """
        call = self._stats(self._names(team, channel), ())
        for _ in range(SWEEPS):
            is_swept_in_part, clients, users = msgspec.convert(
                await self._calls.one(call), _StatsAnswer
            )
            if not is_swept_in_part:
                return PresenceStats(clients, users)
        raise Unavailable(f"too many clients have just left channel {channel!r}")

    def _names(self, team: TeamId, channel: str) -> tuple[str, str, str, str]:
        return self._keys.presence(application_channel(team, channel))

    def _join_call(self, team: TeamId, channel: str, members: Sequence[Present]) -> Command:
        words: list[str | bytes | int] = [self._stay_milliseconds]
        for member in members:
            words += (member.client, member.user, member.info)
        return self._join(self._names(team, channel), words)

    def _renew_call(self, team: TeamId, channel: str, members: Sequence[Present]) -> Command:
        clients = [member.client for member in members]
        return self._renew(self._names(team, channel), (self._stay_milliseconds, *clients))


def _told(answer: object) -> object:
    if isinstance(answer, Unavailable):
        raise answer
    return answer


def _page(found: list[bytes], *, limit: int) -> PresencePage:
    members = [
        Present(client.decode(), user.decode(), info)
        for client, user, info in zip(found[::3], found[1::3], found[2::3], strict=True)
    ]
    is_last = len(members) <= limit
    return PresencePage(members[:limit], None if is_last else members[limit - 1].client)
