"""How fast one connection may send commands: so many a second, and a burst before that counts.

Pure but for its clock. What is answered to a command that came too soon is the session's business.
"""

from collections.abc import Callable
from time import monotonic

PER_SECOND = 50.0
BURST = 500  # a page that comes back subscribes to 128 channels at once, and may leave as many


class Pace:
    """A bucket of commands that fills with time.

    Commands beyond it take from it, too: who goes on beyond the pace gets ever further over it, and
    who waits is within it again.

    Args:
        per_second: How fast it fills.
        burst: How many it holds, and how many may be over before it is a flood.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.refused = 0
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._looked_at = clock()

    def take(self) -> bool:
        """Count a command; False if it came too soon."""
        now = self._clock()
        gained = (now - self._looked_at) * self._per_second
        self._left = min(self._left + gained, float(self._burst)) - 1
        self._looked_at = now
        if self._left >= 0:
            return True
        self.refused += 1
        return False

    @property
    def is_flood(self) -> bool:
        """Whether as many again came too soon as are allowed at once."""
        return self._left < -self._burst
