"""The screen of `pygent top`: bar, panels, table and keys, drawn four times a second.

The feeds tell it what happens. What runs beside it is one of Textual's workers, which end with it.
"""

import contextlib
from datetime import UTC, datetime
from typing import ClassVar

import anyio
from pydantic import ValidationError
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import DataTable, Footer, Input, Static

from hub.cli.client import Named
from hub.cli.top import drawn, style
from hub.cli.top.ask_screen import AskScreen
from hub.cli.top.board import Board, Moment
from hub.cli.top.feeds import Feeds, Link, LinkState
from hub.cli.top.health import Health, read_health
from hub.cli.top.snapshot import read_board
from hub.cli.top.table import WIDE, Tasks
from hub.cli.top.task_screen import TaskScreen
from protocols.channels import Namespace
from protocols.errors import FactoryError
from protocols.operations.tasks import TaskRow
from protocols.rest.client import RestClient
from protocols.rest.resources import Channels

OF_THE_TABLE = frozenset({"cancel", "filter", "open_only", "clear"})
DRAW_SECONDS = 0.25
HEALTH_SECONDS = 2.0
EMPTY = 'No tasks yet. Ask an agent:\n\npygent run guide "What is an attempt?"'
NOTHING = "No task has these words. Esc shows all."
READING = "Reading …"


class TopApp(App[None]):
    """The factory, live.

    Args:
        client: Opened.
        named: Which factory, and the key for it.
        channels: Of the team.
    """

    CSS = style.CSS
    TITLE = "pygent top"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "cancel", "cancel"),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("o", "open_only", "open only"),
        Binding("t", "theme", "theme"),
        Binding("escape", "clear", "show all", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, client: RestClient, named: Named, channels: Channels) -> None:
        super().__init__()
        for theme in style.THEMES:
            self.register_theme(theme)
        self.theme = style.DARK
        self.ansi_theme_dark = style.terminal_theme(style.DARK)
        self.ansi_theme_light = style.terminal_theme(style.LIGHT)
        self._client = client
        self._named = named
        self._channels = channels
        self._health = Health()
        self._as_of: datetime | None = None
        self._rows: list[TaskRow] = []
        self.board = Board()
        self.link = Link(LinkState.CONNECTING)
        self.words = ""
        self.is_open_only = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the table count, and are shown, where the table is."""
        return action not in OF_THE_TABLE or len(self.screen_stack) == 1

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """For themes that are not ours."""
        return dict(style.THEMES[0].variables)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(id="bar")
        with Horizontal(id="panels"):
            yield _panel("throughput", "Ended within the hour")
            yield _panel("queue", "Queue")
            yield _panel("workers", "Workers")
        yield Tasks()
        yield Static(READING, id="empty", markup=False)
        yield Input(placeholder="words of state, agent, step or title", id="filter", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to watch."""
        self.query_one(Tasks).focus()
        self.set_interval(DRAW_SECONDS, self.draw)
        self.run_worker(self._watch(), exit_on_error=True)
        self.run_worker(self._look(), exit_on_error=True)

    async def _watch(self) -> None:
        feeds = Feeds(
            self._named.url,
            self._named.key,
            [self._channels.tasks, self._channels.overview],
            on_row=self._hear,
            on_reset=self._reset,
            on_link=self._linked,
        )
        await feeds.run()

    async def _reset(self) -> None:
        await read_board(self._client, self.board)
        self._as_of = datetime.now(UTC)

    def _hear(self, channel: str, data: bytes) -> None:
        self._as_of = datetime.now(UTC)
        with contextlib.suppress(ValidationError):  # of a hub whose rows are of another version
            if channel.startswith(f"{Namespace.TASKS}:"):
                self.board.put(TaskRow.model_validate_json(data))
            else:
                self.board.tell(Moment.model_validate_json(data))

    def _linked(self, link: Link) -> None:
        self.link = link

    async def _look(self) -> None:
        """The workers and the queue, every few seconds."""
        while True:
            self._health = await read_health(self._client)
            await anyio.sleep(HEALTH_SECONDS)

    def on_resize(self, event: Resize) -> None:
        """Columns that fit."""
        self.screen_stack[0].set_class(event.size.width >= WIDE, "wide")
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Everything, as it is now; also under another screen, which may be left any time."""
        base = self.screen_stack[0]
        if not base.query("#bar"):  # a tick before the screen is built, or after it was taken down
            return
        now, palette = datetime.now(UTC), style.PALETTES.get(self.theme, style.PALETTES[style.DARK])
        self._rows = self.board.shown(self.words, open_only=self.is_open_only)
        base.query_one("#bar", Static).update(
            drawn.bar(self.link, self._named.url, now=now, as_of=self._as_of, palette=palette)
        )
        left = base.query_one("#throughput", Static)
        width = left.content_size.width
        left.update(drawn.throughput(self.board, now, width=width, palette=palette))
        base.query_one("#queue", Static).update(drawn.queue(self.board, self._health, palette))
        right = base.query_one("#workers", Static)
        width = right.content_size.width
        right.update(drawn.workers(self._health, width=width, palette=palette))
        table, empty = base.query_one(Tasks), base.query_one("#empty", Static)
        table.fit(base.size.width)
        table.draw(self._rows, now=now, palette=palette)
        table.display, empty.display = bool(self._rows), not self._rows
        if self._rows and base.focused is None:
            base.set_focus(table)  # it lost the keys while it was hidden
        if not self._rows:
            is_known = self._as_of is not None
            empty.update(NOTHING if self.board.rows else EMPTY if is_known else READING)

    def on_data_table_row_selected(self, _: DataTable.RowSelected) -> None:
        """Enter, or a second click."""
        self._open()

    def _open(self) -> None:
        """The chosen task, followed live."""
        task = self.query_one(Tasks).chosen
        if task is not None:
            self.push_screen(TaskScreen(self._client, task))

    async def action_cancel(self) -> None:
        """Ask, then stop the chosen task."""
        task = self.query_one(Tasks).chosen
        if task is not None:
            await self._ask_to_cancel(task)

    async def action_cancel_shown(self) -> None:
        """Ask, then stop the task that is open."""
        if isinstance(self.screen, TaskScreen):
            await self._ask_to_cancel(self.screen.task_id)

    async def _ask_to_cancel(self, task: str) -> None:
        row = self.board.rows.get(task)
        if row is not None and row.state.is_final:
            self.notify(f"It is {row.state.value} already.", title="Not canceled")
            return
        what = f"“{drawn.cut(row.title, 80)}” of {row.agent_name}" if row else task

        def answered(is_meant: bool | None) -> None:  # noqa: FBT001  Textual calls it so
            if is_meant:
                self.run_worker(self._cancel(task), exit_on_error=True)

        await self.push_screen(AskScreen(f"Stop {what}?"), answered)

    async def _cancel(self, task: str) -> None:
        try:
            receipt = await self._client.tasks.cancel(task)
        except FactoryError as error:
            self.notify(error.message, title="Not canceled", severity="error", markup=False)
            return
        asked = "Canceled" if receipt.state.is_final else "Asked to stop"
        self.notify(f"Task {task}", title=asked, markup=False)

    def action_filter(self) -> None:
        """Type words."""
        field = self.query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """While they are typed."""
        self.words = event.value
        self.draw()

    def on_input_submitted(self, _: Input.Submitted) -> None:
        """Back to the rows that are left."""
        if not self.words:
            self.query_one("#filter").remove_class("shown")
        self.query_one(Tasks).focus()

    def action_clear(self) -> None:
        """All rows again."""
        self.query_one("#filter", Input).clear()
        self.query_one("#filter").remove_class("shown")
        self.words, self.is_open_only = "", False
        self.query_one(Tasks).focus()
        self.draw()

    def action_open_only(self) -> None:
        """Only tasks that are not over, or all."""
        self.is_open_only = not self.is_open_only
        self.draw()

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = style.LIGHT if self.theme == style.DARK else style.DARK
        self.draw()


def _panel(name: str, title: str) -> Static:
    panel = Static(id=name, classes="panel", markup=False)
    panel.border_title = title
    return panel
