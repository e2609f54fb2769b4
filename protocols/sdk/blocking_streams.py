"""What is iterated over, for callers without an event loop: thin layers over `streams.py`."""

from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from protocols.sdk.answers import Answer, Piece
from protocols.sdk.portal import Portal
from protocols.sdk.streams import AsyncStream, AsyncTextStream
from protocols.tasks import Task

Item = TypeVar("Item")


class Stream(Generic[Item]):
    """Items as they come. Use `with` where it may be left before its end."""

    def __init__(self, portal: Portal, items: AsyncStream[Item]) -> None:
        self._portal = portal
        self._items = items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        try:
            return self._portal.call(partial(anext, self._items))
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing more is received; may be repeated."""
        if self._portal.is_open:
            self._portal.call(self._items.aclose)


class TextStream(Stream[Piece]):
    """The text of a task while it is being written, as `Text` and `Voided`."""

    def __init__(self, portal: Portal, items: AsyncTextStream) -> None:
        super().__init__(portal, items)
        self._told = items

    @property
    def task(self) -> Task:
        """The task as far as it has come.

        Raises:
            RuntimeError: Nothing was read yet.
        """
        return self._told.task

    @property
    def text(self) -> str:
        """All that holds of what was said so far; messages are parted by blank lines."""
        return self._told.text

    def answer(self) -> Answer:
        """The whole answer, once the task is over; reads what is left of the stream.

        Raises:
            TaskFailed: It has none; TaskCanceled when it was stopped.
        """
        return self._portal.call(self._told.answer)
