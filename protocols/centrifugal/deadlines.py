"""What is due in one connection, and when: its connect, pings and their pongs, its end.

Times are seconds of one clock that never goes back; who asks brings them.
"""

from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect

PING_SECONDS = 25
PONG_SECONDS = 10.0
CONNECT_SECONDS = 15.0
EXPIRY_GRACE_SECONDS = 25.0
NEVER = float("inf")


class Deadlines:
    """The deadlines of a connection.

    Args:
        now: When the socket opened.
        first_ping: When in the second half of the first interval to ping, 0 to 1; spreads pings.

    Attributes:
        expects_pong: Whether pings are answered.
    """

    def __init__(self, now: float, *, first_ping: float) -> None:
        self.expects_pong = True
        self._first_ping = first_ping
        self._connect_by = now + CONNECT_SECONDS
        self._next_ping = NEVER
        self._pong_by = NEVER
        self._expires = NEVER

    def connected(self, now: float) -> None:
        """From now on pings are due."""
        self._connect_by = NEVER
        self._next_ping = now + PING_SECONDS * (1 + self._first_ping) / 2

    def expire(self, now: float, expires_in: float | None, *, is_refreshed: bool) -> None:
        """End it after so many seconds, or never; who refreshes is given time for it."""
        grace = EXPIRY_GRACE_SECONDS if is_refreshed else 0.0
        self._expires = NEVER if expires_in is None else now + expires_in + grace

    def take_pong(self) -> bool:
        """Whether a pong was waited for; then it is not any more."""
        was_waited_for = self._pong_by != NEVER
        self._pong_by = NEVER
        return was_waited_for

    def next(self) -> float:
        """When something is due, unless something is received before."""
        return min(self._connect_by, self._next_ping, self._pong_by, self._expires)

    def missed(self, now: float) -> Disconnect | None:
        """Why it ends now, if it does."""
        if now >= self._connect_by:
            return codes.STALE
        if now >= self._pong_by:
            return codes.NO_PONG
        if now >= self._expires:
            return codes.EXPIRED
        return None

    def take_ping(self, now: float) -> bool:
        """Whether a ping is due; then its pong is."""
        if now < self._next_ping:
            return False
        self._next_ping = now + PING_SECONDS
        if self.expects_pong:
            self._pong_by = now + PONG_SECONDS
        return True
