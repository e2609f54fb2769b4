"""Lists and facts on standard output: as wide as the terminal, and plain lines in a pipe.

What does not fit beside each other is put below each other: what is typed into another command,
such as an id, is never cut.
"""

import sys
from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hub.cli.drawing import err, line, out

GAP = 2  # columns of the terminal between two of the table
LONGEST_FIXED = 24  # what is longer may be cut
SHORTEST = 16  # as much of it is shown at least

Rows = Sequence[Sequence[str | Text]]


def table(columns: Sequence[str], rows: Rows, *, more: str | None = None) -> None:
    """A list: tab-separated lines in a pipe, a table in a terminal, or each row below the other.

    Args:
        columns: Their headings; the first is what names a row elsewhere, the last what tells most.
        rows: A cell for each.
        more: The cursor of what follows, where something does.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(line(str(cell)) for cell in row))
    elif not rows:
        err.print("none", style="dim")
    else:
        widths = _widths(columns, rows, out.width)
        if widths is None:
            _below_each_other(columns, rows)
        else:
            _beside_each_other(columns, rows, widths)
    if more is not None:
        err.print(f"there are more: --cursor {more}", style="dim", markup=False)


def facts(named: Mapping[str, str]) -> None:
    """What is known of one thing, a fact a line; those that are empty are left out."""
    known = {name: line(value) for name, value in named.items() if value}
    if not sys.stdout.isatty():
        for name, value in known.items():
            print(f"{name}\t{value}")
        return
    drawn = Table.grid(padding=(0, GAP, 0, 0))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in known.items():
        drawn.add_row(name, Text(value))
    out.print(drawn, soft_wrap=False)


def _widths(columns: Sequence[str], rows: Rows, width: int) -> list[int] | None:
    """How wide each column is; None when they do not fit."""
    wanted = [
        max(cell_len(column), *(cell_len(str(_cell(row[number]))) for row in rows))
        for number, column in enumerate(columns)
    ]
    free = width - GAP * (len(columns) - 1) - sum(wanted)
    long = [number for number, one in enumerate(wanted) if number and one > LONGEST_FIXED]
    while free < 0 and long:
        longest = max(long, key=lambda number: wanted[number])
        if wanted[longest] <= SHORTEST:
            return None
        cut = min(-free, max(1, wanted[longest] // 8))
        wanted[longest] -= cut
        free += cut
    return wanted if free >= 0 else None


def _beside_each_other(columns: Sequence[str], rows: Rows, widths: Sequence[int]) -> None:
    drawn = Table(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        drawn.add_column(column, width=width, overflow="ellipsis", no_wrap=True)
    for row in rows:
        drawn.add_row(*(_cell(cell) for cell in row))
    out.print(drawn)


def _below_each_other(columns: Sequence[str], rows: Rows) -> None:
    for row in rows:
        first, *others, last = (_cell(cell) for cell in row)
        named = zip(columns[1:-1], others, strict=True)
        told = [
            Text.assemble((f"{name.lower()} ", "dim"), cell) for name, cell in named if cell.plain
        ]
        out.print(Text.assemble((first.plain, "bold")))
        _indented(Text("  ").join(told))
        _indented(last)


def _indented(text: Text) -> None:
    if text.plain:
        drawn: RenderableType = Padding(text, (0, 0, 0, GAP))
        out.print(drawn, soft_wrap=False)


def _cell(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(line(cell))
