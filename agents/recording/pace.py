"""How often written text goes to the log: at once, then every 50 ms, less often on a slow disk.

Pure: it is told the time and answers with times, so that it is tested with a clock in the hand.
"""

SHORTEST_SECONDS = 0.05
LONGEST_SECONDS = 0.25
SLOW_COMMIT_SECONDS = 0.02


class Pace:
    """When the next piece of text may be appended."""

    def __init__(self) -> None:
        self._interval = SHORTEST_SECONDS
        self._last: float | None = None

    @property
    def due(self) -> float:
        """The earliest time of the next append; the first one is due at once."""
        return float("-inf") if self._last is None else self._last + self._interval

    def committed(self, *, began: float, ended: float) -> None:
        """An append of text took so long; slow ones stretch the interval, quick ones shrink it."""
        self._last = began
        is_slow = ended - began > SLOW_COMMIT_SECONDS
        interval = self._interval * 2 if is_slow else self._interval / 2
        self._interval = min(max(interval, SHORTEST_SECONDS), LONGEST_SECONDS)

    def restart(self) -> None:
        """A new message begins: its first piece is due at once."""
        self._last = None
