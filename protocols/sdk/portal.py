"""An event loop in a thread of its own, for callers that have none: one implementation for both.

Any number of threads may call at once. Ctrl-C in the middle of a call ends what it had begun, and
is then raised as always. A program that closes nothing still ends: the thread holds nobody up.
"""

import os
import sys
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from threading import Event, Lock, Thread
from typing import TypeVar

import anyio
from anyio.from_thread import BlockingPortal

Value = TypeVar("Value")
Farewell = Callable[[], Awaitable[None]]

ENDING_SECONDS = 2.0  # for what was interrupted, or is closed, to let go of its connections


class Portal:
    """The way into the loop, which starts with the first call.

    Args:
        farewell: Called in the loop before it ends.
    """

    def __init__(self, farewell: Farewell) -> None:
        self._farewell = farewell
        self._lock = Lock()
        self._thread: _LoopThread | None = None
        self._process = os.getpid()
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None

    def call(self, function: Callable[[], Awaitable[Value]]) -> Value:
        """What the function returns, called in the loop.

        Raises:
            RuntimeError: The client is closed, or belongs to the process this one was forked from.
        """
        has_ended = Event()

        async def called() -> Value:
            try:
                return await function()
            finally:
                has_ended.set()

        future = self._started().portal.start_task_soon(called)
        try:
            return future.result()
        except CancelledError:
            raise RuntimeError("the client was closed meanwhile") from None
        except BaseException:  # Ctrl-C while waiting; anything else has ended already
            future.cancel()
            has_ended.wait(ENDING_SECONDS)
            raise

    def close(self) -> None:
        """What is under way is canceled, and the thread is gone; may be repeated."""
        with self._lock:
            thread, self._thread, self._is_closed = self._thread, None, True
        if thread is not None and self._process == os.getpid():
            thread.end()

    def _started(self) -> "_LoopThread":
        if self._process != os.getpid():
            raise RuntimeError("this client was made before a fork: make one in each process")
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the client is closed")
            if self._thread is None:
                self._thread = _LoopThread(self._farewell)
                weakref.finalize(self, _end_elsewhere, self._thread).atexit = False
            return self._thread


class _LoopThread:
    """The loop, and its thread.

    Not anyio's `start_blocking_portal`: collected unclosed when the interpreter ends, or in a
    forked child, its generator waits for ever for a thread that does not run any more.
    """

    def __init__(self, farewell: Farewell) -> None:
        self._farewell = farewell
        self._opened: Future[BlockingPortal] = Future()
        self._is_ending = Lock()
        self._thread = Thread(target=anyio.run, args=(self._run,), name="pygent", daemon=True)
        self._thread.start()
        self.portal = self._opened.result()

    def end(self) -> None:
        """The loop is over and so is the thread; what was under way is canceled."""
        if self._is_ending.acquire(blocking=False):
            self.portal.call(self._stop)
        self._thread.join()

    async def _run(self) -> None:
        async with BlockingPortal() as portal:
            self._opened.set_result(portal)
            await portal.sleep_until_stopped()

    async def _stop(self) -> None:
        with anyio.move_on_after(ENDING_SECONDS):
            await self._farewell()
        await self.portal.stop(cancel_remaining=True)


def _end_elsewhere(thread: _LoopThread) -> None:
    """After a client that was forgotten, in a thread: whoever collects garbage must not wait."""
    if not sys.is_finalizing():
        Thread(target=thread.end, daemon=True).start()
