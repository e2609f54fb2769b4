"""What a client gets to read: the answer of a task, and its text while it is being written.

Events become a task by the fold; what a reader must be told of each step of the fold is found by
comparing it with what the reader was told before. Events themselves are not interpreted here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.errors import Unreadable
from protocols.event_encoding import UNREADABLE
from protocols.events import Event
from protocols.messages import Citation
from protocols.sdk.errors import ended_without_answer
from protocols.steps import Usage
from protocols.task_fold import advance
from protocols.tasks import Said, Task, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an agent answered.

    Attributes:
        text: Markdown; `[n]` stands where citation `n` supports it.
        citations: Where the numbers lead.
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
    def context_id(self) -> str:
        """Of the conversation: given with the next question, it is continued."""
        return self.task.context_id

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


def go_on(task: Task, event: Event) -> None:
    """The task is one event further.

    Raises:
        Unreadable: The factory is newer than this client, and says what it cannot know.
    """
    try:
        advance(task, event)
    except UNREADABLE:
        raise Unreadable(
            f"event {event.version} of task {task.id} ({event.type}) is not of a form this version"
            " of pygent knows: install that of the factory"
        ) from None


class Telling:
    """A task, and how much of its messages the reader was told."""

    def __init__(self, task_id: str) -> None:
        self.task = Task(id=task_id)
        self._told: list[_Told] = []
        self._open: list[_Told] = []
        self._known: tuple[list[Said], int] = (self.task.said, 0)

    @property
    def text(self) -> str:
        """All that holds, its messages parted by blank lines."""
        return "\n\n".join(
            said.text for said in self.task.said if said.kind == "message" and said.text
        )

    def pieces(self, event: Event) -> Iterator[Piece]:
        """What is to be told after this event."""
        go_on(self.task, event)
        # The fold replaces the list when it forgets something and lengthens it otherwise: only then
        # are all messages looked at. A delta costs a look at those that are being written.
        known, length = self._known
        if self.task.said is not known or len(known) != length:
            yield from self._compared()
        for one in self._open:
            if len(one.said.text) > one.characters:
                more = one.said.text[one.characters :]
                one.characters = len(one.said.text)
                yield Text(message=one.said.id, text=more)
        if any(one.said.is_finished for one in self._open):
            self._open = [one for one in self._open if not one.said.is_finished]

    def taken_back(self) -> Iterator[Piece]:
        """Everything that was told, last first: it is about to be told anew."""
        for one in reversed(self._told):
            yield from one.voided()

    def _compared(self) -> Iterator[Piece]:
        said = [one for one in self.task.said if one.kind == "message"]
        self._known = self.task.said, len(self.task.said)
        held = {id(one) for one in said}
        for one in self._told:
            if id(one.said) not in held:
                yield from one.voided()
        kept = {id(one.said): one for one in self._told if id(one.said) in held}
        self._told = [kept.get(id(one)) or _Told(one) for one in said]
        self._open = [one for one in self._told if not one.said.is_finished]


@dataclass(slots=True)
class _Told:
    """A message, and how many of its characters the reader has."""

    said: Said
    characters: int = 0

    def voided(self) -> Iterator[Piece]:
        if self.characters:
            yield Voided(message=self.said.id, text=self.said.text[: self.characters])
