"""A task drawn whole: its head, its answer with sources, and a tree of attempts and their steps."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.text import Text
from rich.tree import Tree

from hub.cli import drawing
from hub.cli.drawing import KIND_STYLE
from hub.cli.task_story import Story
from protocols.messages import Citation
from protocols.steps import Usage
from protocols.tasks import Attempt, Step, StepState, Task

ARGUMENT_CHARACTERS = 60
VOID_CHARACTERS = 200
DRAWN_CHARACTERS = 20_000  # to draw more Markdown at each change would hold the screen up
OUTCOME_STYLE = {"completed": "green", "failed": "red", "died": "red", "canceled": "dim"}
STEP_STYLE = {
    StepState.RUNNING: ("◐", "blue"),
    StepState.FINISHED: ("✓", "green"),
    StepState.FAILED: ("✕", "red"),
    StepState.STOPPED: ("⊘", "dim"),
}


def head(task: Task) -> RenderableType:
    """What it is, who does it, how long it took and what it cost."""
    facts = [
        f"{task.agent_name} v{task.agent_version}",
        task.model,
        f"by {task.submitted_by}",
        drawing.moment(task.submitted_at) if task.submitted_at else "",
        took(task.submitted_at, task.ended_at),
        tokens(task.usage),
        drawing.dollars(task.cost) if task.cost else "",
    ]
    lines = [
        Text.assemble(drawing.state(task.state), "  ", (drawing.line(task.title), "bold")),
        Text(" · ".join(drawing.line(fact) for fact in facts if fact), style="dim"),
        Text(f"{task.id} · version {task.version}", style="dim"),
    ]
    if task.cancel_requested_by and not task.state.is_final:
        lines.append(Text(f"{task.cancel_requested_by} asked to stop it", style="yellow"))
    if task.reason:
        lines.append(Text(drawing.plain(task.reason), style="red"))
    return Group(*lines)


def answer(task: Task, *, is_drawn: bool) -> RenderableType | None:
    """The answer, or what is written of it so far, and its sources; None: nothing is said yet.

    Args:
        task: As it stands.
        is_drawn: Markdown is drawn, and of a long text the end is shown; else it is left as it is.
    """
    written = [said for said in task.said if said.kind == "message" and said.text]
    if task.answer is None and not written:
        return None
    last = written[-1] if written else None
    text = task.answer if task.answer is not None else written[-1].text
    lines: list[RenderableType] = [_written(text, is_drawn=is_drawn)]
    if last is not None and last.citations:
        lines += ["", *_sources(last.citations)]
    return Group(*lines)


def _written(text: str, *, is_drawn: bool) -> RenderableType:
    text = drawing.plain(text)
    if not is_drawn:
        return Text(text)
    if len(text) > DRAWN_CHARACTERS:
        return Text(f"… {text[-DRAWN_CHARACTERS:]}")
    return Markdown(text, code_theme="ansi_dark", hyperlinks=False)


def _sources(citations: Sequence[Citation]) -> list[Text]:
    return [
        Text.assemble(
            (f"[{citation.n}] ", "bold cyan"),
            (drawing.line(drawing.place(citation.title, citation.location)), "cyan"),
            (f"  {citation.collection}", "dim"),
        )
        for citation in citations
    ]


def tree(story: Story) -> RenderableType:
    """Attempts, and in each its steps; what is void is struck through and says so."""
    attempts = [_attempt(attempt, story) for attempt in story.task.attempts]
    return Group(*attempts) if attempts else Text("no worker has begun it yet", style="dim")


def _attempt(attempt: Attempt, story: Story) -> Tree:
    style = OUTCOME_STYLE.get(attempt.outcome or "", "blue")
    title = Text.assemble(
        (f"attempt {attempt.number}", "bold"),
        (f"  {(attempt.outcome or 'working').replace('_', ' ')}", style),
        (f"  {took(attempt.started_at, attempt.ended_at)}", ""),
        (f"  {drawing.line(attempt.worker)}", "dim"),
    )
    if attempt.is_alone:
        title.append("  alone in its process", style="yellow")
    if attempt.outcome != "completed" and attempt.reason:
        title.append(f"  {drawing.line(attempt.reason)}", style="red")
    drawn = Tree(title, guide_style="dim")
    void = {step.id for step in story.void_steps}
    mine = [
        step for step in (*story.task.steps, *story.void_steps) if step.attempt == attempt.number
    ]
    branches: dict[str, Tree] = {}
    for step in sorted(mine, key=lambda step: step.version):
        parent = branches.get(step.parent or "", drawn)
        is_void = step.id in void
        branches[step.id] = parent.add(_step(step, is_void=is_void))
        for said in story.said_in(step.id):
            branches[step.id].add(_void_text(said.text))
    return drawn


def _step(step: Step, *, is_void: bool) -> Text:
    icon, style = ("✕", "yellow") if is_void else STEP_STYLE[step.state]
    line = Text.assemble(
        (f"{icon} ", style),
        (f"{step.kind.value} ", KIND_STYLE[step.kind]),
        (drawing.line(step.name), "strike" if is_void else "bold"),
    )
    if is_void:
        line.append("  void: its attempt ended before it did", style="yellow")
    else:
        line.append("".join(f"  {fact}" for fact in _facts(step)))
    if step.reason:
        line.append(f"  {drawing.line(step.reason)}", style="red")
    line.append(f"  {short(bytes(step.arguments))}".rstrip(), style="dim")
    return line


def _facts(step: Step) -> list[str]:
    facts = [took(step.started_at, step.ended_at), drawing.line(step.summary or "")]
    if step.usage is not None:
        facts.append(tokens(step.usage))
    if step.cost:
        facts.append(drawing.dollars(step.cost))
    return [fact for fact in facts if fact]


def _void_text(text: str) -> Text:
    cut = drawing.line(text)
    cut = cut if len(cut) <= VOID_CHARACTERS else f"{cut[:VOID_CHARACTERS]}…"
    return Text.assemble(("void text  ", "yellow"), (cut, "dim strike"))


def short(arguments: bytes) -> str:
    """Arguments on one short line; nothing for none."""
    try:
        given = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return ""
    if not given:
        return ""
    if isinstance(given, dict):
        parts = [f"{name}={_short_value(value)}" for name, value in given.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  any JSON
        text = ", ".join(parts)
    else:
        text = _short_value(given)
    text = drawing.line(text)
    return text if len(text) <= ARGUMENT_CHARACTERS else f"{text[: ARGUMENT_CHARACTERS - 1]}…"


def _short_value(value: object) -> str:
    return msgspec.json.encode(value).decode()


def took(began: datetime | None, ended: datetime | None) -> str:
    """How long, until now where there is no end yet."""
    if began is None:
        return ""
    return drawing.seconds(max(0.0, ((ended or datetime.now(UTC)) - began).total_seconds()))


def tokens(usage: Usage) -> str:
    """Tokens in and out; nothing where none were used."""
    if not usage.input and not usage.output:
        return ""
    return f"↑{usage.input:,} ↓{usage.output:,}"
