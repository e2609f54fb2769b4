"""How long events took from the log to their readers, gathered between two looks.

The time of an event is read off its line where our own encoding puts it; nothing else of the line
is looked at. At most some hundred a second are measured, evenly among all.
"""

import time
from collections.abc import Sequence
from datetime import datetime

MEASURED = 500  # between two looks
MARK = b'"time":"'
WITHIN = 160  # bytes: before it stand only the event's type and version


class Delays:
    """Of one process.

    Attributes:
        ahead: Seconds by which the log's clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.ahead = 0.0
        self._found: list[float] = []
        self._seen = 0
        self._every = 1

    def note(self, line: bytes) -> None:
        """This event of the log has just been handed to its last reader."""
        self._seen += 1
        if self._seen % self._every or len(self._found) >= 2 * MEASURED:
            return
        begin = line.find(MARK, 0, WITHIN) + len(MARK)
        end = line.find(b'"', begin)
        try:
            written = datetime.fromisoformat(line[begin:end].decode()).timestamp()
        except ValueError:  # no event of ours
            return
        self._found.append(max(time.time() + self.ahead - written, 0.0))

    def take(self) -> list[float]:
        """What was measured since the last look, in seconds, sorted."""
        found, self._found = sorted(self._found), []
        self._every, self._seen = self._seen // MEASURED + 1, 0
        return found


def quantile(found: Sequence[float], share: float) -> float | None:
    """The value below which that share lies; None of nothing. `found` is sorted."""
    if not found:
        return None
    return found[min(int(len(found) * share), len(found) - 1)]
