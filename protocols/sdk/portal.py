"""An event loop in a thread of its own, for callers that have none: one implementation for both.

Any number of threads may call at once. Ctrl-C in the middle of a call ends what it had begun, and
is then raised as always.
"""

import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

Value = TypeVar("Value")

ENDING_SECONDS = 2.0  # for what was interrupted to let go of its connection


class Portal:
    """The way into the loop; the loop starts with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: tuple[AbstractContextManager[BlockingPortal], BlockingPortal] | None = None
        self._process = os.getpid()
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether its thread runs."""
        return self._opened is not None

    def call(self, function: Callable[[], Awaitable[Value]]) -> Value:
        """What the function returns, called in the loop.

        Raises:
            RuntimeError: The client is closed, or belongs to the process this one was forked from.
        """
        has_ended = threading.Event()

        async def called() -> Value:
            try:
                return await function()
            finally:
                has_ended.set()

        future = self._started().start_task_soon(called)
        try:
            return future.result()
        except CancelledError:
            raise RuntimeError("the client was closed meanwhile") from None
        except BaseException:  # Ctrl-C while waiting; for all else it has ended already
            future.cancel()
            has_ended.wait(ENDING_SECONDS)
            raise

    def close(self) -> None:
        """What is under way is canceled, and the thread is gone; may be repeated."""
        with self._lock:
            opened, self._opened, self._is_closed = self._opened, None, True
        if opened is None or self._process != os.getpid():
            return
        context, portal = opened
        portal.call(portal.stop, True)  # noqa: FBT003  anyio's own signature
        context.__exit__(None, None, None)

    def _started(self) -> BlockingPortal:
        if self._process != os.getpid():
            raise RuntimeError("this client was made before a fork: make one in each process")
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the client is closed")
            if self._opened is None:
                context = start_blocking_portal(name="pygent")
                self._opened = context, context.__enter__()
            return self._opened[1]
