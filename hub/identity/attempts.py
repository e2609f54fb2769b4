"""How many wrong secrets an address may try: enough for mistakes, useless for guessing.

Counted in this process, for the latest addresses only, so a flood of addresses costs no memory.
Only wrong secrets are counted: an address that shows right ones is never held up by them.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic

from protocols.errors import LimitExceeded

ATTEMPTS = 10
WINDOW_SECONDS = 60.0
ADDRESSES = 10_000


class Attempts:
    """Wrong secrets by address, within the last minute."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def refuse_guessing(self, address: str) -> None:
        """Return when the address may try a secret.

        Raises:
            LimitExceeded: It has tried too many wrong ones.
        """
        failed = self._failed.get(address)
        if failed is None:
            return
        since = self._clock() - WINDOW_SECONDS
        while failed and failed[0] < since:
            failed.popleft()
        if len(failed) >= ATTEMPTS:
            raise LimitExceeded(
                f"{ATTEMPTS} wrong keys or tickets came from this address within"
                f" {WINDOW_SECONDS:.0f} seconds; wait a minute",
                retry_seconds=failed[0] - since,
            )

    def failed(self, address: str) -> None:
        """It has tried a wrong one."""
        latest = self._failed.setdefault(address, deque(maxlen=ATTEMPTS))
        latest.append(self._clock())
        self._failed.move_to_end(address)
        if len(self._failed) > ADDRESSES:
            self._failed.popitem(last=False)
