"""A part ends when the process that keeps it alive is gone, however it went.

The supervisor holds the other end of our standard input and never writes to it.
"""

import os
import signal
import sys
import threading
import time

GRACE_SECONDS = 6.0  # as long as a supervisor would wait; the servers may have gone with it


def stop_with_parent(*, grace_seconds: float = GRACE_SECONDS) -> None:
    """From now on the end of standard input is a SIGTERM to ourselves, and soon a SIGKILL."""
    threading.Thread(target=_wait, args=(grace_seconds,), name="parent", daemon=True).start()


def _wait(grace_seconds: float) -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_seconds)
    os.kill(os.getpid(), signal.SIGKILL)
