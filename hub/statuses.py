"""Whose connections this hub has, noted in Redis again and again; and whoever is here at all.

A user is noted within LOOK_SECONDS of the first connection, and then as often as presence is
renewed. What Redis has forgotten is there again with the next renewal.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence

import anyio

from protocols.centrifugal.routes import Sockets
from protocols.errors import FactoryError, LimitExceeded
from protocols.operations.statuses import Status
from protocols.principals import Principal, TeamId
from store.access import Operation, allow
from store.redis.presence import RENEW_SECONDS
from store.redis.user_status import UserStatuses

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
MAX_USERS = 1000  # asked about at once


class Noted:
    """Notes the users of this hub's connections, and forgets when it did.

    Args:
        sockets: The connections.
        statuses: Where it is noted.
    """

    def __init__(self, sockets: Sockets, statuses: UserStatuses) -> None:
        self._sockets = sockets
        self._statuses = statuses
        self._again: dict[tuple[TeamId, str], float] = {}  # when each is due

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.note()
            await anyio.sleep(LOOK_SECONDS)

    async def note(self) -> None:
        """Note who is due; what fails is tried again at the next look."""
        now = time.monotonic()
        here = set(self._users())
        self._again = {one: due for one, due in self._again.items() if one in here}
        by_team: defaultdict[TeamId, list[str]] = defaultdict(list)
        for team, user in here:
            if self._again.get((team, user), now) <= now:
                by_team[team].append(user)
        for team, users in by_team.items():
            try:
                await self._statuses.seen(team, users)
            except FactoryError as error:
                logger.debug("users were not noted", extra={"reason": error.message})
                continue
            self._again |= dict.fromkeys(((team, user) for user in users), now + RENEW_SECONDS)

    def _users(self) -> list[tuple[TeamId, str]]:
        """Of all that have connected; an anonymous one is nobody in particular."""
        visitors = [one.visitor for one in self._sockets]
        return [(one.principal.team, one.user) for one in visitors if one and one.user]


class TeamStatuses:
    """The users of one principal's team. Keeps the `Statuses` promise."""

    def __init__(self, statuses: UserStatuses, principal: Principal) -> None:
        self._statuses = statuses
        self._principal = principal

    async def of(self, users: Sequence[str]) -> list[Status]:
        """See the promise."""
        allow(self._principal, Operation.CONNECTIONS_READ)
        if len(users) > MAX_USERS:
            raise LimitExceeded(f"at most {MAX_USERS} users are asked about, not {len(users)}")
        found = await self._statuses.status(self._principal.team, users)
        return [
            Status(
                user=one.user,
                seen=int(one.seen_at.timestamp()) if one.seen_at else 0,
                is_online=one.is_online,
            )
            for one in found
        ]
