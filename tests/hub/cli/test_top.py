"""`pygent top` before a real hub: what happens is seen, whatever restarts; keys do as they say."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import pytest
from anyio import to_thread
from textual.pilot import Pilot
from textual.widgets import Static
from typer.testing import CliRunner, Result

from hub.cli.app import app as pygent
from hub.cli.client import Named
from hub.cli.top.app import TopApp
from hub.cli.top.feeds import LinkState
from hub.cli.top.table import Tasks
from hub.cli.top.task_screen import TaskScreen
from protocols.operations.overview import Overview
from protocols.rest.client import RestClient
from protocols.rest.resources import Channels
from protocols.tasks import TaskState
from store.addresses import Addresses
from tests.hub.cli.projecting import projecting
from tests.serving import Served, serving
from tests.serving import served as served

SMALL, LARGE = (80, 24), (132, 40)
CHANNELS = ("tasks:1", "overview:1")


@asynccontextmanager
async def top(
    served: Served, *, key: str | None = None, size: tuple[int, int] = SMALL
) -> AsyncGenerator[tuple[TopApp, Pilot[None]]]:
    """The screen, on a terminal of that size."""
    named = Named(served.url, key or await served.key())
    tasks, overview = CHANNELS
    channels = Channels.model_construct(tasks=tasks, overview=overview, agents="agents:1")
    async with RestClient(named.url, token=named.key) as client:
        app = TopApp(client, named, channels)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield app, pilot


@pytest.fixture
async def working(served: Served) -> AsyncGenerator[Served]:
    """A hub whose lists follow its log."""
    async with projecting(served):
        yield served


def screen(app: TopApp) -> str:
    """All that can be read, as a person would."""
    lines = (strip.text for strip in app.screen._compositor.render_strips())
    return " ".join(" ".join(lines).split())


async def until(pilot: Pilot[None], condition: Callable[[], bool], *, seconds: float = 30) -> None:
    try:
        with anyio.fail_after(seconds):
            while not condition():
                await pilot.pause(0.05)
    except TimeoutError:
        raise AssertionError(screen(pilot.app)) from None  # pyright: ignore[reportArgumentType]


async def sees(pilot: Pilot[None], *words: str) -> None:
    app = pilot.app
    assert isinstance(app, TopApp)
    await until(pilot, lambda: all(word in screen(app) for word in words))


async def test_a_task_is_seen_from_its_submission_to_its_end(working: Served):
    async with top(working) as (app, pilot):
        await sees(pilot, "● live", "No tasks yet", "pygent run guide")
        task = await working.task("what is a lease?")
        await sees(pilot, "submitted", "echo", "in the queue")
        await until(pilot, lambda: app.board.submitted == 1)
        worker = working.worker(task)
        await worker.begin()
        await sees(pilot, "working", "▌scripted")
        await worker.finish("a lease is a promise")
        await sees(pilot, "completed", "what is a lease?")
        await until(pilot, lambda: (app.board.working, app.board.submitted) == (0, 0))
        await sees(pilot, "1/min", "1 in 1 h")


async def test_what_happened_before_it_was_opened_is_there(working: Served):
    tasks = [await working.task(f"question {number}") for number in range(3)]
    await working.worker(tasks[0]).begin()
    async with top(working) as (app, pilot):
        await until(pilot, lambda: len(app.board.rows) == 3)
        await until(pilot, lambda: app.query_one(Tasks).row_count == 3)
        assert app.query_one(Tasks).chosen == tasks[0], "who works stands first"


async def test_who_works_is_told(working: Served):
    async with top(working) as (_, pilot):
        await sees(pilot, "0 alive", "start `pygent worker`")
        async with working.store.log_pool.connection() as connection:
            await connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
        await sees(pilot, "1 alive", "worker 1", "▱▱▱▱▱▱▱▱ 0")


async def test_a_hub_that_restarts_is_come_back_to_and_nothing_is_missed(addresses: Addresses):
    async with AsyncExitStack() as first:
        served = await first.enter_async_context(serving(addresses))
        await served.agent()
        key, port = await served.key(), int(served.url.rpartition(":")[2])
        await first.enter_async_context(projecting(served))
        task = await served.task("before")
        async with top(served, key=key) as (app, pilot):
            await until(pilot, lambda: task in app.board.rows)
            await served.task("just before")
            await first.aclose()
            await until(pilot, lambda: app.link.state is LinkState.RECONNECTING)
            await sees(pilot, "◌ reconnecting", "as of")
            async with serving(addresses, port=port) as again, projecting(again):
                late = await again.task("meanwhile")
                await until(pilot, lambda: app.link.state is LinkState.LIVE)
                await until(pilot, lambda: late in app.board.rows)
                await until(pilot, lambda: len(app.board.rows) == 3)
                await sees(pilot, "● live")


async def test_a_key_that_is_not_known_is_said_and_not_tried_again(working: Served):
    async with top(working, key="pgk_wrong_key") as (app, pilot):
        await until(pilot, lambda: app.link.state is LinkState.OFFLINE)
        await sees(pilot, "✕ offline", "invalid token")


async def test_enter_opens_a_task_that_is_written_on_and_escape_leaves_it(working: Served):
    task = await working.task("tell me")
    worker = working.worker(task)
    await worker.begin()
    async with top(working) as (app, pilot):
        await until(pilot, lambda: app.query_one(Tasks).chosen == task)
        await pilot.press("enter")
        assert isinstance(app.screen, TaskScreen)
        await sees(pilot, "tell me", "attempt 1", "model scripted")
        await worker.say("once upon ")
        await sees(pilot, "once upon")
        await worker.say("a time")
        await sees(pilot, "once upon a time")
        await worker.finish("once upon a time there was a lease")
        await sees(pilot, "completed", "there was a lease")
        await pilot.press("escape")
        await sees(pilot, "Queue", "Workers")
        assert not isinstance(app.screen, TaskScreen)


async def test_cancel_asks_first(working: Served):
    task = await working.task("stop me")
    async with top(working) as (app, pilot):
        await until(pilot, lambda: app.query_one(Tasks).chosen == task)
        for refusal in ("n", "escape", "enter"):
            await pilot.press("c")
            await sees(pilot, "Stop “stop me” of echo?")
            await pilot.press(refusal)
            await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.board.rows[task].state is TaskState.SUBMITTED
        await pilot.press("c", "y")
        await until(pilot, lambda: app.board.rows[task].state is TaskState.CANCELED)
        await sees(pilot, "Canceled", "⊘ canceled")
        await pilot.press("c")
        await sees(pilot, "Not canceled", "It is canceled already")


async def test_words_filter_and_escape_shows_all(working: Served):
    red, blue = await working.task("red apples"), await working.task("blue plums")
    async with top(working) as (app, pilot):
        table = app.query_one(Tasks)
        await until(pilot, lambda: table.row_count == 2)
        await pilot.press("slash", *"apples")
        await until(pilot, lambda: table.row_count == 1)
        await pilot.press("enter")
        assert table.chosen == red
        await pilot.press("slash", *"zzz")
        await sees(pilot, "No task has these words")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: table.row_count == 2)

        await working.worker(blue).begin()
        await working.factory().tasks.cancel(red)
        await until(pilot, lambda: app.board.rows[red].state is TaskState.CANCELED)
        await pilot.press("o")
        await until(pilot, lambda: table.row_count == 1)
        assert table.chosen == blue


async def test_the_chosen_task_stays_chosen_while_others_come(working: Served):
    async with top(working) as (app, pilot):
        tasks = [await working.task(f"number {number}") for number in range(3)]
        table = app.query_one(Tasks)
        await until(pilot, lambda: table.row_count == 3)
        await pilot.pause()
        await pilot.press("down")
        chosen = table.chosen
        assert chosen == tasks[1]
        await working.task("a newer one")
        await until(pilot, lambda: table.row_count == 4)
        assert table.chosen == chosen


async def test_it_fits_small_and_large_terminals_and_both_themes(working: Served):
    await working.task("a question with a title that is far too long for any small terminal")
    async with top(working) as (app, pilot):
        await sees(pilot, "State", "Agent", "Elapsed", "Tokens", "Cost", "Now", "open", "quit")
        assert "Task" not in screen(app)
        await pilot.resize_terminal(*LARGE)
        await sees(pilot, "Task", "a question with a title that is", "…")
        await pilot.resize_terminal(40, 12)
        await sees(pilot, "submitted")
        await pilot.press("t")
        await pilot.resize_terminal(*SMALL)
        await sees(pilot, "submitted", "Queue")
        assert app.theme == "pygent-light"
        await pilot.press("q")
        assert isinstance(app.query_one("#bar"), Static)


async def ask(served: Served, *words: str) -> Result:
    env = {"PYGENT_URL": served.url, "PYGENT_API_KEY": await served.key()}
    return await to_thread.run_sync(lambda: CliRunner().invoke(pygent, ["top", *words], env=env))


async def test_a_script_gets_one_snapshot(working: Served):
    task = await working.task("for a script")
    await working.worker(task).begin()
    with anyio.fail_after(10):
        while "1 working" not in (said := await ask(working, "--once")).stderr or (
            "◐" not in said.stdout
        ):
            await anyio.sleep(0.05)
    assert said.exit_code == 0
    cells = said.stdout.splitlines()[0].split("\t")
    assert cells[0] == task
    assert cells[-2:] == ["scripted", "for a script"]
    assert "1 working · 0 waiting" in said.stderr
    assert "workers: 0 alive" in said.stderr
    answered = Overview.model_validate_json((await ask(working, "--json")).stdout)
    assert [row.id for row in answered.open] == [task]


async def test_without_a_terminal_it_says_what_to_do_instead(working: Served):
    said = await ask(working)
    assert said.exit_code == 2
    assert "--once" in said.stderr
