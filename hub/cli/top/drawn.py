"""The parts of the screen as text: bar, panels, cells. Functions of values, without state."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from hub.cli import drawing
from hub.cli.top.board import Board
from hub.cli.top.feeds import Link, LinkState
from hub.cli.top.health import Health
from hub.cli.top.style import Palette
from protocols.operations.system import WorkerBeat
from protocols.operations.tasks import TaskRow
from protocols.tasks import TaskState

EIGHTHS = " ▁▂▃▄▅▆▇█"
PANEL_LINES = 4
BAR_CELLS = 8
FULL = 8  # eighths of a cell
HEIGHT = 2 * FULL
NONE = "·"
MINUTE, HOUR = 60, 3600
THOUSAND = 1000


def bar(link: Link, url: str, *, now: datetime, as_of: datetime | None, palette: Palette) -> Table:
    """The light of the connection, the name, where, and when."""
    lights = {
        LinkState.LIVE: ("●", palette.good),
        LinkState.CONNECTING: ("◌", palette.waiting),
        LinkState.RECONNECTING: ("◌", palette.waiting),
        LinkState.OFFLINE: ("✕", palette.bad),
    }
    icon, colour = lights[link.state]
    light = Text.assemble((f"{icon} {link.state.value}", colour))
    if link.reason:
        light.append(f"  {link.reason}", style=palette.soft)
    clock = f"{now.astimezone():%H:%M:%S}"
    if link.state is not LinkState.LIVE and as_of is not None:
        clock = f"as of {as_of.astimezone():%H:%M:%S}"
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    where = Text.assemble(
        ("PyGent ", f"bold {palette.accent}"), (f"{url}  ", palette.faint), (clock, palette.soft)
    )
    grid.add_row(light, where)
    return grid


def throughput(board: Board, now: datetime, *, width: int, palette: Palette) -> Text:
    """What ended in the last hour, minute by minute, and what it took."""
    minutes = board.ended_by_minute(now)
    sums = board.sums(now)
    shown = chart(minutes, width=width, palette=palette)
    line = Text.assemble(
        (f"{board.per_minute(now):.0f}", f"bold {palette.text}"),
        ("/min", palette.faint),
        (f"  {compact(sums.ended)}", palette.text),
        (" in 1 h", palette.faint),
    )
    if sums.failed:
        line.append(f"  {compact(sums.failed)} failed", style=palette.bad)
    if board.p50 is not None and board.p95 is not None and width >= HOUR // MINUTE:
        line.append(f"  p50 {elapsed(board.p50)}  p95 {elapsed(board.p95)}", style=palette.faint)
    used = Text.assemble(
        (f"↑{compact(sums.input_tokens)} ↓{compact(sums.output_tokens)}", palette.soft),
        (f"  {drawing.dollars(sums.cost)}", palette.soft),
    )
    return Text("\n").join([*shown, line, used])


def chart(minutes: Sequence[tuple[int, int]], *, width: int, palette: Palette) -> list[Text]:
    """Two lines of bars, the newest at the right; what failed is the red foot of its bar."""
    bars = _bars(minutes, max(1, width))
    top = max((count for count, _ in bars), default=0)
    lines = [Text(), Text()]
    cells, rest = divmod(max(1, width), len(bars))
    for number, (count, bad) in enumerate(bars):
        times = cells + (number >= len(bars) - rest)
        height = -(-count * HEIGHT // top) if top else 0
        foot = -(-bad * HEIGHT // top) if top else 0
        for line, floor in zip(lines, (HEIGHT // 2, 0), strict=True):
            _cell(line, height - floor, foot - floor, times=times, palette=palette)
    return lines


def _bars(minutes: Sequence[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    """As many minutes to a bar as it takes for all of them to fit."""
    each = -(-len(minutes) // width)
    ends = range(len(minutes), 0, -each)  # from the newest, so that only the oldest bar is short
    parts = [minutes[max(0, end - each) : end] for end in ends]
    return [
        (sum(count for count, _ in part), sum(bad for _, bad in part)) for part in reversed(parts)
    ]


def _cell(line: Text, height: int, foot: int, *, times: int, palette: Palette) -> None:
    """One line of a bar: `height` eighths, of which the lower `foot` are red."""
    high, low = max(0, min(FULL, height)), max(0, min(FULL, foot))
    if not high:
        is_ground = height == 0 and foot == 0
        line.append(("▁" if is_ground else " ") * times, style=palette.faint)
    elif high == FULL and 0 < low < FULL:
        line.append(EIGHTHS[low] * times, style=f"{palette.bad} on {palette.accent}")
    else:
        colour = palette.bad if low * 2 > high else palette.accent
        line.append(EIGHTHS[high] * times, style=colour)


def queue(board: Board, health: Health, palette: Palette) -> Text:
    """What waits, works, and needs somebody."""
    jobs = compact(health.waiting) if health.is_known else NONE
    rows = [
        (compact(board.submitted), "waiting", palette.soft),
        (compact(board.working), "working", palette.working),
        (compact(board.waiting), "need you", palette.waiting if board.waiting else palette.faint),
        (jobs, "queued", palette.soft),
    ]
    lines = [
        Text.assemble((f"{count:>5} ", f"bold {colour}"), (name, palette.faint))
        for count, name, colour in rows
    ]
    return Text("\n").join(lines)


def workers(health: Health, *, width: int, palette: Palette) -> Text:
    """How many there are, and how many jobs each has in hand."""
    if not health.is_known:
        return Text("the hub does not say", style=palette.faint)
    count = len(health.workers)
    first = Text.assemble(
        (f"{count}", f"bold {palette.good if count else palette.bad}"), (" alive", palette.faint)
    )
    if health.running:
        first.append(f"  {health.running} jobs", style=palette.faint)
    lines = [first]
    if not count:
        sentence = "nobody claims tasks;\nstart `pygent worker`"
        lines.append(Text(sentence, style=palette.waiting))
    elif health.unwell:
        lines.append(Text(cut(f"! {', '.join(health.unwell)}", width), style=palette.bad))
    shown = health.workers[: PANEL_LINES - len(lines)]
    most = max((worker.running for worker in shown), default=0)
    lines += [_worker(worker, most=most, width=width, palette=palette) for worker in shown]
    return Text("\n").join(lines)


def _worker(worker: WorkerBeat, *, most: int, width: int, palette: Palette) -> Text:
    cells = -(-worker.running * BAR_CELLS // most) if most else 0
    room = max(4, width - BAR_CELLS - 4)
    return Text.assemble(
        (f"{cut(f'worker {worker.id}', room):<{room}} ", palette.soft),
        ("▰" * cells, palette.working),
        ("▱" * (BAR_CELLS - cells), palette.faint),
        (f" {worker.running:>2}", palette.text),
    )


def state(row: TaskRow, palette: Palette) -> Text:
    """The state, with its icon."""
    icon, _ = drawing.STATE_STYLE[row.state]
    short = {TaskState.INPUT_REQUIRED: "needs you", TaskState.AUTH_REQUIRED: "needs login"}
    return Text(f"{icon} {short.get(row.state, row.state.value)}", style=palette.of(row.state))


def took(row: TaskRow, now: datetime, palette: Palette) -> Text:
    """How long, until now where it is open."""
    seconds = ((row.ended_at or now) - row.submitted_at).total_seconds()
    colour = palette.faint if row.state.is_final else palette.text
    return Text(elapsed(max(0.0, seconds)), style=colour, justify="right")


def tokens(row: TaskRow, palette: Palette) -> Text:
    """Tokens in and out."""
    if not row.input_tokens and not row.output_tokens:
        return Text(NONE, style=palette.faint, justify="right")
    text = f"↑{compact(row.input_tokens)} ↓{compact(row.output_tokens)}"
    return Text(text, style=palette.soft, justify="right")


def cost(row: TaskRow, palette: Palette) -> Text:
    """Money."""
    shown = drawing.dollars(row.cost) if row.cost else NONE
    return Text(shown, style=palette.soft if row.cost else palette.faint, justify="right")


def step(row: TaskRow, palette: Palette) -> Text:
    """What it does now; of an ended one, how it went."""
    if row.state.is_final:
        said = row.code or f"{row.steps} step{'s' * (row.steps != 1)}"
        return Text(said, style=palette.bad if row.code else palette.faint)
    if row.activity is None:
        waits = row.state is TaskState.SUBMITTED
        return Text("in the queue" if waits else "…", style=palette.faint)
    colour = palette.kinds[row.activity_kind] if row.activity_kind else palette.text
    return Text(f"▌{drawing.line(row.activity)}", style=colour)


def compact(number: int) -> str:
    """A count in at most five characters: `999`, `1.2k`, `34k`, `5.6M`."""
    value = float(number)
    for unit in ("", "k", "M", "G"):
        if value < THOUSAND:
            return f"{value:.0f}{unit}" if not unit or value >= 10 else f"{value:.1f}{unit}"  # noqa: PLR2004  two digits are enough
        value /= THOUSAND
    return f"{value:.0f}T"


def elapsed(seconds: float) -> str:
    """A duration in at most seven characters: `42 ms`, `1.2 s`, `3m 12s`, `2h 05m`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    if seconds < HOUR:
        return f"{int(seconds) // MINUTE}m {int(seconds) % MINUTE:02d}s"
    return f"{int(seconds) // HOUR}h {int(seconds) % HOUR // MINUTE:02d}m"


def cut(text: str, width: int) -> str:
    """At most so many characters."""
    text = drawing.line(text)
    return text if len(text) <= width else f"{text[: width - 1]}…"
