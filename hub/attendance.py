"""Who is in channels of applications by way of this hub, said to Redis again and again.

An entry lasts a minute: of a hub that dies all are gone then, of one that lives none. A Redis that
has lost them has them back with the next renewal, and that is at once when it was away; who left
meanwhile is said to it first.
"""

import logging
import random
from collections.abc import Iterable, Sequence

import anyio

from protocols.channels import Channel
from protocols.errors import Forbidden, Unavailable
from protocols.operations.presence import PresencePage, PresenceStats, Present
from protocols.principals import Principal, TeamId
from store.redis.application import Application
from store.redis.presence import RENEW_SECONDS, Presence

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
AT_ONCE = 5000  # clients renewed before others have their turn

MAX_UNSAID = 10_000

_Place = tuple[TeamId, str]
_Left = tuple[TeamId, str, str]  # and the client


class Attendance:
    """Keeps the `Attendances` promise.

    Attributes:
        is_renewing: All of them are being told to Redis again.
    """

    def __init__(self, presence: Presence, application: Application) -> None:
        self._presence = presence
        self._application = application
        self._owned: dict[_Place, dict[str, Present]] = {}
        self.is_renewing = False
        self._left_meanwhile: list[_Left] = []
        self._unsaid: dict[_Left, None] = {}  # who left while Redis did not answer
        self._renew_now = anyio.Event()
        self._is_away = False

    def __len__(self) -> int:
        """How many are present by way of this hub, each channel for itself."""
        return sum(map(len, self._owned.values()))

    async def enter(self, team: TeamId, channel: Channel, present: Present) -> None:
        """See `Attendances`."""
        name = str(channel)
        self._unsaid.pop((team, name, present.client), None)
        self._owned.setdefault((team, name), {})[present.client] = present
        try:
            await self._presence.join(team, name, present)
        except BaseException:
            self._forget(team, name, present.client)
            raise

    async def leave(self, team: TeamId, places: Iterable[tuple[Channel, str]]) -> None:
        """See `Attendances`."""
        gone = [(team, str(channel), client) for channel, client in places]
        for one in gone:
            self._forget(*one)
        if self.is_renewing:  # what Redis does not know is entered anew
            self._left_meanwhile += gone
        try:
            await self._presence.leave_many(gone)
        except Unavailable as error:
            logger.debug("presence was not ended in time", extra={"reason": error.message})
            self._say_later(gone)

    def _say_later(self, gone: Sequence[_Left]) -> None:
        """Of those that are too many Redis hears no more: their entries end by themselves."""
        self._unsaid.update(dict.fromkeys(gone[: max(0, MAX_UNSAID - len(self._unsaid))]))
        self._renew_now.set()

    def _forget(self, team: TeamId, name: str, client: str) -> None:
        clients = self._owned.get((team, name), {})
        clients.pop(client, None)
        if not clients:
            self._owned.pop((team, name), None)

    def announce(self, team: TeamId, channel: Channel, info: bytes, *, is_join: bool) -> None:
        """See `Attendances`."""
        if not self._application.announce(team, str(channel), info, is_join=is_join):
            logger.debug("who comes and goes was not told", extra={"channel": str(channel)})

    async def read(
        self,
        principal: Principal,
        channel: Channel,
        *,
        is_subscribed: bool,
        limit: int,
        cursor: str | None = None,
    ) -> PresencePage:
        """See `Attendances`."""
        _refuse_stranger(principal, channel, is_subscribed=is_subscribed)
        return await self._presence.read(principal.team, str(channel), limit=limit, cursor=cursor)

    async def count(
        self, principal: Principal, channel: Channel, *, is_subscribed: bool
    ) -> PresenceStats:
        """See `Attendances`."""
        _refuse_stranger(principal, channel, is_subscribed=is_subscribed)
        return await self._presence.stats(principal.team, str(channel))

    def renew_now(self) -> None:
        """Redis is back, and may have lost all of it."""
        self._renew_now.set()

    async def run(self) -> None:
        """Renew again and again, until cancelled."""
        pause = RENEW_SECONDS
        while True:
            with anyio.move_on_after(pause * random.uniform(0.8, 1.0)):  # noqa: S311  no secret
                await self._renew_now.wait()
            self._renew_now = anyio.Event()
            pause = RENEW_SECONDS
            try:
                await self._renew()
            except Unavailable as error:
                pause = RETRY_SECONDS
                if not self._is_away:
                    logger.warning("presence is not renewed", extra={"reason": error.message})
                self._is_away = True
            except Exception:  # the next renewal must come, whatever this one ran into
                logger.exception("presence is not renewed")
            else:
                self._is_away = False

    async def _renew(self) -> None:
        self.is_renewing = True
        try:
            unsaid = list(self._unsaid)
            await self._presence.leave_many(unsaid)
            for one in unsaid:
                self._unsaid.pop(one, None)
            for places in self._parts():
                # As it is now: who left since the last part is not entered anew.
                owned = {one: list(self._owned.get(one, {}).values()) for one in places}
                self._left_meanwhile.clear()
                await self._presence.renew(owned)
                await self._presence.leave_many(self._left_meanwhile)
        finally:
            self.is_renewing = False
            self._left_meanwhile.clear()

    def _parts(self) -> list[list[_Place]]:
        parts: list[list[_Place]] = [[]]
        size = 0
        for place, clients in self._owned.items():
            if size >= AT_ONCE:
                parts.append([])
                size = 0
            parts[-1].append(place)
            size += len(clients)
        return parts


def _refuse_stranger(principal: Principal, channel: Channel, *, is_subscribed: bool) -> None:
    rules = channel.application
    if rules is None or not rules.lets_see_presence(principal.role, is_subscribed=is_subscribed):
        raise Forbidden(f"you may not see who is in channel {str(channel)!r}")
