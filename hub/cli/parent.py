"""A part ends when the process that keeps it alive is gone, however it went.

The supervisor holds the other end of our standard input and never writes to it.
"""

import os
import signal
import sys
import threading


def stop_with_parent() -> None:
    """From now on the end of standard input is a SIGTERM to ourselves."""
    threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
