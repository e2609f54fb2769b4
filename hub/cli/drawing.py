"""How things look in a terminal: a task as live lines and text, values, errors in a line.

Standard output carries what was asked for, so that it can be piped; everything else goes to
standard error. Text of models and tools is never interpreted as markup or control codes.
"""

import re
import sys
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.text import Text

from protocols import events
from protocols.errors import FactoryError
from protocols.event_encoding import decode
from protocols.events import Event
from protocols.steps import StepKind
from protocols.tasks import TaskState

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

PIPED_WIDTH = 10_000  # columns

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

STATE_STYLE = {
    TaskState.SUBMITTED: ("○", "dim"),
    TaskState.WORKING: ("◐", "blue"),
    TaskState.INPUT_REQUIRED: ("⏸", "yellow"),
    TaskState.AUTH_REQUIRED: ("⚿", "yellow"),
    TaskState.COMPLETED: ("✓", "green"),
    TaskState.FAILED: ("✕", "red"),
    TaskState.CANCELED: ("⊘", "dim"),
    TaskState.REJECTED: ("⊘", "magenta"),
}
KIND_STYLE = {
    StepKind.MODEL: "magenta",
    StepKind.TOOL: "yellow",
    StepKind.RETRIEVAL: "cyan",
    StepKind.MEMORY: "bright_magenta",
    StepKind.THOUGHT: "bright_yellow",
    StepKind.AGENT: "green",
}


def plain(text: str) -> str:
    """The text without control and direction-changing characters."""
    return _CONTROL.sub("�", text)


def state(value: TaskState) -> Text:
    """A state by icon, word and colour."""
    icon, style = STATE_STYLE[value]
    return Text(f"{icon} {value.value}", style=style)


def place(title: str, location: str) -> str:
    """Where a passage stands: its headings, which often begin with the title, or title and page."""
    if not location:
        return title
    return location if location.startswith(title) else f"{title}, {location}"


def dollars(micro: int) -> str:
    """Micro-dollars for people: `$0.0614`."""
    return f"${micro / 1_000_000:.4f}"


def moment(value: datetime) -> str:
    """A time for people, by this machine's clock and zone."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}"


def seconds(value: float) -> str:
    """A duration for people: `1.24 s`, `3 min 12 s`."""
    if value < 60:  # noqa: PLR2004  a minute
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def line(text: str) -> str:
    """Plain and on one line: no name may look like another column or row."""
    return " ".join(plain(text).split())


def page(parts: Sequence[RenderableType], *, gap: bool = True) -> None:
    """Parts with a blank line between; in a terminal lines are broken, in a pipe they are not."""
    console = out if out.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
    for number, part in enumerate(parts):
        if number and gap:
            console.print()
        console.print(part, soft_wrap=False)


def failure(error: FactoryError) -> None:
    """An error in one line on standard error."""
    err.print(Text.assemble(("error: ", "bold red"), plain(error.message)))


class LiveTask:
    """Draws one task's events as they come: steps on standard error, the answer on standard output.

    What a dead attempt wrote cannot be taken back from a terminal; a line says that it is void.
    """

    def __init__(self, *, steps: bool = True) -> None:
        self._steps = steps
        self._names: dict[str, tuple[str, StepKind]] = {}
        self._open: set[str] = set()
        self._wrote = False
        self._at_start = True
        self.state = TaskState.SUBMITTED
        self.reason: str | None = None

    def note(self, event: Event) -> None:
        """Remember how the task ends without showing anything."""
        match decode(event):
            case events.TaskCompleted():
                self.state = TaskState.COMPLETED
            case events.TaskFailed() | events.TaskRejected():
                self.state = TaskState.FAILED
            case events.TaskCanceled():
                self.state = TaskState.CANCELED
            case _:
                pass

    def draw(self, event: Event) -> None:
        """Show one event; unknown ones are passed over."""
        data = decode(event)
        match data:
            case events.AttemptStarted() if event.attempt > 1:
                self._void(event.attempt)
            case events.StepStarted():
                self._names[data.step] = (data.name, data.kind)
                self._line(data.kind, f"{data.name} …")
            case events.StepFinished():
                self._finished(data)
            case events.StepFailed():
                name, _ = self._names.get(data.step, (data.step, StepKind.TOOL))
                self._note(f"{name} failed: {data.reason}", "red")
            case events.MessageStarted():
                self._open.add(data.message)
            case events.MessageDelta():
                self._write(data.text)
            case events.MessageFinished():
                self._open.discard(data.message)
                self._sources(data)
            case _:
                self._ended(data)

    def _ended(self, data: events.AnyData | None) -> None:
        match data:
            case events.TaskCompleted():
                self._end(TaskState.COMPLETED, cost=data.cost, steps=data.steps)
            case events.TaskFailed() | events.TaskRejected():
                self.reason = data.reason
                self._end(TaskState.FAILED)
            case events.TaskCanceled():
                self._end(TaskState.CANCELED)
            case _:
                pass

    def _end(self, value: TaskState, *, cost: int = 0, steps: int = 0) -> None:
        self._newline()
        self.state = value
        line = Text.assemble(state(value))
        if value is TaskState.COMPLETED:
            told = f"{steps} step{'s' * (steps != 1)}"
            line.append(f"  {told}  {dollars(cost)}" if cost else f"  {told}", style="dim")
        if self.reason:
            line.append(f"  {plain(self.reason)}")
        err.print(line)

    def _finished(self, data: events.StepFinished) -> None:
        name, kind = self._names.get(data.step, (data.step, StepKind.TOOL))
        parts = [name]
        if data.summary:
            parts.append(data.summary)
        if data.usage:
            parts.append(f"↑{data.usage.input} ↓{data.usage.output}")
        self._line(kind, "  ".join(parts))

    def _sources(self, data: events.MessageFinished) -> None:
        self._newline()
        for citation in data.citations:
            self._note(f"[{citation.n}] {place(citation.title, citation.location)}", "cyan")

    def _void(self, attempt: int) -> None:
        if self._wrote:
            self._note(f"the worker died; attempt {attempt} answers again", "yellow")

    def _line(self, kind: StepKind, text: str) -> None:
        if self._steps:
            self._newline()
            err.print(Text.assemble(("▌ ", KIND_STYLE[kind]), (plain(text), "dim")))

    def _note(self, text: str, style: str) -> None:
        self._newline()
        err.print(Text(plain(text), style=style))

    def _write(self, text: str) -> None:
        sys.stdout.write(plain(text))
        sys.stdout.flush()
        self._wrote = not text.endswith("\n") or self._wrote
        self._at_start = text.endswith("\n")

    def _newline(self) -> None:
        if not self._at_start:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._at_start = True
