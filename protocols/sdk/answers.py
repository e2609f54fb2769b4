"""What a client gets to read: the answer of a task, and its text while it is being written.

Events become a task by the fold; what a reader must be told of each step of the fold is found by
comparing it with what the reader was told before. Events themselves are not interpreted here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.events import Event, Usage
from protocols.messages import Citation
from protocols.sdk.errors import ended_without_answer
from protocols.task_fold import advance
from protocols.tasks import Said, Task, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an agent answered.

    Attributes:
        text: Markdown; `[n]` stands where citation `n` supports it.
        citations: Where the numbers lead, in the order of the numbers.
        task: The whole task: steps, attempts, tokens, cost.
    """

    text: str
    citations: tuple[Citation, ...]
    task: Task

    @property
    def id(self) -> str:
        """Of the task."""
        return self.task.id

    @property
    def usage(self) -> Usage:
        """Tokens of all steps."""
        return self.task.usage

    @property
    def cost(self) -> int:
        """Micro-dollars of all steps."""
        return self.task.cost

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """More text of a message; the pieces of a message join by concatenation.

    Attributes:
        message: Its id. A task may say several: what it says before it uses a tool, and its answer.
    """

    message: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """All text of this message no longer holds: take it back from whoever saw it.

    The worker that wrote it died or left, or the model failed. Another attempt says it anew, as
    another message.

    Attributes:
        message: Its id.
        text: All that was said of it.
    """

    message: str
    text: str


Piece = Text | Voided


def answer_of(task: Task) -> Answer:
    """The answer of a task that is over.

    Raises:
        TaskFailed: It has none; TaskCanceled when it was stopped.
    """
    if task.state is not TaskState.COMPLETED:
        raise ended_without_answer(task)
    final = next((said for said in task.said if said.id == task.message), None)
    return Answer(
        text=task.answer or "",
        citations=() if final is None else final.citations,
        task=task,
    )


class Telling:
    """A task, and how much of its messages the reader was told."""

    def __init__(self, task_id: str) -> None:
        self.task = Task(id=task_id)
        self._told: dict[str, tuple[Said, int]] = {}
        self._open: list[Said] = []
        self._known: tuple[list[Said], int] = (self.task.said, 0)

    @property
    def text(self) -> str:
        """All that holds, its messages parted by blank lines."""
        return "\n\n".join(said.text for said in self.task.said if said.kind == "message")

    def pieces(self, event: Event) -> Iterator[Piece]:
        """What is to be told after this event."""
        advance(self.task, event)
        # The fold replaces the list when it forgets something and lengthens it otherwise: only then
        # are all messages looked at. A delta costs a look at those that are being written.
        known, length = self._known
        if self.task.said is not known or len(known) != length:
            yield from self._compared()
        for said in self._open:
            yield from self._grown(said)
        if any(said.is_finished for said in self._open):
            self._open = [said for said in self._open if not said.is_finished]

    def taken_back(self) -> Iterator[Piece]:
        """Everything that was told, last first: it is about to be told anew."""
        for message, (said, told) in reversed(self._told.items()):
            if told:
                yield Voided(message=message, text=said.text[:told])
        self._told.clear()

    def _compared(self) -> Iterator[Piece]:
        said = self.task.said
        self._known = said, len(said)
        messages = {one.id: one for one in said if one.kind == "message"}
        for gone in [one for one in self._told if one not in messages]:
            one, told = self._told.pop(gone)
            if told:
                yield Voided(message=gone, text=one.text[:told])
        for name, one in messages.items():
            self._told.setdefault(name, (one, 0))
        self._open = [
            one for one in messages.values() if not one.is_finished or not self._told[one.id][1]
        ]

    def _grown(self, said: Said) -> Iterator[Piece]:
        _, told = self._told[said.id]
        if len(said.text) > told:
            self._told[said.id] = said, len(said.text)
            yield Text(message=said.id, text=said.text[told:])
