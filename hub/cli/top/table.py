"""The table of tasks: columns that fit the width, rows that change in place under the cursor."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from hub.cli import drawing
from hub.cli.top import drawn
from hub.cli.top.style import Palette
from protocols.operations.tasks import TaskRow

WIDE = 104  # columns of the terminal, from which there is room for step and title both
FIXED = {"state": 11, "agent": 12, "elapsed": 8, "tokens": 11, "cost": 8}
LABELS = {"state": "State", "agent": "Agent", "elapsed": "Elapsed", "tokens": "Tokens"} | {
    "cost": "Cost",
    "step": "Now",
    "title": "Task",
}
RIGHT = frozenset({"elapsed", "tokens", "cost"})
STEP_WIDTH = 26
PADDING = 2  # of a cell, both sides
SCROLLBAR = 1


class Tasks(DataTable[Text]):
    """Rows of tasks; the chosen one stays chosen while others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "open")]

    def __init__(self) -> None:
        super().__init__(cursor_type="row", cursor_foreground_priority="renderable", id="tasks")
        self._columns: dict[str, int] = {}
        self._shown: list[str] = []
        self._cells: dict[str, list[Text]] = {}

    @property
    def chosen(self) -> str | None:
        """The id of the task under the cursor."""
        if not self._shown or not self.is_valid_row_index(self.cursor_row):
            return None
        return self._shown[self.cursor_row]

    def fit(self, width: int) -> None:
        """Columns for a terminal of this width; rows are drawn anew by the next `draw`."""
        columns = columns_for(width)
        if columns == self._columns:
            return
        chosen = self.chosen
        self._columns = columns
        self.clear(columns=True)
        for name, size in columns.items():
            label = Text(LABELS[name], justify="right" if name in RIGHT else "left")
            self.add_column(label, width=size, key=name)
        order, self._shown = self._shown, []
        for task in order:
            self._append(task, [Text()] * len(columns))
        self._choose(chosen)

    def draw(self, rows: Sequence[TaskRow], *, now: datetime, palette: Palette) -> None:
        """Show these rows in this order."""
        order = [row.id for row in rows]
        cells = {row.id: self._cells_of(row, now, palette) for row in rows}
        if order != self._shown:
            self._arrange(order, cells)
            return
        for task, texts in cells.items():
            for name, text, known in zip(self._columns, texts, self._cells[task], strict=True):
                if text != known or text.style != known.style:
                    self.update_cell(task, name, text)
            self._cells[task] = texts

    def _arrange(self, order: list[str], cells: dict[str, list[Text]]) -> None:
        chosen, row, scroll = self.chosen, self.cursor_row, self.scroll_y
        with self.app.batch_update():  # pyright: ignore[reportUnknownMemberType]  of any app
            self.clear()
            self._shown, self._cells = [], {}
            for task in order:
                self._append(task, cells[task])
            at_top = row == 0 and scroll == 0
            self._choose(None if at_top else chosen, otherwise=row)
            self.scroll_to(y=scroll, animate=False, force=True)

    def _append(self, task: str, cells: list[Text]) -> None:
        self.add_row(*cells, key=task)
        self._shown.append(task)
        self._cells[task] = cells

    def _choose(self, task: str | None, *, otherwise: int = 0) -> None:
        """The cursor follows its task; at the very top it stays there, with what is newest."""
        place = self._shown.index(task) if task in self._shown else min(otherwise, self.row_count)
        self.move_cursor(row=place, animate=False, scroll=False)

    def _cells_of(self, row: TaskRow, now: datetime, palette: Palette) -> list[Text]:
        width = self._columns
        agent = drawn.cut(row.agent_name, width["agent"])
        cells = {
            "state": drawn.state(row, palette),
            "agent": Text(agent, style=palette.text),
            "elapsed": drawn.took(row, now, palette),
            "tokens": drawn.tokens(row, palette),
            "cost": drawn.cost(row, palette),
            "step": drawn.step(row, palette),
        }
        if "title" in width:
            title = drawn.cut(row.title, width["title"])
            colour = palette.faint if row.state.is_final else palette.text
            cells["title"] = Text(title, style=colour)
        elif row.state.is_final and row.code is None:
            cells["step"] = Text(drawing.line(row.title), style=palette.faint)
        cells["step"].truncate(width["step"], overflow="ellipsis")
        return list(cells.values())


def columns_for(width: int) -> dict[str, int]:
    """Columns and their widths."""
    columns = dict(FIXED)
    if width >= WIDE:
        columns["agent"] = 16
        columns["step"] = STEP_WIDTH
        columns["title"] = _rest(columns, width)
    else:
        columns["step"] = _rest(columns, width)
    return columns


def _rest(columns: dict[str, int], width: int) -> int:
    used = sum(size + PADDING for size in columns.values())
    return max(8, width - used - PADDING - SCROLLBAR)
