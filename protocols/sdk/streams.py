"""What is iterated over: events of a task, its text, rows of a list. Async; `blocking.py` wraps it.

A stream begins with its first item and ends with its last, with `aclose()`, or with the
`async with` around it. Leaving it early ends the watching, never the task.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self, TypeVar

from protocols.errors import Unavailable, WrongVersion
from protocols.events import Event
from protocols.rest.client import RestClient
from protocols.sdk.answers import Answer, Piece, Telling, answer_of
from protocols.tasks import Task

Item = TypeVar("Item")


class AsyncStream(Generic[Item]):
    """Items as they come. Use `async with` where it may be left before its end."""

    def __init__(self, items: AsyncGenerator[Item]) -> None:
        self._items = items

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await anext(self._items)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Nothing more is received; may be repeated."""
        await self._items.aclose()


class AsyncTextStream(AsyncStream[Piece]):
    """The text of a task while it is being written, as `Text` and `Voided`."""

    def __init__(self, follow: "Follow", begin: Callable[[], Awaitable[str]]) -> None:
        super().__init__(self._told(follow, begin))
        self._telling: Telling | None = None

    @property
    def task(self) -> Task:
        """The task as far as it has come.

        Raises:
            RuntimeError: Nothing was read yet.
        """
        if self._telling is None:
            raise RuntimeError("there is no task before the first piece of the stream is read")
        return self._telling.task

    @property
    def text(self) -> str:
        """All that holds of what was said so far; messages are parted by blank lines."""
        return "" if self._telling is None else self._telling.text

    async def answer(self) -> Answer:
        """The whole answer, once the task is over; reads what is left of the stream.

        Raises:
            TaskFailed: It has none; TaskCanceled when it was stopped.
        """
        async for _ in self:
            pass
        return answer_of(self.task)

    async def _told(
        self, follow: "Follow", begin: Callable[[], Awaitable[str]]
    ) -> AsyncGenerator[Piece]:
        task_id = await begin()
        while True:
            telling = self._telling = Telling(task_id)
            try:
                async with aclosing(follow.events(task_id, after=0)) as events:
                    async for event in events:
                        for piece in telling.pieces(event):
                            yield piece
            except WrongVersion:  # the log was restored: what was told is proved by nothing
                for piece in telling.taken_back():
                    yield piece
            else:
                return


class Follow:
    """Following tasks through cut connections and restarts, as long as there is hope.

    Args:
        rest: The hub.
        patience: Seconds of waiting, without one new event between, until it is given up.
    """

    def __init__(self, rest: RestClient, *, patience: float) -> None:
        self._rest = rest
        self._patience = patience

    async def events(self, task_id: str, *, after: int) -> AsyncGenerator[Event]:
        """Events above `after`, each once and in order, until the task is over.

        Raises:
            NotFound: There is no such task.
            WrongVersion: The log is another one, or shorter: begin again after 0.
            Unavailable: The hub was away for longer than there is patience.
        """
        version, waited = after, 0.0

        def waits(seconds: float) -> None:
            nonlocal waited
            waited += seconds
            if waited > self._patience:
                raise Unavailable(
                    f"the hub was away for {self._patience:g} s; task {task_id} is not lost:"
                    f" follow it again after version {version}"
                )

        async with self._rest.stream(task_id, after=after, on_wait=waits) as events:
            async for event in events:
                version, waited = event.version, 0.0
                yield event
