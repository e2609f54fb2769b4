"""One task, followed live: its head, the answer as it is written, and the tree of its steps."""

from typing import ClassVar

import anyio
from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from hub.cli import task_tree
from hub.cli.task_story import Story, read_story
from protocols.errors import FactoryError, WrongVersion
from protocols.rest.client import RestClient

DRAW_SECONDS = 0.1
AGAIN_SECONDS = 1.0


class TaskScreen(Screen[None]):
    """The task of that id, until it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "back"),
        Binding("c", "app.cancel_shown", "cancel"),
        Binding("end,G", "follow", "follow the end"),
        Binding("home,g", "top", "to the top", show=False),
    ]

    def __init__(self, client: RestClient, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id
        self._client = client
        self._story: Story | None = None
        self._note = "reading …"
        self._is_changed = True

    def compose(self) -> ComposeResult:
        """Head, story, keys."""
        yield Static(id="head")
        with VerticalScroll(id="story"):
            yield Static(id="body")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to follow."""
        self.query_one("#story").focus()
        self.set_interval(DRAW_SECONDS, self._draw)
        self.run_worker(self._follow(), exit_on_error=False)  # ends with the screen

    async def _follow(self) -> None:
        while True:
            try:
                story = await read_story(self._client, self.task_id)
                await self._stream(story)
            except WrongVersion:
                continue  # the log is another one: read it anew
            except FactoryError as error:
                self._note, self._is_changed = error.message, True
                if not error.retryable:
                    return
                await anyio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _stream(self, story: Story) -> None:
        self._story, self._note, self._is_changed = story, "", True
        if story.task.state.is_final:
            return
        async with self._client.stream(
            self.task_id, after=story.task.version, on_wait=self._waits
        ) as events:
            async for event in events:
                story.add([event])
                self._note, self._is_changed = "", True

    def _waits(self, seconds: float) -> None:
        self._note, self._is_changed = f"reconnecting in {seconds:.1f} s", True

    def _draw(self) -> None:
        story = self._story
        is_open = story is not None and not story.task.state.is_final
        if not self._is_changed and not is_open:
            return
        self._is_changed = False
        head = self.query_one("#head", Static)
        if story is None:
            head.update(Text(self._note, style="dim"))
            return
        note = [Text(self._note, style="yellow")] if self._note else []
        head.update(Group(task_tree.head(story.task), *note))
        scroll = self.query_one("#story", VerticalScroll)
        is_at_end = scroll.scroll_y >= scroll.max_scroll_y - 1
        self.query_one("#body", Static).update(_body(story))
        if is_at_end and is_open:
            self.call_after_refresh(scroll.scroll_end, animate=False)

    def action_follow(self) -> None:
        """To the end, and stay there."""
        self.query_one("#story", VerticalScroll).scroll_end(animate=False)

    def action_top(self) -> None:
        """To the beginning."""
        self.query_one("#story", VerticalScroll).scroll_home(animate=False)


def _body(story: Story) -> RenderableType:
    parts: list[RenderableType] = [task_tree.tree(story)]
    answer = task_tree.answer(story.task, is_drawn=True)
    if answer is not None:
        parts += ["", answer]
    return Group(*parts)
